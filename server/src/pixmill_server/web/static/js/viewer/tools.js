// What the pointer does on the stage: choose, move, bend, draw, pan, and pinch with two fingers.
// The `editor` is asked for the state and told what was done; nothing is kept here but the gesture under way.

import { boundsOf, canMove, clamp, moved, newBox, newPolygon, withHandleAt, withVertex } from "./geometry.js";

const SLOP = 4;
const CLOSE_AT = 10;
const LEAST_SIDE = 2;

export class Tools {
  constructor(stage, view, editor) {
    [this.stage, this.view, this.editor] = [stage, view, editor];
    this.pointers = new Map();
    this.gesture = null;
    this.sketch = [];
    this.isSpaceHeld = false;
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("pointerup", (event) => this.up(event));
    stage.addEventListener("pointercancel", (event) => this.cancel(event));
    stage.addEventListener("dblclick", () => this.finishPolygon());
    stage.addEventListener("pointerover", (event) => editor.hover(event.target.closest("[data-key]")?.dataset.key ?? ""));
    stage.addEventListener("pointerleave", () => editor.hover(""));
  }

  holdSpace(isHeld) {
    this.isSpaceHeld = isHeld;
    this.stage.classList.toggle("panning", isHeld);
  }

  // End what was begun and not finished; true where there was something.
  drop() {
    const had = this.sketch.length > 0 || this.gesture !== null;
    [this.sketch, this.gesture] = [[], null];
    if (had) this.editor.preview(null);
    return had;
  }

  removeLastPoint() {
    this.sketch.pop();
    this.editor.changed();
  }

  finishPolygon() {
    if (this.editor.tool !== "polygon" || !this.sketch.length) return;
    // The two presses of a double click leave the same point twice.
    const points = this.sketch.filter((point, place, all) => !place || distance(point, all[place - 1]) * this.view.scale > SLOP);
    if (points.length < 3) return;
    this.sketch = [];
    this.editor.add(newPolygon(points));
  }

  down(event) {
    if (event.target.closest("button, a")) return;
    this.pointers.set(event.pointerId, this.view.placeOf(event));
    if (this.pointers.size === 2) this.gesture = { kind: "pinch" };
    if (this.pointers.size > 1) return;
    this.stage.setPointerCapture(event.pointerId);
    this.gesture = this.begin(event);
    if (event.button === 0) event.preventDefault();
    this.stage.focus({ preventScroll: true });
  }

  begin(event) {
    const at = this.view.placeOf(event);
    const start = { at, from: this.inside(at), isClick: true };
    if (event.button !== 0 || this.isSpaceHeld) return { ...start, kind: "pan", isClick: false };
    const { tool, canEdit } = this.editor;
    if (canEdit && tool === "box") return { ...start, kind: "box" };
    if (canEdit && tool === "polygon") return { ...start, kind: "vertex" };
    const shape = this.editor.chosenShape;
    const { handle, after } = event.target.dataset;
    if (canEdit && shape && handle !== undefined) return { ...start, kind: "handle", shape, index: Number(handle) };
    if (canEdit && shape && after !== undefined) {
      const bent = withVertex(shape, Number(after), ...start.from);
      return { ...start, kind: "handle", shape: bent, index: Number(after) + 1, isClick: false };
    }
    const key = event.target.closest("[data-key]")?.dataset.key ?? "";
    if (canEdit && shape && key === shape.key && canMove(shape)) return { ...start, kind: "move", shape, key };
    return { ...start, kind: "pan", key };
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before || !this.gesture) return;
    const now = this.view.placeOf(event);
    if (this.gesture.kind === "pinch") this.pinch(event.pointerId, before, now);
    else this.drag(before, now);
    this.pointers.set(event.pointerId, now);
  }

  drag(before, now) {
    const gesture = this.gesture;
    if (gesture.isClick && distance(now, gesture.at) < SLOP) return;
    gesture.isClick = false;
    const [to, size] = [this.inside(now), this.view.size];
    if (gesture.kind === "pan" || gesture.kind === "vertex") this.view.pan(now[0] - before[0], now[1] - before[1]);
    else if (gesture.kind === "box") this.editor.preview({ ...newBox(...gesture.from, ...to), key: "sketch" });
    else if (gesture.kind === "handle") {
      this.editor.chooseHandle(gesture.index);
      this.editor.preview(withHandleAt(gesture.shape, gesture.index, ...to, size));
    } else if (gesture.kind === "move") {
      const [from, here] = [this.view.toImage(...gesture.at), this.view.toImage(...now)];
      this.editor.preview(moved(gesture.shape, here[0] - from[0], here[1] - from[1], size));
    }
  }

  pinch(pointer, before, now) {
    const [other] = [...this.pointers].filter(([id]) => id !== pointer).map(([, place]) => place);
    const old = distance(before, other);
    if (!old) return;
    this.view.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    this.view.zoom(distance(now, other) / old, [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
  }

  up(event) {
    const gesture = this.gesture;
    if (!this.pointers.delete(event.pointerId) || !gesture) return;
    if (gesture.kind === "pinch") {
      if (!this.pointers.size) this.gesture = null;
      return;
    }
    this.gesture = null;
    if (gesture.isClick) this.click(gesture);
    else if (["handle", "move"].includes(gesture.kind)) this.editor.keepPreview();
    else if (gesture.kind === "box") this.finishBox(gesture, this.inside(this.view.placeOf(event)));
  }

  click(gesture) {
    if (gesture.kind === "handle") this.editor.chooseHandle(gesture.index);
    else if (gesture.kind === "vertex") this.addPoint(gesture.from, gesture.at);
    else if (gesture.kind === "pan") this.editor.choose(gesture.key);
  }

  addPoint(point, at) {
    const first = this.sketch[0] && this.view.toStage(...this.sketch[0]);
    if (first && this.sketch.length > 2 && distance(first, at) < CLOSE_AT) return this.finishPolygon();
    this.sketch.push(point);
    this.editor.changed();
  }

  finishBox({ from }, to) {
    this.editor.preview(null);
    const box = newBox(...from, ...to);
    const [, , width, height] = boundsOf(box);
    if (Math.min(width, height) * this.view.scale >= LEAST_SIDE) this.editor.add(box);
  }

  cancel(event) {
    this.pointers.delete(event.pointerId);
    this.gesture = null;
    this.editor.preview(null);
  }

  // A place on the stage as a point of the image, at its border where it lies outside.
  inside(place) {
    const [x, y] = this.view.toImage(...place);
    return [clamp(x, 0, this.view.size[0]), clamp(y, 0, this.view.size[1])];
  }
}

function distance(one, other) {
  return Math.hypot(one[0] - other[0], one[1] - other[1]);
}
