// Elements with data-live="URL" are replaced by what the URL answers, every two seconds (or data-live-seconds), as long as the
// answer still has data-live. A page that nobody sees does not ask. A Run's end (the event "run-ended") asks at once, and brings
// what is only known then: each element with data-after-run is replaced by the one of its id on the page as it is now.

import { fetchPage, released } from "./fetched.js";

const SECONDS = 2;

async function refresh(element) {
  const answer = await fetchPage(element.dataset.live);
  if (!answer?.isRight) return element;
  await released();
  const next = answer.page.body.firstElementChild;
  if (!next || next.outerHTML === element.outerHTML) return element;
  const focused = element.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  element.replaceWith(next);
  // Who walks through the list with the keyboard stays where they were.
  if (focused) next.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  return next;
}

function keepLive(first) {
  let element = first;
  let timer = 0;
  const askLater = () => {
    clearTimeout(timer);
    if (element.dataset.live) timer = setTimeout(ask, 1000 * Number(element.dataset.liveSeconds ?? SECONDS));
  };
  const ask = async () => {
    clearTimeout(timer);
    if (!element.dataset.live) return;
    if (!document.hidden) element = await refresh(element);
    askLater();
    if (!element.dataset.live) document.dispatchEvent(new Event("run-ended"));
  };
  document.addEventListener("run-ended", ask);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) ask();
  });
  askLater();
}

for (const element of document.querySelectorAll("[data-live]")) keepLive(element);

document.addEventListener("run-ended", async () => {
  const waiting = [...document.querySelectorAll("[data-after-run]")];
  if (waiting.length === 0) return;
  const answer = await fetchPage(location.href);
  if (!answer?.isRight) return;
  await released();
  for (const element of waiting) {
    const next = answer.page.getElementById(element.id);
    if (next && element.isConnected && !element.querySelector("dialog[open]")) element.replaceWith(next);
  }
});
