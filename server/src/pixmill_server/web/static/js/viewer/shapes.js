// Draws the shapes of an image as SVG, their names as small tags, and the handles of the chosen one.
// Everything is made element by element: names of Labels are text, never markup.

import { areaOf, boundsOf, handlesOf, isLabeled, middlesOf, pointsOf, ringSizes } from "./geometry.js";
import { outlineOf } from "./mask.js";

const SVG = "http://www.w3.org/2000/svg";
// Smaller than this on the screen, a shape shows its name only when it is pointed at or chosen.
const TAG_FROM = 26;
const MOST_TAG = 270;
const MIDDLE_FROM = 28;
// More handles than this would hide the outline that they are on.
const MOST_HANDLES = 400;

export class ShapeLayer {
  constructor(stage, view) {
    this.view = view;
    this.picture = stage.querySelector("[data-picture]");
    this.shapes = stage.querySelector("[data-shapes]");
    this.marks = stage.querySelector("[data-marks]");
    this.tags = stage.querySelector("[data-tags]");
    this.drawn = new Map();
    this.state = { shapes: [], colors: new Map(), isShown: () => true };
  }

  // `state`: shapes, colors (by Label), isShown(shape), chosen and hovered (keys), handle (an index), sketch (points).
  draw(state) {
    this.state = state;
    const order = state.shapes.toSorted((one, other) => areaOf(other) - areaOf(one));
    const kept = new Set();
    const groups = order.filter((shape) => boundsOf(shape)).map((shape) => {
      kept.add(shape.key);
      return this.groupOf(shape).group;
    });
    for (const [key, { tag }] of this.drawn) {
      if (kept.has(key)) continue;
      tag.remove();
      this.drawn.delete(key);
    }
    if (groups.some((group, place) => this.shapes.children[place] !== group) || this.shapes.children.length !== groups.length) {
      this.shapes.replaceChildren(...groups);
    }
    for (const shape of state.shapes) this.mark(shape);
    this.place();
  }

  // After a zoom or a pan: what is measured in pixels of the screen is put in its place again.
  place() {
    const { scale, x, y } = this.view;
    this.picture.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    this.picture.classList.toggle("sharp", scale > 3);
    this.shapes.setAttribute("transform", `matrix(${scale} 0 0 ${scale} ${x} ${y})`);
    // Asked once: after the first tag is placed, the browser would have to lay out everything to answer.
    const stageSize = this.view.stageSize();
    for (const { shape, tag } of this.drawn.values()) this.placeTag(shape, tag, stageSize);
    this.drawMarks();
  }

  element(key) {
    return this.drawn.get(key)?.group;
  }

  groupOf(shape) {
    const old = this.drawn.get(shape.key);
    const color = this.state.colors.get(shape.label) ?? "#888888";
    if (old?.shape === shape && old.color === color) return old;
    const group = old?.group ?? make("g", { class: "shape", role: "button", tabindex: "-1", "data-key": shape.key });
    const tag = old?.tag ?? this.tags.appendChild(document.createElement("span"));
    group.setAttribute("stroke", color);
    group.setAttribute("fill", color);
    group.setAttribute("aria-label", nameOf(shape));
    group.replaceChildren(...figuresOf(shape));
    tag.className = "viewer-tag";
    tag.textContent = `${shape.label}${shape.score === null ? "" : ` ${shape.score.toFixed(2)}`}`;
    tag.style.backgroundColor = color;
    tag.style.color = inkOn(color);
    const made = { shape, color, group, tag };
    this.drawn.set(shape.key, made);
    return made;
  }

  mark(shape) {
    const found = this.drawn.get(shape.key);
    if (!found) return;
    const { chosen, hovered, isShown } = this.state;
    const { group, tag } = found;
    group.classList.toggle("chosen", shape.key === chosen);
    group.classList.toggle("hovered", shape.key === hovered);
    group.classList.toggle("open", shape.kind === "line");
    for (const word of ["accepted", "rejected"]) group.classList.toggle(word, shape.review === word);
    tag.classList.toggle("rejected", shape.review === "rejected");
    group.toggleAttribute("hidden", !isShown(shape));
    group.setAttribute("aria-pressed", String(shape.key === chosen));
    group.setAttribute("tabindex", shape.key === chosen ? "0" : "-1");
  }

  placeTag(shape, tag, [stageWidth, stageHeight]) {
    const [left, top, width, height] = boundsOf(shape);
    const { scale } = this.view;
    const isNoted = shape.key === this.state.chosen || shape.key === this.state.hovered;
    const isLarge = Math.max(width, height) * scale >= TAG_FROM || width + height === 0;
    const [x, y] = this.view.toStage(left, top);
    tag.hidden = !this.state.isShown(shape) || !(isNoted || isLarge) || x < -MOST_TAG || x > stageWidth || y < 0 || y > stageHeight + MOST_TAG;
    if (tag.hidden) return;
    tag.classList.toggle("noted", isNoted);
    tag.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px) translateY(-100%)`;
  }

  drawMarks() {
    const { sketch, chosen, shapes, canEdit, handle } = this.state;
    const shape = shapes.find(({ key }) => key === chosen);
    const marks = [];
    if (sketch?.length) marks.push(...this.sketchMarks(sketch));
    else if (shape && canEdit && this.state.isShown(shape)) marks.push(...this.handleMarks(shape, handle));
    this.marks.replaceChildren(...marks);
  }

  sketchMarks(points) {
    const placed = points.map(([x, y]) => this.view.toStage(x, y));
    const line = make("polyline", { class: "sketch", points: placed.map((point) => point.join(",")).join(" ") });
    const dots = placed.map(([cx, cy], place) => make("circle", { class: place ? "handle" : "handle first", cx, cy, r: 5 }));
    return [line, ...dots];
  }

  handleMarks(shape, chosenHandle) {
    const handles = handlesOf(shape);
    if (handles.length > MOST_HANDLES) return [];
    const middles = [];
    for (const { after, x, y, from, to } of middlesOf(shape)) {
      if (Math.hypot(to[0] - from[0], to[1] - from[1]) * this.view.scale < MIDDLE_FROM) continue;
      const [cx, cy] = this.view.toStage(x, y);
      middles.push(make("circle", { class: "handle middle", cx, cy, r: 3.5, "data-after": after }));
    }
    const ends = handles.flatMap(([x, y], index) => {
      if (!isLabeled(shape, index)) return [];
      const [cx, cy] = this.view.toStage(x, y);
      const isChosen = index === chosenHandle;
      return [make("circle", { class: isChosen ? "handle chosen" : "handle", cx, cy, r: isChosen ? 7 : 5, "data-handle": index })];
    });
    return [...middles, ...ends];
  }
}

export function nameOf(shape) {
  const score = shape.score === null ? "" : `, score ${shape.score.toFixed(2)}`;
  return `${shape.label}, ${shape.kind.replace("_", " ")}${score}, ${shape.review}`;
}

// Black or white, whichever is easier to read on the colour.
export function inkOn(color) {
  const [red, green, blue] = [1, 3, 5].map((start) => {
    const part = Number.parseInt(color.slice(start, start + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

function figuresOf(shape) {
  switch (shape.kind) {
    case "box": {
      const [x, y, width, height] = shape.bbox;
      return [make("rect", { x, y, width, height })];
    }
    case "rotated_box": {
      const [cx, cy, width, height, angle] = shape.coordinates;
      const turned = { x: cx - width / 2, y: cy - height / 2, width, height, transform: `rotate(${angle} ${cx} ${cy})` };
      return [make("rect", turned)];
    }
    case "polygon":
      return [make("path", { d: ringPath(shape), "fill-rule": "evenodd" })];
    case "mask":
      return [make("path", { d: outlineOf(shape.mask, shape.coordinates[0]), "fill-rule": "evenodd" })];
    case "line":
      return [make("path", { d: linePath(pointsOf(shape)) })];
    default:
      // A line without length: a dot that is as large at any zoom.
      return pointsOf(shape)
        .filter((_, index) => isLabeled(shape, index))
        .map(([x, y]) => make("path", { class: "dot", d: `M${x} ${y}h0` }));
  }
}

function ringPath(shape) {
  const points = pointsOf(shape);
  let start = 0;
  return ringSizes(shape).map((size) => {
    const ring = points.slice(start, start + size);
    start += size;
    return `${linePath(ring)}Z`;
  }).join("");
}

function linePath(points) {
  return `M${points.map(([x, y]) => `${x} ${y}`).join("L")}`;
}

export function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}
