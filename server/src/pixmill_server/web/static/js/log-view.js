// The live log of a Run. Follows while it stands at the end, pauses when scrolled up; only lines in sight are in the page.
// Markup: <section data-log-stream="URL of the SSE stream"> with .log-view and the controls named below.

import { LogLines, plainText, styledRuns } from "./log-text.js";

const LINE_HEIGHT = 20;
const MARGIN_LINES = 30;
// Browsers give up at elements of about 33 million pixels.
const MOST_LINES_SHOWN = 1_600_000;

class LogView {
  constructor(section) {
    this.section = section;
    this.view = section.querySelector(".log-view");
    this.space = section.querySelector(".log-space");
    this.body = section.querySelector(".log-lines");
    this.state = section.querySelector("[data-log-state]");
    this.follow = section.querySelector("[data-log-follow]");
    this.search = section.querySelector("[data-log-search]");
    this.found = section.querySelector("[data-log-found]");
    this.log = new LogLines();
    this.offset = 0;
    this.foundLine = -1;
    this.isDrawing = false;
    this.listen();
    this.connect();
  }

  listen() {
    this.view.addEventListener("scroll", () => {
      const atEnd = this.view.scrollTop + this.view.clientHeight >= this.view.scrollHeight - LINE_HEIGHT;
      if (this.follow.checked && !atEnd && !this.isJumping) this.follow.checked = false;
      else if (atEnd && !this.hasEnded) this.follow.checked = true;
      this.isJumping = false;
      this.draw();
    });
    this.follow.addEventListener("change", () => this.draw());
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.findNext(event.shiftKey ? -1 : 1);
    });
    new ResizeObserver(() => this.draw()).observe(this.view);
  }

  connect() {
    this.source = new EventSource(`${this.section.dataset.logStream}?offset=${this.offset}`);
    this.source.addEventListener("message", (event) => this.receive(JSON.parse(event.data)));
    this.source.addEventListener("event", (event) => {
      this.log.insertEvent(JSON.parse(event.data).message);
      this.draw();
    });
    this.source.addEventListener("end", () => this.end());
    this.source.addEventListener("open", () => this.say("live"));
    this.source.addEventListener("error", () => {
      if (this.source.readyState !== EventSource.CLOSED) return this.say("reconnecting");
      this.say("reconnecting");
      setTimeout(() => this.connect(), 1000);
    });
  }

  receive({ offset, bytes }) {
    const chunk = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
    // After a dropped connection the stream may begin before what is already here.
    const known = Math.max(0, this.offset - offset);
    if (known >= chunk.length) return;
    this.log.append(chunk.subarray(known));
    this.offset = offset + chunk.length;
    this.draw();
  }

  end() {
    this.hasEnded = true;
    this.source.close();
    this.say(this.log.length ? "complete" : "complete: nothing was written");
    document.dispatchEvent(new CustomEvent("run-ended"));
  }

  say(state) {
    this.state.textContent = state;
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
    const hidden = Math.max(0, this.log.length - MOST_LINES_SHOWN);
    const count = this.log.length - hidden;
    this.space.style.height = `${count * LINE_HEIGHT}px`;
    if (this.follow.checked) {
      this.isJumping = true;
      this.view.scrollTop = count * LINE_HEIGHT;
    }
    const first = Math.max(0, Math.floor(this.view.scrollTop / LINE_HEIGHT) - MARGIN_LINES);
    const last = Math.min(count, Math.ceil((this.view.scrollTop + this.view.clientHeight) / LINE_HEIGHT) + MARGIN_LINES);
    const rows = [];
    for (let place = first; place < last; place += 1) rows.push(this.row(place + hidden));
    this.body.style.transform = `translateY(${first * LINE_HEIGHT}px)`;
    this.body.replaceChildren(...rows);
  }

  row(index) {
    const { text, isEvent } = this.log.lines[index];
    const row = document.createElement("div");
    row.className = `log-line${isEvent ? " event" : ""}${index === this.foundLine ? " found" : ""}`;
    const link = document.createElement("a");
    link.href = `#line-${index + 1}`;
    link.textContent = String(index + 1);
    row.append(link);
    for (const run of styledRuns(text)) {
      const piece = document.createElement("span");
      piece.textContent = run.text;
      if (run.classes.length) piece.className = run.classes.join(" ");
      row.append(piece);
    }
    return row;
  }

  findNext(step) {
    const wanted = this.search.value.toLowerCase();
    if (!wanted) return;
    const count = this.log.length;
    for (let tried = 1; tried <= count; tried += 1) {
      const index = (this.foundLine + step * tried + count * 2) % count;
      if (plainText(this.log.lines[index].text).toLowerCase().includes(wanted)) return this.goTo(index);
    }
    this.found.textContent = "not found";
  }

  goTo(index) {
    this.foundLine = index;
    this.found.textContent = `line ${index + 1}`;
    this.follow.checked = false;
    this.view.scrollTop = Math.max(0, index * LINE_HEIGHT - this.view.clientHeight / 2);
    this.draw();
  }
}

for (const section of document.querySelectorAll("[data-log-stream]")) {
  const view = new LogView(section);
  const openLinked = () => {
    const line = /^#line-(\d+)$/.exec(location.hash);
    if (line) view.goTo(Number(line[1]) - 1);
  };
  addEventListener("hashchange", openLinked);
  document.addEventListener("run-ended", openLinked, { once: true });
}
