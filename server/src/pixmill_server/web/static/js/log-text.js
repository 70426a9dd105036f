// From the bytes of a log to lines: UTF-8 over chunk borders, carriage returns, ANSI colours. Touches no page.

const ESCAPE = /\u001b\[([0-9;]*)([A-Za-z])/g;
const UNSEEN = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f]/g;

/** Collects log bytes into lines; the last one is open until its newline comes. */
export class LogLines {
  constructor() {
    this.decoder = new TextDecoder("utf-8");
    this.lines = [];
    this.isOpen = false;
  }

  get length() {
    return this.lines.length;
  }

  append(bytes) {
    const parts = this.decoder.decode(bytes, { stream: true }).split("\n");
    for (let index = 0; index < parts.length; index += 1) {
      if (index > 0) this.isOpen = false;
      if (parts[index] === "") this.pushIfEmptyLine(index, parts.length);
      else this.extend(parts[index]);
    }
  }

  pushIfEmptyLine(index, count) {
    // An empty part between two newlines is an empty line; the one after the last newline is nothing yet.
    if (index < count - 1 && !this.isOpen) this.lines.push({ text: "", isEvent: false });
  }

  extend(text) {
    if (this.isOpen) this.lines[this.lines.length - 1].text = overlaid(this.lines.at(-1).text + text);
    else this.lines.push({ text: overlaid(text), isEvent: false });
    this.isOpen = true;
  }

  /** A sentence of Pixmill's own: stands before a line that is still open. */
  insertEvent(text) {
    const place = this.isOpen ? this.lines.length - 1 : this.lines.length;
    this.lines.splice(place, 0, { text, isEvent: true });
  }
}

/** What a terminal would show after the carriage returns of a line; a trailing one waits for what follows. */
function overlaid(text) {
  if (text.lastIndexOf("\r", text.length - 2) < 0) return text;
  const open = text.endsWith("\r") ? "\r" : "";
  const parts = (open ? text.slice(0, -1) : text).split("\r");
  return parts.reduce((shown, part) => (part.length >= shown.length ? part : part + shown.slice(part.length))) + open;
}

/** A line as runs of text with the CSS classes of their ANSI style. */
export function styledRuns(text) {
  const runs = [];
  let classes = [];
  let start = 0;
  const clean = (piece) => piece.replaceAll("\r", "").replace(UNSEEN, "\ufffd");
  for (const match of text.matchAll(ESCAPE)) {
    if (match.index > start) runs.push({ text: clean(text.slice(start, match.index)), classes });
    if (match[2] === "m") classes = restyled(classes, match[1]);
    start = match.index + match[0].length;
  }
  if (start < text.length) runs.push({ text: clean(text.slice(start)).replaceAll("\u001b", "\ufffd"), classes });
  return runs;
}

const FACES = new Map([[1, "ansi-bold"], [2, "ansi-dim"], [3, "ansi-italic"], [4, "ansi-underline"]]);

function restyled(classes, codes) {
  let next = classes;
  for (const code of (codes || "0").split(";").map(Number)) {
    if (code === 0) next = [];
    else if (FACES.has(code)) next = [...next, FACES.get(code)];
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
      next = [...next.filter((name) => !/^ansi-\d$/.test(name)), `ansi-${code % 10}`];
    } else if (code === 39) next = next.filter((name) => !/^ansi-\d$/.test(name));
  }
  return next;
}

/** A line without its colours, for searching. */
export function plainText(text) {
  return text.replace(ESCAPE, "").replaceAll("\r", "");
}
