// Zoom and pan: which part of the image the stage shows. Screen = image * scale + offset, in pixels of the stage.

import { clamp } from "./geometry.js";

const LEAST_SCALE = 0.02;
const MOST_SCALE = 40;
const STEP = 1.25;
// A fitted image leaves room for the names above its topmost shapes.
const MARGIN = 28;
const IN_SIGHT = 40;

export class View {
  // `changed` is called after every change.
  constructor(stage, changed) {
    this.stage = stage;
    this.changed = changed;
    this.size = [1, 1];
    [this.scale, this.x, this.y] = [1, 0, 0];
    this.isFitted = true;
    new ResizeObserver(() => (this.isFitted ? this.fit() : this.changed())).observe(stage);
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  show(size) {
    this.size = size;
    this.fit();
  }

  fit() {
    const { clientWidth, clientHeight } = this.stage;
    const room = [Math.max(clientWidth - 2 * MARGIN, 1), Math.max(clientHeight - 2 * MARGIN, 1)];
    this.scale = clamp(Math.min(room[0] / this.size[0], room[1] / this.size[1]), LEAST_SCALE, MOST_SCALE);
    this.x = (clientWidth - this.size[0] * this.scale) / 2;
    this.y = (clientHeight - this.size[1] * this.scale) / 2;
    this.isFitted = true;
    this.changed();
  }

  // About a point of the stage; by default its middle.
  zoom(factor, [x, y] = [this.stage.clientWidth / 2, this.stage.clientHeight / 2]) {
    const scale = clamp(this.scale * factor, LEAST_SCALE, MOST_SCALE);
    this.x = x - ((x - this.x) / this.scale) * scale;
    this.y = y - ((y - this.y) / this.scale) * scale;
    this.scale = scale;
    this.keepInSight();
  }

  zoomIn() {
    this.zoom(STEP);
  }

  zoomOut() {
    this.zoom(1 / STEP);
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.keepInSight();
  }

  // Bring a box of the image into sight, without a change of scale.
  reveal([x, y, width, height]) {
    const [left, top] = this.toStage(x, y);
    const [right, bottom] = this.toStage(x + width, y + height);
    const { clientWidth, clientHeight } = this.stage;
    if (right >= 0 && bottom >= 0 && left <= clientWidth && top <= clientHeight) return;
    this.pan(clientWidth / 2 - (left + right) / 2, clientHeight / 2 - (top + bottom) / 2);
  }

  toStage(x, y) {
    return [x * this.scale + this.x, y * this.scale + this.y];
  }

  toImage(x, y) {
    return [(x - this.x) / this.scale, (y - this.y) / this.scale];
  }

  stageSize() {
    return [this.stage.clientWidth, this.stage.clientHeight];
  }

  // Where a pointer is, in pixels of the stage.
  placeOf(event) {
    const { left, top } = this.stage.getBoundingClientRect();
    // What lies in the stage is placed from within its border.
    return [event.clientX - left - this.stage.clientLeft, event.clientY - top - this.stage.clientTop];
  }

  keepInSight() {
    const { clientWidth, clientHeight } = this.stage;
    this.x = clamp(this.x, IN_SIGHT - this.size[0] * this.scale, clientWidth - IN_SIGHT);
    this.y = clamp(this.y, IN_SIGHT - this.size[1] * this.scale, clientHeight - IN_SIGHT);
    this.isFitted = false;
    this.changed();
  }

  wheel(event) {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 16 : event.deltaY;
    // A pinch on a touchpad comes as a wheel with Ctrl, in small steps.
    this.zoom(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0015)), this.placeOf(event));
  }
}
