// Elements with data-live="URL" are replaced by what the URL answers, as long as the answer still has data-live. They ask when the
// stream of data-live-stream (server-sent events, one a page) says that something has changed; without it every two seconds (or
// data-live-seconds). A page that nobody sees does not ask and has no stream: browsers keep few connections open at once.
// A Run's end (the event "run-ended") asks at once, and brings what is only known then: each element with data-after-run is
// replaced by the one of its id on the page as it is now; one with data-after-count also when data-tells of a live one changes.

import { fetchPage, putInPlace, released } from "./fetched.js";

const SECONDS = 2;
// Ages go on, and a nudge that was lost is made up for.
const STREAMING_SECONDS = 60;
const AGAIN_SECONDS = 15;
const COUNT_SECONDS = 4;

// The page at an address, once it may take the place of what is here; null where it did not come.
async function fetched(address) {
  const answer = await fetchPage(address);
  if (!answer?.isRight) return null;
  await released();
  return answer.page;
}

// What its reader opened, scrolled and focused stays so.
function replaced(element, next) {
  const both = (selector) => [...element.querySelectorAll(selector)].map((old, place) => [old, next.querySelectorAll(selector)[place]]);
  for (const [old, fresh] of both("details")) fresh?.toggleAttribute("open", old.open);
  if (next.outerHTML === element.outerHTML) return element;
  const scrolled = both(".table-scroll").filter(([old]) => old.scrollTop || old.scrollLeft);
  const tops = scrolled.map(([old, fresh]) => [fresh, old.scrollTop, old.scrollLeft]);
  const href = element.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  putInPlace(element, next);
  for (const [fresh, top, left] of tops) fresh?.scrollTo(left, top);
  // Who walks through a list with the keyboard stays on their link, wherever it has gone.
  if (href) next.querySelector(`[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
  return next;
}

class LiveElement {
  constructor(element) {
    this.element = element;
    this.stream = element.dataset.liveStream;
    document.addEventListener("run-ended", () => this.ask());
  }

  get isLive() {
    return Boolean(this.element.dataset.live);
  }

  askLater() {
    clearTimeout(this.timer);
    if (!this.isLive) return;
    const seconds = stream.isOpen ? STREAMING_SECONDS : Number(this.element.dataset.liveSeconds ?? SECONDS);
    this.timer = setTimeout(() => this.ask(), 1000 * seconds);
  }

  async ask() {
    clearTimeout(this.timer);
    if (!this.isLive || document.hidden) return;
    if (this.isAsking) {
      this.isWanted = true;
      return;
    }
    this.isAsking = true;
    const next = (await fetched(this.element.dataset.live))?.body.firstElementChild;
    this.isAsking = false;
    const told = this.element.dataset.tells;
    if (next) this.element = replaced(this.element, next);
    if (!this.isLive) {
      document.dispatchEvent(new Event("run-ended"));
      stream.openOrClose();
    } else {
      if (this.element.dataset.tells !== told) bringCounted();
      if (this.isWanted) queueMicrotask(() => this.ask());
      else this.askLater();
    }
    this.isWanted = false;
  }
}

const stream = {
  isOpen: false,

  openOrClose() {
    const address = document.hidden ? undefined : live.find((one) => one.isLive && one.stream)?.stream;
    if (!address) this.close();
    else if (!this.source) this.open(address);
  },

  open(address) {
    this.source = new EventSource(address);
    this.source.addEventListener("open", () => this.turn(true));
    this.source.addEventListener("changed", () => live.forEach((one) => one.ask()));
    this.source.addEventListener("error", () => {
      this.turn(false);
      if (this.source?.readyState !== EventSource.CLOSED) return;
      this.close();
      this.again = setTimeout(() => this.openOrClose(), 1000 * AGAIN_SECONDS);
    });
  },

  close() {
    clearTimeout(this.again);
    this.source?.close();
    this.source = null;
    this.isOpen = false;
  },

  turn(isOpen) {
    // A browser tries again and again by itself, and tells of each time that it could not.
    if (isOpen === this.isOpen) return;
    this.isOpen = isOpen;
    live.forEach((one) => one.askLater());
  },
};

let counting = 0;
function bringCounted() {
  counting ||= setTimeout(async () => {
    await bring("[data-after-count]");
    counting = 0;
  }, 1000 * COUNT_SECONDS);
}

async function bring(selector) {
  const waiting = [...document.querySelectorAll(selector)];
  if (waiting.length === 0) return;
  const now = await fetched(location.href);
  for (const element of waiting) {
    const next = now?.getElementById(element.id);
    if (next && element.isConnected && !element.querySelector("dialog[open]")) replaced(element, next);
  }
}

const live = [...document.querySelectorAll("[data-live]")].map((element) => new LiveElement(element));
document.addEventListener("run-ended", () => bring("[data-after-run]"));
document.addEventListener("visibilitychange", () => {
  stream.openOrClose();
  if (!document.hidden) live.forEach((one) => one.ask());
});
// A page that is kept for the way back gives its connection back, too.
addEventListener("pagehide", () => stream.close());
addEventListener("pageshow", () => {
  stream.openOrClose();
  live.forEach((one) => one.askLater());
});
