// A text area for code: line numbers, Tab and Enter as in an editor, Ctrl+S to save, a question before changes are lost.

const INDENT = "    ";
const area = document.querySelector("[data-editor]");
const lines = document.querySelector("[data-editor-lines]");
const form = area.closest("form");
const before = area.value;
let letsTabLeave = false;
let isSaving = false;
let shown = 0;

function number() {
  const count = area.value.split("\n").length;
  if (count === shown) return;
  shown = count;
  lines.textContent = Array.from({ length: count }, (_, index) => index + 1).join("\n");
}

// execCommand keeps the browser's own undo, which setting the value would lose.
function insert(text) {
  document.execCommand("insertText", false, text);
}

function lineStart(position) {
  return area.value.lastIndexOf("\n", position - 1) + 1;
}

function indentLines(outwards) {
  const { selectionStart, selectionEnd } = area;
  const start = lineStart(selectionStart);
  const block = area.value.slice(start, selectionEnd);
  const moved = outwards ? block.replace(/^ {1,4}/gm, "") : block.replace(/^(?=.)/gm, INDENT);
  if (moved === block) return;
  area.setSelectionRange(start, selectionEnd);
  insert(moved);
  area.setSelectionRange(start, start + moved.length);
}

function breakLine() {
  const line = area.value.slice(lineStart(area.selectionStart), area.selectionStart);
  const indent = /^ */.exec(line)[0];
  insert(`\n${indent}${line.trimEnd().endsWith(":") ? INDENT : ""}`);
}

area.addEventListener("keydown", (event) => {
  if (event.key === "Escape") letsTabLeave = true;
  else if (event.key === "Tab" && !letsTabLeave) {
    event.preventDefault();
    if (event.shiftKey || area.value.slice(area.selectionStart, area.selectionEnd).includes("\n")) indentLines(event.shiftKey);
    else insert(INDENT);
  } else if (event.key === "Enter" && !event.ctrlKey && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    breakLine();
  } else if (event.key !== "Shift" && event.key !== "Tab") letsTabLeave = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  form.requestSubmit();
});

area.addEventListener("input", number);
area.addEventListener("scroll", () => {
  lines.scrollTop = area.scrollTop;
});
document.addEventListener("submit", () => {
  isSaving = true;
});
addEventListener("beforeunload", (event) => {
  if (!isSaving && area.value !== before) event.preventDefault();
});
number();
