// What is on the image and what was done to it: the shapes with their history, and which of them is chosen and shown.
// Knows nothing of the page; `changed` is called after every change, `say` with a sentence for who does not see it.

import { addedKeys, editsBetween, rebased } from "./edits.js";
import { canMove, handlesOf, middlesOf, moved, newBox, newPolygon, withHandleAt, withVertex, withoutVertex } from "./geometry.js";
import { History } from "./history.js";

const SHARE_OF_VIEW = 0.25;
// What a shape has that no Run made and nobody has reviewed.
const NOBODYS = { score: null, source: "human", review: "unreviewed", run: null, edited_by: "" };

export class Editor {
  constructor({ changed, say }) {
    [this.changed, this.say] = [() => {}, say];
    [this.hiddenLabels, this.threshold, this.areHidden, this.hidesRejected] = [new Set(), 0, false, false];
    [this.drawLabel, this.tool, this.made] = ["", "select", 0];
    this.open({ shapes: [], labels: [], revision: 0, assetId: "", size: [1, 1], isLocked: true });
    this.changed = changed;
  }

  // Begin on an image: its shapes as they are stored at a Revision.
  open({ shapes, labels, revision, assetId, size, isLocked }) {
    Object.assign(this, { labels, revision, assetId, size, isLocked });
    this.colors = new Map(labels.map(({ name, color }) => [name, color]));
    if (!this.colors.has(this.drawLabel)) this.drawLabel = labels[0]?.name ?? "";
    if (!this.canDraw) this.tool = "select";
    this.ids = new Map();
    this.saved = shapes;
    this.history = new History(shapes);
    [this.chosen, this.hovered, this.handle, this.previewed] = ["", "", null, null];
    this.changed();
  }

  get canEdit() {
    return !this.isLocked;
  }

  get canDraw() {
    return this.canEdit && this.labels.length > 0;
  }

  get shapes() {
    const { now } = this.history;
    if (!this.previewed) return now;
    const isKnown = now.some(({ key }) => key === this.previewed.key);
    if (isKnown) return now.map((shape) => (shape.key === this.previewed.key ? this.previewed : shape));
    return [...now, { label: this.drawLabel, attributes: {}, ...NOBODYS, ...this.previewed }];
  }

  get chosenShape() {
    return this.history.now.find(({ key }) => key === this.chosen) ?? null;
  }

  get edits() {
    return editsBetween(this.saved, this.history.now, this.assetId, (key) => this.ids.get(key) ?? key);
  }

  get isDirty() {
    return this.history.now !== this.saved && this.edits.length > 0;
  }

  isShown(shape) {
    if (shape.key === "sketch") return true;
    if (this.areHidden || this.hiddenLabels.has(shape.label)) return false;
    if (this.hidesRejected && shape.review === "rejected") return false;
    return shape.score === null || shape.score >= this.threshold;
  }

  // --- choosing

  choose(key) {
    if (this.chosen === key) return;
    [this.chosen, this.handle] = [key, null];
    const shape = this.chosenShape;
    if (shape) this.say(`Chosen: ${shape.label}`);
    this.changed();
  }

  hover(key) {
    if (this.hovered === key) return;
    this.hovered = key;
    this.changed();
  }

  chooseHandle(index) {
    if (this.handle === index) return;
    this.handle = index;
    this.changed();
  }

  cycle(step) {
    const shown = this.shapes.filter((shape) => this.isShown(shape));
    if (!shown.length) return;
    const place = shown.findIndex(({ key }) => key === this.chosen);
    const next = place < 0 ? (step > 0 ? 0 : shown.length - 1) : (place + step + shown.length) % shown.length;
    this.choose(shown[next].key);
  }

  cycleHandle(step) {
    const count = this.chosenShape ? handlesOf(this.chosenShape).length : 0;
    if (!count || !this.canEdit) return;
    this.handle = this.handle === null ? (step > 0 ? 0 : count - 1) : (this.handle + step + count) % count;
    this.say(`Point ${this.handle + 1} of ${count}`);
    this.changed();
  }

  // --- changing

  preview(shape) {
    this.previewed = shape;
    this.changed();
  }

  keepPreview() {
    const shape = this.previewed;
    this.previewed = null;
    if (shape) this.put({ ...shape, review: "edited" });
    this.changed();
  }

  add(place) {
    if (!this.canDraw) return;
    const shape = { ...this.fresh(), ...place };
    this.keep([...this.history.now, shape], `Added ${shape.label}`);
    this.tool = "select";
    this.choose(shape.key);
    this.changed();
  }

  // Without a pointer: a shape in the middle of what is seen, to be moved and bent by keys.
  addInTheMiddle([left, top], [right, bottom]) {
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const [width, height] = [(right - left) * SHARE_OF_VIEW, (bottom - top) * SHARE_OF_VIEW];
    const corners = [[x - width, y - height], [x + width, y - height], [x + width, y + height], [x - width, y + height]];
    const inside = corners.map(([cx, cy]) => [Math.min(Math.max(cx, 0), this.size[0]), Math.min(Math.max(cy, 0), this.size[1])]);
    this.add(this.tool === "polygon" ? newPolygon(inside) : newBox(...inside[0], ...inside[2]));
  }

  nudge(dx, dy) {
    const shape = this.chosenShape;
    if (!shape || !this.canEdit) return;
    if (!canMove(shape)) return this.say(`A ${shape.kind} cannot be moved.`);
    const place = this.handle === null ? null : handlesOf(shape)[this.handle];
    const next = place ? withHandleAt(shape, this.handle, place[0] + dx, place[1] + dy, this.size) : moved(shape, dx, dy, this.size);
    this.put({ ...next, review: "edited" }, `nudge ${shape.key} ${this.handle}`);
    this.changed();
  }

  addVertex() {
    const shape = this.chosenShape;
    const middle = shape && middlesOf(shape).find(({ after }) => after === (this.handle ?? 0));
    if (!middle || !this.canEdit) return this.say("Points are added to polygons and lines.");
    this.put({ ...withVertex(shape, middle.after, middle.x, middle.y), review: "edited" });
    this.handle = middle.after + 1;
    this.say("Added a point");
    this.changed();
  }

  removeVertex() {
    const shape = this.chosenShape;
    if (!shape || !this.canEdit || this.handle === null) return;
    const less = withoutVertex(shape, this.handle);
    if (!less) return this.say("A polygon keeps three points, a line two.");
    this.put({ ...less, review: "edited" });
    this.handle = null;
    this.say("Removed a point");
    this.changed();
  }

  relabel(label) {
    const shape = this.chosenShape;
    this.drawLabel = label;
    if (shape && this.canEdit && shape.label !== label) {
      this.put({ ...shape, label, review: "edited" });
      this.say(`Relabelled to ${label}`);
    }
    this.changed();
  }

  remove(key = this.chosen) {
    const shape = this.history.now.find((each) => each.key === key);
    if (!shape || !this.canEdit) return;
    this.keep(this.history.now.filter((each) => each !== shape), `Deleted ${shape.label}`);
    if (this.chosen === key) [this.chosen, this.handle] = ["", null];
    this.changed();
  }

  // The same word again takes it back. Afterwards the next prediction that waits for a word is chosen.
  review(word, key = this.chosen) {
    const shape = this.history.now.find((each) => each.key === key);
    if (!shape || !this.canEdit || !this.isStored(shape)) return;
    const isTakenBack = shape.review === word;
    this.put({ ...shape, review: isTakenBack ? "unreviewed" : word });
    this.say(isTakenBack ? `${shape.label} is unreviewed again` : `${word === "accepted" ? "Accepted" : "Rejected"} ${shape.label}`);
    if (key === this.chosen && !isTakenBack) this.chosen = this.nextWaiting(key) ?? key;
    this.changed();
  }

  // All predictions of the image that are shown and wait for a word.
  reviewAll(word) {
    const waiting = new Set(this.waiting);
    if (!waiting.size || !this.canEdit) return this.say("No prediction that is shown waits for a review.");
    const shapes = this.history.now.map((shape) => (waiting.has(shape) ? { ...shape, review: word } : shape));
    this.keep(shapes, `${word === "accepted" ? "Accepted" : "Rejected"} ${waiting.size} predictions`);
    this.changed();
  }

  get waiting() {
    return this.history.now.filter((shape) => isWaiting(shape) && this.isShown(shape));
  }

  undo() {
    if (!this.history.canUndo) return;
    this.history.undo();
    this.afterTravel("Undone");
  }

  redo() {
    if (!this.history.canRedo) return;
    this.history.redo();
    this.afterTravel("Done again");
  }

  // --- saving

  // The shapes as they were sent are what is stored now, under the ids that the server gave.
  wasSaved(sent, { revision, added }) {
    const keys = addedKeys(this.saved, sent);
    for (const [place, key] of keys.entries()) this.ids.set(key, added[place]);
    // A shape that was deleted, saved and undone is a new one, and its author's own.
    const own = (shape) => (keys.includes(shape.key) ? { ...shape, ...NOBODYS } : shape);
    const isLatest = this.history.now === sent;
    this.saved = sent.map(own);
    this.history.now = isLatest ? this.saved : this.history.now.map(own);
    this.revision = revision;
    this.changed();
  }

  // What is stored was changed by somebody else: mine on top of theirs, still to be saved.
  rebase(shapes, revision) {
    const mine = rebased(this.saved, this.history.now, shapes);
    this.saved = shapes;
    this.revision = revision;
    this.history = new History(shapes);
    this.history.push(mine);
    if (!this.chosenShape) [this.chosen, this.handle] = ["", null];
    this.changed();
  }

  isStored(shape) {
    return this.ids.has(shape.key) || this.saved.some(({ key }) => key === shape.key);
  }

  // --- how it does it

  fresh() {
    this.made += 1;
    return { key: `new-${this.made}`, label: this.drawLabel, attributes: {}, ...NOBODYS };
  }

  put(shape, tag = "") {
    const old = this.history.now.find(({ key }) => key === shape.key);
    // A shape that was drawn here is its author's own, however often it is moved.
    const review = this.isStored(shape) ? shape.review : (old?.review ?? shape.review);
    this.history.push(this.history.now.map((each) => (each.key === shape.key ? { ...shape, review } : each)), tag);
  }

  keep(shapes, words) {
    this.history.push(shapes);
    this.say(words);
  }

  nextWaiting(key) {
    const { now } = this.history;
    const place = now.findIndex((shape) => shape.key === key);
    return [...now.slice(place + 1), ...now.slice(0, place)].find((shape) => isWaiting(shape) && this.isShown(shape))?.key;
  }

  afterTravel(words) {
    if (!this.chosenShape) this.chosen = "";
    this.handle = null;
    this.say(words);
    this.changed();
  }

  // The part of the stage's window that shows the image.
  static seen(view, stage) {
    const [left, top] = view.toImage(0, 0);
    const [right, bottom] = view.toImage(stage.clientWidth, stage.clientHeight);
    const within = (value, most) => Math.min(Math.max(value, 0), most);
    return [[within(left, view.size[0]), within(top, view.size[1])], [within(right, view.size[0]), within(bottom, view.size[1])]];
  }
}

export function isWaiting(shape) {
  return shape.source === "run" && shape.review === "unreviewed";
}
