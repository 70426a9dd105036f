// A window over a long list of assets: the page is as high as all of them, but holds only the tiles in sight and some around them.

import { fetchPage } from "./fetched.js";

const BLOCK = 60; // Tiles in one request.
const KEPT_BLOCKS = 24;
const ROWS_AROUND = 2;
const GAP = 12;
const TEXT_HEIGHT = 32;
const HIGHEST = 12_000_000; // Browsers lay out no more pixels than some 16 million; beyond, scrolling covers several rows a pixel.
const IDLE_MS = 200;

export class AssetWindow {
  constructor(space, { size, selection }) {
    this.space = space;
    this.list = space.querySelector(".asset-grid");
    this.list.tabIndex = -1;
    this.total = Number(space.dataset.total);
    this.selection = selection;
    this.size = size;
    this.blocks = new Map(); // Number of the block to its tiles, or to the promise of them; the last used is last.
    this.shown = new Map(); // Place to tile.
    this.closing = new AbortController();
    this.current = Number(space.dataset.start);
    this.measure(); // Before anything is changed: it is laid out already.
    this.keepFirst();
    space.classList.add("windowed");
    const { signal } = this.closing;
    const draw = () => this.drawSoon();
    window.addEventListener("scroll", draw, { passive: true, signal });
    this.observer = new ResizeObserver(() => this.layOut());
    this.observer.observe(space);
    this.list.addEventListener("keydown", (event) => this.walk(event), { signal });
    this.list.addEventListener("focusin", (event) => this.focused(event), { signal });
    const remembered = history.state?.firstAsset ?? this.current;
    this.layOut(Math.min(remembered, this.total - 1));
  }

  close() {
    this.closing.abort();
    this.observer.disconnect();
    clearTimeout(this.idle);
  }

  // The tiles that came with the page are the first that are known. Those in sight stay where they are: nothing is drawn twice.
  keepFirst() {
    const tiles = [...this.list.children].map((tile) => this.prepared(tile));
    const start = Number(this.space.dataset.start);
    if (start % BLOCK === 0) this.blocks.set(start / BLOCK, tiles);
    this.shown = new Map(tiles.map((tile, at) => [start + at, tile]));
  }

  prepared(tile) {
    tile.setAttribute("aria-setsize", this.total);
    tile.querySelector(".asset-link").tabIndex = -1;
    tile.querySelector("input").tabIndex = -1;
    return tile;
  }

  resize(size) {
    const first = this.firstInSight();
    this.size = size;
    this.layOut(first);
  }

  measure() {
    const width = this.space.clientWidth;
    this.columns = Math.max(1, Math.floor((width + GAP) / (Math.min(this.size, width) + GAP)));
    const tile = (width - GAP * (this.columns - 1)) / this.columns;
    this.rowHeight = Math.round(tile * 0.75) + TEXT_HEIGHT + GAP;
    this.rows = Math.ceil(this.total / this.columns);
    this.height = this.rows * this.rowHeight - GAP;
    this.shownHeight = Math.min(this.height, HIGHEST);
  }

  // `first`: the place that is to be in sight at the top; none: stay where one is.
  layOut(first = null) {
    const before = this.columns;
    const kept = first ?? this.firstInSight();
    this.measure();
    this.space.style.height = `${this.shownHeight}px`;
    this.list.style.gridTemplateColumns = `repeat(${this.columns}, minmax(0, 1fr))`;
    this.list.style.gridAutoRows = `${this.rowHeight - GAP}px`;
    if (kept > 0 && (first !== null || before !== this.columns)) this.scrollToRow(Math.floor(kept / this.columns));
    this.draw();
  }

  // How many of the grid's own pixels one pixel of scrolling covers.
  get scale() {
    const rest = window.innerHeight;
    return this.height > HIGHEST ? (this.height - rest) / (this.shownHeight - rest) : 1;
  }

  get offset() {
    return Math.max(0, -this.space.getBoundingClientRect().top) * this.scale;
  }

  firstInSight() {
    return Math.min(Math.floor(this.offset / this.rowHeight) * this.columns, Math.max(this.total - 1, 0));
  }

  scrollToRow(row) {
    const top = this.space.getBoundingClientRect().top + window.scrollY;
    window.scrollTo({ top: row ? top + (row * this.rowHeight) / this.scale - GAP : 0, behavior: "instant" });
  }

  drawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (!this.closing.signal.aborted) this.draw();
    });
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.remember(), IDLE_MS);
  }

  // A reload and the way back from an asset show the same place; the address names its page for others.
  remember() {
    const first = this.firstInSight();
    const address = new URL(location.href);
    if (first >= BLOCK) address.searchParams.set("page", Math.floor(first / BLOCK) + 1);
    else address.searchParams.delete("page");
    history.replaceState({ firstAsset: first }, "", address);
  }

  draw() {
    const { offset, scale } = this;
    const above = Math.max(0, this.space.getBoundingClientRect().top);
    const topRow = Math.floor(offset / this.rowHeight);
    const inSight = Math.ceil(Math.max(0, window.innerHeight - above) / this.rowHeight) + 1;
    const firstRow = Math.max(0, topRow - ROWS_AROUND);
    const lastRow = Math.min(this.rows, topRow + inSight + ROWS_AROUND);
    const [first, end] = [firstRow * this.columns, Math.min(this.total, lastRow * this.columns)];
    this.list.style.transform = `translateY(${offset / scale + firstRow * this.rowHeight - offset}px)`;
    const focus = this.list.contains(document.activeElement);
    const wanted = new Map();
    for (let place = first; place < end; place += 1) wanted.set(place, this.tileAt(place) ?? this.waiting(place));
    let at = this.list.firstChild;
    for (const [place, tile] of this.shown) if (wanted.get(place) !== tile) {
      if (tile === at) at = tile.nextSibling;
      tile.remove();
    }
    for (const tile of wanted.values()) {
      if (tile === at) at = at.nextSibling;
      else this.list.insertBefore(tile, at);
    }
    this.shown = wanted;
    this.mark();
    if (focus && !this.list.contains(document.activeElement)) this.focusCurrent();
  }

  // One tile is in the order of the Tab key: the current one, or the first in sight where that is far away.
  mark() {
    const place = this.shown.has(this.current) ? this.current : this.firstInSight();
    this.tabbed?.setAttribute("tabindex", "-1");
    this.tabbed = this.shown.get(place)?.querySelector(".asset-link") ?? null;
    this.tabbed?.setAttribute("tabindex", "0");
    this.selection.mark(this.shown.values());
  }

  waiting(place) {
    const old = this.shown.get(place);
    if (old?.classList.contains("waits")) return old;
    const tile = document.createElement("li");
    tile.className = "asset waits";
    return tile;
  }

  tileAt(place) {
    const number = Math.floor(place / BLOCK);
    const block = this.blocks.get(number);
    if (Array.isArray(block)) {
      this.blocks.delete(number);
      this.blocks.set(number, block);
      return block[place - number * BLOCK];
    }
    if (!block) this.fetchSoon(number);
    return undefined;
  }

  // While one scrolls far, blocks are passed by: only what is still in sight after a moment is asked for.
  fetchSoon(number) {
    this.wanted ??= new Set();
    this.wanted.add(number);
    this.fetching ??= setTimeout(() => {
      const numbers = [...this.wanted].filter((each) => this.isInSight(each) && !this.blocks.has(each));
      this.fetching = this.wanted = null;
      for (const each of numbers) this.load(each);
    }, 40);
  }

  isInSight(number) {
    for (const place of this.shown.keys()) if (Math.floor(place / BLOCK) === number) return true;
    return false;
  }

  addressOf(base, start, limit) {
    const address = new URL(base, location.href);
    address.searchParams.set("start", start);
    address.searchParams.set("limit", limit);
    address.searchParams.set("revision", this.space.dataset.revision);
    return address;
  }

  load(number) {
    const asked = this.read(number).then((tiles) => {
      if (tiles) this.blocks.set(number, tiles);
      else this.blocks.delete(number);
      this.forget();
      if (!this.closing.signal.aborted) this.draw();
    });
    this.blocks.set(number, asked);
    return asked;
  }

  async read(number) {
    const address = this.addressOf(this.space.dataset.window, number * BLOCK, BLOCK);
    const answer = await fetchPage(address, { signal: this.closing.signal });
    if (!answer?.isRight) return null;
    return [...answer.page.querySelectorAll("li.asset")].map((tile) => this.prepared(document.adoptNode(tile)));
  }

  forget() {
    for (const number of [...this.blocks.keys()]) {
      if (this.blocks.size <= KEPT_BLOCKS) return;
      if (!this.isInSight(number)) this.blocks.delete(number);
    }
  }

  placeOf(tile) {
    for (const [place, each] of this.shown) if (each === tile) return place;
    return -1;
  }

  // The ids of the places from `from` to `to`, both included, in sight or not; none where the server cannot be asked.
  async idsBetween(from, to) {
    const address = this.addressOf(this.space.dataset.ids, from, to - from + 1);
    try {
      const answer = await fetch(address, { signal: this.closing.signal });
      return answer.ok ? (await answer.text()).split("\n").filter(Boolean) : [];
    } catch {
      return [];
    }
  }

  focused(event) {
    const tile = event.target.closest(".asset");
    const place = tile ? this.placeOf(tile) : -1;
    if (place >= 0) this.current = place;
    this.mark();
  }

  focusCurrent() {
    // A tile that is still waited for has no link: until it is there the list itself hears the keys.
    (this.shown.get(this.current)?.querySelector(".asset-link") ?? this.list).focus({ preventScroll: true });
  }

  walk(event) {
    const inSight = Math.max(1, Math.floor(window.innerHeight / this.rowHeight) - 1) * this.columns;
    const steps = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns,
      PageDown: inSight, PageUp: -inSight, Home: -this.current, End: this.total - 1 - this.current,
    };
    if (event.key in steps && !event.altKey && !event.metaKey) {
      event.preventDefault();
      this.goTo(this.current + steps[event.key]);
    } else if (event.key === " " && event.target.closest(".asset-link")) {
      event.preventDefault();
      this.selection.toggle(this.current, event.shiftKey);
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.selection.all();
    } else if (event.key === "Escape") this.selection.none();
  }

  async goTo(place) {
    if (place < 0 || place >= this.total) return;
    this.current = place;
    const row = Math.floor(place / this.columns);
    const [top, bottom] = [row * this.rowHeight, (row + 1) * this.rowHeight];
    const above = Math.max(0, this.space.getBoundingClientRect().top);
    if (top < this.offset) this.scrollToRow(row);
    else if (bottom > this.offset + window.innerHeight - above) {
      window.scrollBy({ top: (bottom - this.offset - window.innerHeight + above) / this.scale + GAP, behavior: "instant" });
    }
    this.draw();
    const number = Math.floor(place / BLOCK);
    const block = this.blocks.get(number);
    if (!Array.isArray(block)) await (block ?? this.load(number));
    if (this.current === place && !this.closing.signal.aborted) this.focusCurrent();
  }
}
