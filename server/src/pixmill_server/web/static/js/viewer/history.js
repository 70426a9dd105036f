// Undo and redo over states that are never changed in place.

export class History {
  constructor(state) {
    this.past = [];
    this.now = state;
    this.future = [];
    this.tag = "";
  }

  // Steps with the same tag that follow each other (one shape nudged ten times) are undone as one.
  push(state, tag = "") {
    if (state === this.now) return;
    if (!tag || tag !== this.tag) this.past.push(this.now);
    this.now = state;
    this.future = [];
    this.tag = tag;
  }

  get canUndo() {
    return this.past.length > 0;
  }

  get canRedo() {
    return this.future.length > 0;
  }

  undo() {
    if (!this.canUndo) return;
    this.future.push(this.now);
    this.now = this.past.pop();
    this.tag = "";
  }

  redo() {
    if (!this.canRedo) return;
    this.past.push(this.now);
    this.now = this.future.pop();
    this.tag = "";
  }
}
