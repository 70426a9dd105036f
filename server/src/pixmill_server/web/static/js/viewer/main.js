// The viewer of one image: looks, edits and reviews, and goes to its neighbours without loading the page anew.
// Markup: templates/viewer.html. What may be pressed is marked `data-do`; what it does is in `actions` below.

import { toast } from "../toast.js";
import { Editor } from "./editor.js";
import { boundsOf } from "./geometry.js";
import { listen } from "./keys.js";
import { Pages, stateOf } from "./pages.js";
import { Panel, waitingIn } from "./panel.js";
import { send } from "./save.js";
import { ShapeLayer } from "./shapes.js";
import { Tools } from "./tools.js";
import { View } from "./view.js";

const page = document.querySelector("[data-viewer]");
const part = (name) => page.querySelector(`[data-${name}]`);
const stage = part("stage");
const pages = new Pages();
let state = stateOf(document);
let isSaving = false;
let isDrawing = false;
let revealed = "";
let turn = 0;

const editor = new Editor({ changed: () => draw(), say: (words) => (part("said").textContent = words) });
const view = new View(stage, () => layer.place());
const layer = new ShapeLayer(stage, view);
const tools = new Tools(stage, view, editor);
const panel = new Panel(page, editor);

const actions = {
  tool: (name) => chooseTool(name),
  undo: () => editor.undo(),
  redo: () => editor.redo(),
  hide: () => Object.assign(editor, { areHidden: !editor.areHidden }).changed(),
  fit: () => view.fit(),
  zoomIn: () => view.zoomIn(),
  zoomOut: () => view.zoomOut(),
  accept: () => editor.review("accepted"),
  reject: () => editor.review("rejected"),
  remove: () => editor.remove(),
  acceptAll: () => editor.reviewAll("accepted"),
  rejectAll: () => editor.reviewAll("rejected"),
  reviewAll: (word) => editor.reviewAll(word),
  cycle: (step) => {
    editor.cycle(step);
    layer.element(editor.chosen)?.focus({ preventScroll: true });
  },
  label: (index) => state.labels[index] && editor.relabel(state.labels[index].name),
  save: () => save(),
  saveAndNext: async () => (await save()) && leaveFor(state.next),
  next: () => leaveFor(state.next),
  previous: () => leaveFor(state.previous),
  escape: () => tools.drop() || (editor.tool !== "select" && chooseTool("select")) || editor.choose(""),
  back: () => (tools.sketch.length ? tools.removeLastPoint() : editor.removeVertex()),
  enter: () => finishDrawing(),
  takeMine: () => mend(true),
  takeTheirs: () => mend(false),
};

function chooseTool(name) {
  tools.drop();
  if (name !== "select" && !editor.canDraw) return true;
  editor.tool = name;
  if (name !== "select") {
    editor.choose("");
    stage.focus({ preventScroll: true });
  }
  const hints = {
    box: "Drag a box, or press Enter for one in the middle.",
    polygon: "Press for each point, then Enter or the first point; or press Enter at once for one in the middle.",
    select: "",
  };
  part("hint").textContent = hints[name];
  draw();
  return true;
}

function finishDrawing() {
  if (editor.tool === "select") return;
  if (tools.sketch.length) tools.finishPolygon();
  else editor.addInTheMiddle(...Editor.seen(view, stage));
}

// --- drawing

// Once a frame, however often the state changes: a pointer over a thousand shapes changes it many times.
function draw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(drawNow);
}

function drawNow() {
  isDrawing = false;
  const { chosen, hovered, handle, colors, canEdit } = editor;
  layer.draw({ shapes: editor.shapes, colors, isShown: (shape) => editor.isShown(shape), chosen, hovered, handle, canEdit, sketch: tools.sketch });
  panel.draw();
  drawBar();
  if (chosen !== revealed) reveal();
}

// What was chosen by key or in the list comes into sight on the image, and the other way round.
function reveal() {
  revealed = editor.chosen;
  const bounds = editor.chosenShape && boundsOf(editor.chosenShape);
  panel.reveal();
  if (bounds) view.reveal(bounds);
}

function drawBar() {
  const shape = editor.chosenShape;
  const waiting = editor.waiting.length;
  const able = {
    save: editor.isDirty && !isSaving,
    undo: editor.history.canUndo,
    redo: editor.history.canRedo,
    accept: shape && shape.source !== "human" && editor.canEdit,
    reject: shape && shape.source !== "human" && editor.canEdit,
    remove: shape && editor.canEdit,
    acceptAll: waiting && editor.canEdit,
    rejectAll: waiting && editor.canEdit,
  };
  for (const [name, isAble] of Object.entries(able)) for (const button of buttons(name)) button.disabled = !isAble;
  for (const button of page.querySelectorAll("[data-tool]")) {
    button.setAttribute("aria-pressed", String(button.dataset.tool === editor.tool));
    button.disabled = button.dataset.tool !== "select" && !editor.canDraw;
  }
  for (const button of buttons("hide")) button.setAttribute("aria-pressed", String(editor.areHidden));
  if (editor.tool === "select" && part("hint").textContent) part("hint").textContent = "";
  const select = part("label-choice");
  select.value = shape?.label ?? editor.drawLabel;
  select.disabled = !editor.canDraw;
  part("label-of").textContent = shape ? "Label of the chosen shape" : "Label to draw with";
  part("waiting").textContent = waiting ? `${waiting} of ${waitingIn(editor.history.now)} to review` : "nothing to review";
  part("state").textContent = isSaving ? "Saving…" : editor.isDirty ? `${editor.edits.length} unsaved` : "";
  stage.dataset.mode = editor.tool;
}

function buttons(name) {
  return page.querySelectorAll(`[data-do="${name}"]`);
}

// --- going from image to image

function open(next) {
  state = next;
  const { asset, version, labels } = state;
  editor.open({
    shapes: state.shapes,
    labels,
    revision: version.revision,
    assetId: asset.id,
    size: [asset.width, asset.height],
    isLocked: version.locked,
  });
  showPicture(asset);
  view.show([asset.width, asset.height]);
  part("label-choice").replaceChildren(...labels.map(({ name }, index) => new Option(index < 9 ? `${index + 1}  ${name}` : name, name)));
  part("classes").replaceChildren(...state.shapes.filter(({ kind }) => kind === "class").map(chip));
  part("conflict").hidden = true;
  part("refused").hidden = true;
  drawPlace();
  // At once: the shapes of the image before must not be seen on this one.
  drawNow();
  pages.prefetch([state.next, state.previous].filter(Boolean));
}

function chip({ label }) {
  const made = document.createElement("li");
  made.className = "chip";
  made.textContent = label;
  return made;
}

function showPicture({ path, image, thumbnail, unseen, width, height }) {
  const picture = part("picture");
  picture.style.width = `${width}px`;
  picture.style.height = `${height}px`;
  const [under, full] = picture.querySelectorAll("img");
  const tell = (words) => Object.assign(part("unseen"), { textContent: words, hidden: !words });
  tell(unseen);
  full.alt = path;
  full.onerror = () => tell("This image cannot be shown. Its bytes can still be downloaded.");
  // The small picture shows until the large one is there.
  for (const [element, source] of [[under, thumbnail], [full, image]]) {
    element.hidden = !source;
    if (source) element.src = source;
    else element.removeAttribute("src");
  }
}

function drawPlace() {
  const { asset, previous, next, place, total } = state;
  document.title = `${asset.path} · Pixmill`;
  for (const element of page.querySelectorAll("[data-path]")) element.textContent = asset.path;
  part("facts").textContent = state.facts;
  part("place").textContent = place === null ? `not among the ${total} of the filter` : `${place + 1} of ${total}`;
  for (const [name, href] of [["previous", previous], ["next", next]]) {
    const link = part(name);
    link.toggleAttribute("aria-disabled", !href);
    if (href) link.href = href;
    else link.removeAttribute("href");
  }
  Object.assign(part("download"), { href: asset.download, download: asset.path.split("/").at(-1) });
}

async function go(href, { isBack = false } = {}) {
  if (!href) return;
  turn += 1;
  const [mine, shapes] = [turn, editor.history.now];
  const next = await pages.get(href);
  // Somebody who turns pages fast sees the last one.
  if (mine !== turn) return;
  // What was edited while the next image was on its way is not dropped unasked either.
  if (editor.isDirty && editor.history.now !== shapes) {
    if (isBack) history.pushState(null, "", state.href);
    return leaveFor(href);
  }
  if (!next) return location.assign(href);
  if (!isBack) history.pushState(null, "", href);
  open(next);
}

async function leaveFor(href) {
  if (!href || isSaving) return;
  if (!editor.isDirty) return go(href);
  const answer = await ask(part("leaving"));
  if (answer === "discard") await go(href);
  else if (answer === "save" && (await save())) await leaveFor(href);
}

function ask(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

// --- saving

async function save() {
  if (isSaving || !editor.isDirty) return !isSaving;
  const sent = editor.history.now;
  isSaving = true;
  drawBar();
  const { saved, conflict, refused } = await send(state.version.id, editor.edits, editor.revision);
  isSaving = false;
  part("conflict").hidden = !conflict;
  part("refused").hidden = !refused;
  const problem = conflict ?? refused;
  if (problem) {
    part(conflict ? "conflict-words" : "refused-words").textContent = `${problem.detail} ${problem.hint ?? ""}`;
    draw();
    return false;
  }
  editor.wasSaved(sent, saved);
  const left = saved.skipped.map(({ reason }) => reason);
  toast(`Saved as Revision ${saved.revision}${left.length ? `; left out: ${left.join(", ")}` : ""}`, { kind: "good" });
  await readPlace();
  return true;
}

// The filter may not mean this image any more: its neighbours stay where they were.
async function readPlace() {
  pages.forget();
  const here = state;
  const next = await pages.fresh(here.href);
  if (!next || state !== here) return;
  const { place, total, previous, next: following } = next;
  Object.assign(state, { place, total }, place === null ? {} : { previous, next: following });
  drawPlace();
  pages.prefetch([state.next, state.previous].filter(Boolean));
}

async function mend(keepsMine) {
  const here = state;
  const fresh = await pages.fresh(here.href);
  if (state !== here) return;
  if (!fresh) return location.reload();
  pages.forget();
  if (!keepsMine) return open(fresh);
  state.version = fresh.version;
  editor.rebase(fresh.shapes, fresh.version.revision);
  part("conflict").hidden = true;
  editor.say("Your edits are on top of theirs. Look, then save.");
  draw();
}

// --- wiring

page.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-do], [data-tool]");
  if (pressed?.dataset.tool) chooseTool(pressed.dataset.tool);
  else if (pressed && !pressed.disabled) actions[pressed.dataset.do]();
});
for (const name of ["previous", "next"]) {
  part(name).addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    actions[name]();
  });
}
part("label-choice").addEventListener("change", (event) => {
  editor.relabel(event.target.value);
  stage.focus({ preventScroll: true });
});
part("threshold").addEventListener("input", (event) => {
  editor.threshold = Number(event.target.value);
  part("threshold-value").textContent = editor.threshold.toFixed(2);
  editor.changed();
});
part("rejected").addEventListener("change", (event) => {
  editor.hidesRejected = !event.target.checked;
  editor.changed();
});
stage.addEventListener("focusin", (event) => {
  const key = event.target.closest("[data-key]")?.dataset.key;
  if (key) editor.choose(key);
});
addEventListener("popstate", () => {
  const there = location.href;
  if (!editor.isDirty) return go(there, { isBack: true });
  history.pushState(null, "", state.href);
  return leaveFor(there);
});
addEventListener("beforeunload", (event) => {
  if (editor.isDirty) event.preventDefault();
});
listen(actions, editor, tools);
open(state);
