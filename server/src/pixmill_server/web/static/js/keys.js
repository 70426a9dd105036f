// Keys of every page: ? shows them all, / goes to the search field, g and a letter goes to a place of the navigation.
// A page's own keys are listed in its block "keys" and handled by its own modules.

import { openDialog } from "./dialog.js";

const GO_MS = 1200;
// Long ago: the clock of events begins with the page.
let wentAt = -Infinity;

export function isTyping(event) {
  const target = event.target;
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "?") {
    const help = document.getElementById("keys");
    if (help) openDialog(help);
  } else if (event.key === "/") {
    const field = document.querySelector("main [data-search], main input[type=search]");
    if (!field) return;
    field.focus();
    field.select?.();
  } else if (event.key === "g") {
    wentAt = event.timeStamp;
    return;
  } else if (event.timeStamp - wentAt < GO_MS) {
    const place = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
    if (!place) return;
    place.click();
  } else return;
  event.preventDefault();
});
