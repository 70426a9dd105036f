// The bytes of a Run's log as they come: server-sent events, and ranges of the log itself where many wait at once.
// Goes on where it was after a dropped connection or a restart of the server: each byte comes once.

const AGAIN_MILLISECONDS = 1000;
const BUSY_MILLISECONDS = 12;
const PIECE_BYTES = 256 << 10;

export class LogFeed {
  /** `on` has bytes(chunk), omitted(end), event(message), end(), say(state). */
  constructor(stream, log, on) {
    this.stream = stream;
    this.log = log;
    this.on = on;
    this.offset = 0;
    this.promised = 0;
    this.events = new Set();
    this.waiting = [];
    this.connect();
  }

  connect() {
    this.source = new EventSource(`${this.stream}?ranges=true&offset=${this.promised}`);
    for (const kind of ["message", "range", "omitted", "event", "end"]) {
      this.source.addEventListener(kind, (event) => this.take(kind, event));
    }
    this.source.addEventListener("open", () => this.on.say("live"));
    this.source.addEventListener("error", () => {
      this.on.say("reconnecting");
      if (this.source.readyState === EventSource.CLOSED) setTimeout(() => this.connect(), AGAIN_MILLISECONDS);
    });
  }

  take(kind, event) {
    if (event.lastEventId) this.promised = Number(event.lastEventId);
    if (kind === "end") this.source.close();
    this.waiting.push([kind, JSON.parse(event.data)]);
    if (this.waiting.length === 1) this.work();
  }

  async work() {
    while (this.waiting.length) {
      const [kind, data] = this.waiting[0];
      if (kind === "message") this.receive(data.offset, decoded(data.bytes));
      else if (kind === "range") await this.fetchRange(data.end);
      else if (kind === "omitted") this.pass(data.end);
      else if (kind === "end") this.on.end();
      else if (!this.events.has(data.id)) this.on.event(data, this.events.add(data.id));
      this.waiting.shift();
    }
  }

  receive(offset, bytes) {
    // After a dropped connection the stream may begin before what is already here.
    const known = Math.max(0, this.offset - offset);
    if (known >= bytes.length) return;
    this.offset = offset + bytes.length;
    this.on.bytes(known ? bytes.subarray(known) : bytes);
  }

  pass(end) {
    if (end <= this.offset) return;
    this.on.omitted(this.offset, end);
    this.offset = end;
  }

  async fetchRange(end) {
    while (this.offset < end) {
      try {
        await this.fetchOnce(end);
      } catch {
        this.on.say("reconnecting");
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MILLISECONDS));
      }
    }
    this.on.say("live");
  }

  async fetchOnce(end) {
    const answer = await fetch(this.log, { headers: { Range: `bytes=${this.offset}-${end - 1}` } });
    const range = /^bytes (\d+)-/.exec(answer.headers.get("Content-Range") || "");
    if (answer.status !== 206 || !range) throw new Error(`status ${answer.status}`);
    this.pass(Number(range[1]));
    const reader = answer.body.getReader();
    let since = performance.now();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      for (let at = 0; at < part.value.length; at += PIECE_BYTES) {
        this.receive(this.offset, part.value.subarray(at, at + PIECE_BYTES));
        if (performance.now() - since < BUSY_MILLISECONDS) continue;
        // The page draws, and hears its reader, in between.
        await new Promise((resolve) => setTimeout(resolve));
        since = performance.now();
      }
    }
  }
}

function decoded(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place += 1) bytes[place] = text.charCodeAt(place);
  return bytes;
}
