// The side of the viewer: which Labels are shown, the chosen shape, and the list of all shapes with what is known of each.

import { isWaiting } from "./editor.js";
import { nameOf } from "./shapes.js";

const ORIGINS = { human: "by hand", import: "imported" };

export class Panel {
  constructor(page, editor) {
    this.editor = editor;
    this.side = page.querySelector("[data-side]");
    this.list = page.querySelector("[data-shape-list]");
    this.labels = page.querySelector("[data-label-list]");
    this.empty = page.querySelector("[data-no-shapes]");
    this.count = page.querySelector("[data-shape-count]");
    this.rows = new Map();
    this.drawnLabels = "";
  }

  draw() {
    const { editor } = this;
    const shapes = editor.shapes.filter(({ key }) => key !== "sketch");
    const shown = shapes.filter((shape) => editor.isShown(shape)).length;
    this.count.textContent = shown === shapes.length ? `${shapes.length}` : `${shown} of ${shapes.length} shown`;
    this.empty.hidden = shapes.length > 0;
    const rows = shapes.map((shape) => this.rowOf(shape));
    if (rows.length !== this.list.children.length || rows.some((row, place) => this.list.children[place] !== row)) {
      this.list.replaceChildren(...rows);
    }
    this.drawLabels(shapes);
  }

  // Scrolls the side alone: on a phone, where it lies below the image, nothing moves.
  reveal() {
    const { side } = this;
    const row = this.rows.get(this.editor.chosen)?.row;
    if (!row || side.scrollHeight <= side.clientHeight) return;
    const [line, window] = [row.getBoundingClientRect(), side.getBoundingClientRect()];
    if (line.top < window.top) side.scrollTop -= window.top - line.top;
    else if (line.bottom > window.bottom) side.scrollTop += line.bottom - window.bottom;
  }

  rowOf(shape) {
    const { editor } = this;
    const isChosen = shape.key === editor.chosen;
    const state = [isChosen, editor.isStored(shape), editor.canEdit].join();
    const old = this.rows.get(shape.key);
    const row = old?.row ?? this.newRow(shape.key);
    if (old?.shape !== shape || old.state !== state) {
      this.fill(row, shape, isChosen);
      this.rows.set(shape.key, { shape, state, row });
    }
    row.classList.toggle("chosen", isChosen);
    row.classList.toggle("hovered", shape.key === editor.hovered);
    row.classList.toggle("unseen", !editor.isShown(shape));
    return row;
  }

  newRow(key) {
    const row = element("li", "shape-row");
    row.addEventListener("pointerenter", () => this.editor.hover(key));
    row.addEventListener("pointerleave", () => this.editor.hover(""));
    return row;
  }

  fill(row, shape, isChosen) {
    const hadFocus = row.contains(document.activeElement) ? document.activeElement.dataset.act : "";
    const name = element("button", "shape-name");
    name.type = "button";
    name.dataset.act = "choose";
    name.setAttribute("aria-pressed", String(isChosen));
    name.append(this.swatch(shape), element("span", "shape-label-text", shape.label));
    name.append(element("span", "soft numeric", shape.score === null ? "" : shape.score.toFixed(2)));
    name.append(element("span", "visually-hidden", `${shape.kind.replace("_", " ")}, ${shape.review}`));
    name.addEventListener("click", () => this.editor.choose(isChosen ? "" : shape.key));
    const state = element("span", shape.review === "unreviewed" ? "soft small" : "pill small", shape.review);
    state.dataset.status = { accepted: "succeeded", rejected: "failed", edited: "running" }[shape.review] ?? "";
    const head = element("div", "shape-head");
    head.append(name, state, ...this.reviewButtons(shape));
    row.replaceChildren(head, origin(shape), ...(isChosen ? facts(shape) : []));
    if (hadFocus) row.querySelector(`[data-act="${hadFocus}"]`)?.focus();
  }

  reviewButtons(shape) {
    if (!this.editor.canEdit || shape.source === "human" || !this.editor.isStored(shape)) return [];
    return [["accepted", "Accept", "✓"], ["rejected", "Reject", "✕"]].map(([word, verb, sign]) => {
      const button = element("button", "button quiet small review-button", sign);
      button.type = "button";
      button.dataset.act = word;
      button.setAttribute("aria-label", `${verb} ${nameOf(shape)}`);
      button.setAttribute("aria-pressed", String(shape.review === word));
      button.title = `${verb} (${verb[0]})`;
      button.addEventListener("click", () => this.editor.review(word, shape.key));
      return button;
    });
  }

  swatch(shape) {
    const swatch = element("span", "swatch");
    swatch.style.backgroundColor = this.editor.colors.get(shape.label) ?? "#888888";
    return swatch;
  }

  drawLabels(shapes) {
    const { labels, hiddenLabels } = this.editor;
    const counts = new Map();
    for (const { label } of shapes) counts.set(label, (counts.get(label) ?? 0) + 1);
    const told = JSON.stringify([labels, [...counts], [...hiddenLabels]]);
    if (told === this.drawnLabels) return;
    this.drawnLabels = told;
    const focused = document.activeElement?.dataset.label;
    const there = labels.filter(({ name }) => counts.has(name));
    this.labels.replaceChildren(...there.map((label) => this.labelLine(label, counts.get(label.name))));
    if (focused) for (const box of this.labels.querySelectorAll("input")) if (box.dataset.label === focused) box.focus();
  }

  labelLine({ name, color }, count) {
    const [line, label, box] = [element("li"), element("label", "check"), element("input")];
    box.type = "checkbox";
    box.dataset.label = name;
    box.checked = !this.editor.hiddenLabels.has(name);
    box.addEventListener("change", () => {
      if (box.checked) this.editor.hiddenLabels.delete(name);
      else this.editor.hiddenLabels.add(name);
      this.editor.changed();
    });
    const swatch = element("span", "swatch");
    swatch.style.backgroundColor = color;
    label.append(box, swatch, element("span", "shape-label-text", name), element("span", "soft numeric", String(count)));
    line.append(label);
    return line;
  }
}

// How many of the shapes wait for a word, for the buttons of the whole image.
export function waitingIn(shapes) {
  return shapes.filter(isWaiting).length;
}

function origin(shape) {
  const line = element("p", "shape-origin soft small");
  line.append(`${shape.kind.replace("_", " ")}, `);
  if (shape.source !== "run") line.append(ORIGINS[shape.source] ?? shape.source);
  else if (shape.run?.href) {
    const link = element("a", "", shape.run.name);
    link.href = shape.run.href;
    line.append(link);
  } else line.append(shape.run?.name || "a Run");
  return line;
}

function facts(shape) {
  const known = Object.entries(shape.attributes).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  if (shape.edited_by) known.push(["reviewed by", shape.edited_by]);
  if (!known.length) return [];
  const list = element("dl", "facts shape-facts");
  for (const [name, value] of known) list.append(element("dt", "", name), element("dd", "", value));
  return [list];
}

function element(name, classes = "", text = "") {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  if (text) made.textContent = text;
  return made;
}
