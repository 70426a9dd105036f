// Pages that are asked for in the background, and when it is safe to put their parts in the place of what is there.

// { isRight, page }, or null where nothing came: there is no connection, or the question was taken back.
export async function fetchPage(address, { signal } = {}) {
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, signal });
    return { isRight: answer.ok, page: new DOMParser().parseFromString(await answer.text(), "text/html") };
  } catch {
    return null;
  }
}

let isDown = false;
const waiting = [];

addEventListener("pointerdown", (event) => (isDown ||= event.button === 0), { capture: true });
for (const kind of ["pointerup", "pointercancel"]) {
  // The click comes after it.
  addEventListener(kind, () => setTimeout(letGo), { capture: true });
}

function letGo() {
  isDown = false;
  for (const done of waiting.splice(0)) done();
}

// Once nothing is being pressed: a button that is replaced between press and release would never be clicked.
export function released() {
  return isDown ? new Promise((done) => waiting.push(done)) : Promise.resolve();
}

const TAKES_FOCUS = "a[href], button, input, select, textarea, summary, [tabindex]";

// Puts `next` in the place of a part of the page. What had the focus in it has it still: at its place, under its name.
export function putInPlace(part, next) {
  const held = document.activeElement;
  const place = [part, ...part.querySelectorAll(TAKES_FOCUS)].indexOf(held);
  part.replaceWith(next);
  if (place < 0) return;
  const named = held.id && document.getElementById(held.id);
  (named || [next, ...next.querySelectorAll(TAKES_FOCUS)][place])?.focus({ preventScroll: true });
}
