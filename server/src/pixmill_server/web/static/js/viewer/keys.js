// The keyboard of the viewer. Every entry is also a button or a field of the page; the list of keys is in the page.

// `actions` are the functions named here. While something is chosen, the arrows move it; else they turn the pages.
export function listen(actions, editor, tools) {
  addEventListener("keydown", (event) => {
    // After "g", a letter goes to another page.
    if (event.defaultPrevented || document.querySelector("dialog[open]") || (isTyping(event.target) && !event.ctrlKey && !event.metaKey)) return;
    const action = actionOf(event, actions, editor, tools);
    if (!action) return;
    event.preventDefault();
    action();
  });
  addEventListener("keyup", (event) => {
    if (event.key === " ") tools.holdSpace(false);
  });
  addEventListener("blur", () => tools.holdSpace(false));
}

function actionOf(event, actions, editor, tools) {
  const { key } = event;
  if (event.ctrlKey || event.metaKey) return withControl(event, actions);
  if (event.altKey) return null;
  if (key === " ") return event.target.closest("button, a, summary") ? null : () => tools.holdSpace(true);
  if (key.startsWith("Arrow")) return arrow(event, actions, editor);
  if (key === "Enter") return event.target.closest("button, a, summary, select, input") ? null : actions.enter;
  if (/^[1-9]$/.test(key)) return () => actions.label(Number(key) - 1);
  const shifted = { A: () => actions.reviewAll("accepted"), R: () => actions.reviewAll("rejected") };
  if (event.shiftKey && shifted[key]) return shifted[key];
  const plain = {
    a: () => editor.review("accepted"),
    r: () => editor.review("rejected"),
    b: () => actions.tool("box"),
    p: () => actions.tool("polygon"),
    v: () => actions.tool("select"),
    h: actions.hide,
    j: actions.next,
    k: actions.previous,
    0: actions.fit,
    "+": actions.zoomIn,
    "=": actions.zoomIn,
    "-": actions.zoomOut,
    "[": () => actions.cycle(-1),
    "]": () => actions.cycle(1),
    ",": () => editor.cycleHandle(-1),
    ".": () => editor.cycleHandle(1),
    Insert: () => editor.addVertex(),
    i: () => editor.addVertex(),
    Backspace: actions.back,
    Delete: () => editor.remove(),
    Escape: actions.escape,
  };
  return plain[key.length === 1 ? key.toLowerCase() : key] ?? null;
}

function withControl(event, actions) {
  const named = { s: actions.save, Enter: actions.saveAndNext, z: event.shiftKey ? actions.redo : actions.undo, y: actions.redo };
  return named[event.key.length === 1 ? event.key.toLowerCase() : event.key] ?? null;
}

function arrow(event, actions, editor) {
  if (event.target.closest("[type=range]")) return null;
  const step = event.shiftKey ? 10 : 1;
  const ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  if (editor.chosenShape) return editor.canEdit ? () => editor.nudge(...ways[event.key]) : null;
  return { ArrowLeft: actions.previous, ArrowRight: actions.next }[event.key] ?? null;
}

function isTyping(element) {
  return element.closest("input:not([type=checkbox], [type=range]), textarea, select, [contenteditable]") !== null;
}
