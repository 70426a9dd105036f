// From the bytes of a log to lines: UTF-8 over chunk borders, carriage returns, ANSI colours. Touches no page.
// Text is kept in the blocks in which it came, and cut into lines when they are looked at: a million lines stay small.

const ESCAPE = /\u001b\[([0-9;?]*)([A-Za-z])/g;
const UNSEEN = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f]/g;

/** Collects log bytes into lines; the last one is open until its newline comes. */
export class LogLines {
  constructor(offset = 0) {
    this.decoder = new TextDecoder("utf-8");
    // Each { text, starts, bytes, first, byte, span }: whole lines, the number of the first, where it begins in the log,
    // and how many bytes they were. `bytes` is made when it is needed: where each line begins, counted from `byte`.
    this.blocks = [];
    this.closed = 0;
    this.open = "";
    this.openByte = offset;
    this.offset = offset;
  }

  get length() {
    return this.closed + (this.open === "" ? 0 : 1);
  }

  append(bytes) {
    const text = this.decoder.decode(bytes, { stream: true });
    this.offset += bytes.length;
    const end = text.lastIndexOf("\n");
    if (end < 0) {
      this.open = overlaid(this.open, text);
      return;
    }
    const rest = text.slice(end + 1);
    // No byte of a longer character is a newline.
    const openByte = this.offset - (bytes.length - 1 - bytes.lastIndexOf(10));
    this.close(this.open + text.slice(0, end + 1), openByte - this.openByte);
    this.open = overlaid("", rest);
    this.openByte = openByte;
  }

  close(text, span) {
    const starts = [];
    for (let at = 0; at < text.length; at = text.indexOf("\n", at) + 1) starts.push(at);
    this.blocks.push({ text, starts: Uint32Array.from(starts), bytes: null, first: this.closed, byte: this.openByte, span });
    this.closed += starts.length;
  }

  /** Leave out bytes that are not kept: a line stands in their place. */
  skip(end, sentence) {
    const ending = this.open === "" ? "" : "\n";
    this.append(new TextEncoder().encode(`${ending}${sentence}\n`));
    this.decoder = new TextDecoder("utf-8");
    this.offset = end;
    this.openByte = end;
  }

  /** What a terminal would show of a line. */
  text(index) {
    if (index >= this.closed) return this.open;
    const block = this.blockOf(index);
    const place = index - block.first;
    const end = place + 1 < block.starts.length ? block.starts[place + 1] : block.text.length;
    return overlaid("", block.text.slice(block.starts[place], end - 1));
  }

  /** Where a line begins in the log, in bytes; to a character of another alphabet or two. */
  byteOf(index) {
    if (index >= this.closed) return this.openByte;
    const block = this.blockOf(index);
    block.bytes ??= block.span === block.text.length ? block.starts : byteStarts(block);
    return block.byte + block.bytes[index - block.first];
  }

  /** The line that has this byte of the log. */
  lineAt(offset) {
    if (offset >= this.openByte) return this.closed;
    return lastWhere(this.closed, (index) => this.byteOf(index) <= offset);
  }

  /** The next line with this text (lower case) after one, backwards where step is -1; -1: there is none. */
  find(wanted, after, step) {
    const has = (index) => plainText(this.text(index)).toLowerCase().includes(wanted);
    const count = this.length;
    const lacking = new Map();
    const lacks = (block) => {
      if (!lacking.has(block)) lacking.set(block, !plainText(block.text).toLowerCase().includes(wanted));
      return lacking.get(block);
    };
    for (let tried = 1; tried <= count; tried += 1) {
      const index = (after + step * tried + count * 2) % count;
      const block = index < this.closed ? this.blockOf(index) : null;
      if (block && lacks(block)) tried += step > 0 ? block.first + block.starts.length - 1 - index : index - block.first;
      else if (has(index)) return index;
    }
    return -1;
  }

  blockOf(index) {
    return this.blocks[lastWhere(this.blocks.length, (place) => this.blocks[place].first <= index)];
  }
}

/** The last of `count` places of which something holds, where it holds of all before it too; 0 where it never does. */
export function lastWhere(count, holds) {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function byteStarts({ text, starts, span }) {
  const counted = new Uint32Array(starts.length);
  for (let place = 1; place < starts.length; place += 1) {
    counted[place] = counted[place - 1] + bytesIn(text.slice(starts[place - 1], starts[place]));
  }
  // Of the first line only what a terminal still shows was kept: the rest of its bytes belongs to it too.
  const all = counted.at(-1) + bytesIn(text.slice(starts.at(-1)));
  return counted.map((start, place) => (place ? Math.max(0, start + span - all) : 0));
}

function bytesIn(text) {
  let count = text.length;
  for (let place = 0; place < text.length; place += 1) {
    const code = text.charCodeAt(place);
    // Half of a pair is two of its four bytes.
    if (code > 0x7f) count += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return count;
}

/** What a terminal would show after the carriage returns of a line; a trailing one waits for what follows. */
function overlaid(before, text) {
  if (!text.includes("\r") && !before.endsWith("\r")) return before + text;
  const line = before + text;
  const open = line.endsWith("\r") ? "\r" : "";
  const parts = (open ? line.slice(0, -1) : line).split("\r").filter((part, place) => part !== "" || place === 0);
  // Colours have no width: a coloured line takes the place of the whole line before it.
  const over = (shown, part) => (part.length >= shown.length || (shown + part).includes("\u001b") ? part : part + shown.slice(part.length));
  return parts.reduce(over) + open;
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
    else if (code === 22) next = next.filter((name) => name !== "ansi-bold" && name !== "ansi-dim");
  }
  return next;
}

/** Text without its colours, for searching. */
export function plainText(text) {
  return text.includes("\u001b") ? text.replace(ESCAPE, "").replaceAll("\r", "") : text;
}
