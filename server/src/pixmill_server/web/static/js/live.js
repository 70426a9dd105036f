// Elements with data-live="URL" are replaced by what the URL answers, every few seconds, as long as the answer still has data-live.
// A Run's end (the event "run-ended") asks at once.

const PERIOD_MS = 2000;

async function refresh(element) {
  const answer = await fetch(element.dataset.live, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return element;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
  if (!next) return element;
  element.replaceWith(next);
  return next;
}

function keepLive(first) {
  let element = first;
  let isAsking = false;
  const ask = async () => {
    if (isAsking) return;
    isAsking = true;
    element = await refresh(element);
    isAsking = false;
    if (!element.dataset.live) clearInterval(timer);
  };
  const timer = setInterval(ask, PERIOD_MS);
  document.addEventListener("run-ended", ask);
}

for (const element of document.querySelectorAll("[data-live]")) keepLive(element);
