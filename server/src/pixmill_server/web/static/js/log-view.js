// The live log of a Run. Follows while it stands at the end, pauses when scrolled up; only lines in sight are in the page.
// Markup: templates/log_view.html. Addresses: #line-12 is a line, #byte-3400 the line that has this byte of the log.

import { LogFeed } from "./log-feed.js";
import { LogLines, lastWhere, styledRuns } from "./log-text.js";

const LINE_HEIGHT = 20;
const MARGIN_LINES = 20;
// Browsers give up at elements of about 33 million pixels: beyond, a pixel of the scroll bar is more than one of the log.
const MOST_PIXELS = 30_000_000;
const MOST_LETTERS = 5000;
const TIMES_MILLISECONDS = 1000;

class LogView {
  constructor(section) {
    const part = (name) => section.querySelector(`[data-log-${name}]`);
    this.view = section.querySelector(".log-view");
    this.space = section.querySelector(".log-space");
    this.body = section.querySelector(".log-lines");
    [this.state, this.follow, this.search, this.found, this.times] = ["state", "follow", "search", "found", "times"].map(part);
    this.log = new LogLines();
    // Sentences of Pixmill's own, each before the text line of its number.
    this.events = [];
    this.moments = [];
    this.foundLine = -1;
    this.lastTop = 0;
    this.address = section.dataset.logHref;
    this.listen();
    this.openLinked();
    this.feed = new LogFeed(section.dataset.logStream, this.address, {
      bytes: (chunk) => this.changed(this.log.append(chunk)),
      omitted: (start, end) => this.changed(this.log.skip(end, `[pixmill: bytes ${start} to ${end} of the log were not kept]`)),
      event: (event) => this.changed(this.insertEvent(event)),
      end: () => this.end(),
      say: (state) => { if (!this.hasEnded) this.state.textContent = state; },
    });
  }

  get rows() {
    return this.log.length + this.events.length;
  }

  listen() {
    this.view.addEventListener("scroll", () => {
      const { scrollTop, clientHeight, scrollHeight } = this.view;
      const atEnd = scrollTop + clientHeight >= scrollHeight - LINE_HEIGHT;
      if (scrollTop < this.lastTop - 1 && !atEnd) this.follow.checked = false;
      else if (scrollTop > this.lastTop + 1 && atEnd && !this.hasEnded) this.follow.checked = true;
      this.lastTop = scrollTop;
      this.draw();
    });
    this.follow.addEventListener("change", () => this.draw());
    this.times.addEventListener("change", () => this.changed(this.view.classList.toggle("with-times", this.times.checked)));
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.findNext(event.shiftKey ? -1 : 1);
    });
    addEventListener("hashchange", () => this.openLinked());
    new ResizeObserver(() => this.draw()).observe(this.view);
  }

  changed() {
    if (this.wish && this.wish()) this.wish = null;
    if (this.times.checked) this.loadTimes();
    this.draw();
  }

  insertEvent({ offset, message, at }) {
    const line = Math.min(this.log.lineAt(offset), this.log.length);
    const place = this.events.findLastIndex((event) => event.line <= line) + 1;
    this.events.splice(place, 0, { line, message, at });
  }

  end() {
    this.hasEnded = true;
    this.wish = null;
    this.state.textContent = this.log.length ? "complete" : "complete: nothing was written";
    this.changed();
    document.dispatchEvent(new CustomEvent("run-ended"));
  }

  draw() {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      this.drawNow();
    });
  }

  drawNow() {
    const whole = this.rows * LINE_HEIGHT;
    const height = Math.min(whole, MOST_PIXELS);
    if (height !== this.height) this.space.style.height = `${height}px`;
    this.height = height;
    const seen = this.view.clientHeight;
    // Who has just scrolled up is not taken back to the end, though the event of it has still to come.
    const isAway = this.view.scrollTop < this.lastTop - 1 && this.view.scrollTop + seen < height - LINE_HEIGHT;
    if (isAway) this.follow.checked = false;
    if (this.follow.checked) this.view.scrollTop = this.lastTop = Math.max(0, height - seen);
    const top = this.view.scrollTop;
    const scale = height > seen ? (whole - seen) / (height - seen) : 1;
    const first = Math.max(0, Math.floor((top * scale) / LINE_HEIGHT) - MARGIN_LINES);
    const last = Math.min(this.rows, Math.ceil((top * scale + seen) / LINE_HEIGHT) + MARGIN_LINES);
    const shown = [];
    for (let row = first; row < last; row += 1) shown.push(this.row(row));
    this.body.style.transform = `translateY(${Math.round(top - (top * scale - first * LINE_HEIGHT))}px)`;
    this.body.replaceChildren(...shown);
  }

  row(row) {
    const before = this.events.length && this.events[0].line <= row
      ? lastWhere(this.events.length, (place) => this.events[place].line + place <= row) + 1 : 0;
    const event = before && this.events[before - 1].line + before - 1 === row ? this.events[before - 1] : null;
    return event ? eventRow(event) : this.lineRow(row - before);
  }

  lineRow(index) {
    const row = element("div", `log-line${index === this.foundLine ? " found" : ""}`);
    const link = element("a", "", String(index + 1));
    link.href = `#line-${index + 1}`;
    row.append(link);
    if (this.times.checked) row.append(element("time", "", this.timeOf(index)));
    const text = this.log.text(index);
    for (const run of styledRuns(text.slice(0, MOST_LETTERS))) row.append(element("span", run.classes.join(" "), run.text));
    const more = text.length - MOST_LETTERS;
    if (more > 0) row.append(element("span", "soft", ` … ${more} more characters: see the download`));
    return row;
  }

  findNext(step) {
    const wanted = this.search.value.toLowerCase();
    if (!wanted) return;
    const index = this.log.find(wanted, this.foundLine, step);
    if (index < 0) this.found.textContent = "not found";
    else this.goTo(index);
  }

  openLinked() {
    const [, kind, number] = /^#(line|byte)-(\d+)$/.exec(location.hash) || [];
    if (!kind) return;
    // The line may still have to come.
    this.follow.checked = false;
    // A link below the log leads up to it.
    this.view.closest("[data-log-stream]").scrollIntoView({ block: "nearest" });
    this.wish = () => {
      const index = kind === "line" ? Number(number) - 1 : this.log.lineAt(Number(number));
      if (kind === "line" ? index >= this.log.length : this.log.offset <= Number(number)) return false;
      this.goTo(index);
      return true;
    };
    this.changed();
  }

  goTo(index) {
    this.foundLine = index;
    this.found.textContent = `line ${index + 1}`;
    this.follow.checked = false;
    const row = index + this.events.filter((event) => event.line <= index).length;
    const whole = this.rows * LINE_HEIGHT;
    const height = Math.min(whole, MOST_PIXELS);
    this.space.style.height = `${height}px`;
    const seen = this.view.clientHeight;
    const scale = height > seen ? (whole - seen) / (height - seen) : 1;
    this.view.scrollTop = this.lastTop = Math.max(0, (row * LINE_HEIGHT - seen / 2) / scale);
    this.draw();
  }

  timeOf(index) {
    const offset = this.log.byteOf(index);
    const { length } = this.moments;
    if (!length || this.moments[0].offset > offset) return "";
    return clock(this.moments[lastWhere(length, (place) => this.moments[place].offset <= offset)].at);
  }

  async loadTimes() {
    if (this.isLoading || (this.timesFor || 0) >= this.log.offset) return;
    this.isLoading = true;
    const upTo = this.log.offset;
    const after = this.moments.length ? this.moments.at(-1).offset : -1;
    const answer = await fetch(`${this.address}/times?after=${after}`).catch(() => null);
    const items = answer && answer.ok ? (await answer.json()).items.filter((item) => item.offset > after) : [];
    this.moments.push(...items.map((item) => ({ offset: item.offset, at: new Date(item.at) })));
    if (answer && answer.ok && !items.length) this.timesFor = upTo;
    this.draw();
    setTimeout(() => {
      this.isLoading = false;
      this.changed();
    }, items.length > 1 ? 0 : TIMES_MILLISECONDS);
  }
}

function eventRow({ message, at }) {
  const row = element("div", "log-line event");
  row.append(element("a", "", ""), element("time", "", clock(new Date(at))), element("span", "", message));
  return row;
}

function clock(at) {
  const two = (number) => String(number).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${Math.floor(at.getMilliseconds() / 100)}`;
}

function element(name, classes, text = "") {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  made.textContent = text;
  return made;
}

for (const section of document.querySelectorAll("[data-log-stream]")) new LogView(section);
