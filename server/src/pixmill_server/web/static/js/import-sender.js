// Sends files to an import, a few at a time. A lost connection is waited for and tried again; a file that the server
// refuses is noted and the rest go on.

const AT_ONCE = 4;
const WAITS_SECONDS = [1, 2, 4, 8, 15];
const PAGE = 1000;

export class Refused extends Error {
  constructor(problem, status) {
    super(problem.hint ? `${problem.detail} ${problem.hint}` : problem.detail);
    this.status = status;
  }
}

export class Stopped extends Error {}

export class Sender {
  // `told` has lost(seconds, attempt), found() and moved(): what a person is to be told.
  constructor(told) {
    this.told = told;
    this.flying = new Map();
    this.sentBytes = 0;
    this.sentFiles = 0;
    this.knownFiles = 0;
    this.refused = [];
    this.isStopped = false;
    this.wake = () => {};
    this.lostTimes = 0;
    addEventListener("online", () => this.tryNow());
  }

  stop() {
    this.isStopped = true;
    for (const { request } of this.flying.values()) request?.abort();
    this.tryNow();
  }

  tryNow() {
    this.wake();
  }

  // One REST call; waits for a lost connection as long as it takes.
  async ask(method, path, sent) {
    const body = sent === undefined ? undefined : JSON.stringify(sent);
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    for (;;) {
      const answer = await fetch(`/api/v1${path}`, { method, headers, body }).catch(() => null);
      if (this.isStopped) throw new Stopped();
      if (answer !== null && answer.status < 500) return await read(answer.ok, answer.status, await answer.text());
      await this.#wait();
    }
  }

  async sendAll(importId, files) {
    const there = await this.#there(importId);
    const waiting = [];
    for (const one of files) {
      if (there.get(one.path) === one.file.size) {
        this.sentFiles += 1;
        this.knownFiles += 1;
        this.sentBytes += one.file.size;
      } else waiting.push(one);
    }
    this.told.moved();
    waiting.reverse();
    const work = async () => {
      while (waiting.length > 0 && !this.isStopped) await this.#send(importId, waiting.pop());
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (this.isStopped) throw new Stopped();
  }

  async #there(importId) {
    const found = new Map();
    let cursor = "";
    do {
      const page = await this.ask("GET", `/imports/${importId}/files?limit=${PAGE}${cursor}`);
      for (const { path, size_bytes: size } of page.items) found.set(path, size);
      cursor = page.next_cursor ? `&cursor=${encodeURIComponent(page.next_cursor)}` : null;
    } while (cursor);
    return found;
  }

  async #send(importId, one) {
    const address = `/api/v1/imports/${importId}/files?path=${encodeURIComponent(one.path)}`;
    for (;;) {
      try {
        await this.#put(address, one);
        this.sentFiles += 1;
        this.sentBytes += one.file.size;
        return;
      } catch (error) {
        if (this.isStopped) return;
        if (error instanceof Refused) {
          // Nobody is signed in, or the import takes no more: that is no matter of this file.
          if ([401, 403, 404, 409].includes(error.status)) throw error;
          this.refused.push({ name: one.path, reason: error.message });
          this.sentFiles += 1;
          this.sentBytes += one.file.size;
          return;
        }
        if (!(await isReadable(one.file))) {
          this.refused.push({ name: one.path, reason: "this browser cannot read it any more" });
          this.sentFiles += 1;
          return;
        }
        await this.#wait();
      } finally {
        this.flying.delete(one.path);
        this.told.moved();
      }
    }
  }

  #put(address, one) {
    // Only XMLHttpRequest says how much of a body was sent.
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      const state = { request, sent: 0, size: one.file.size };
      this.flying.set(one.path, state);
      request.upload.addEventListener("progress", (event) => {
        state.sent = event.loaded;
        this.told.moved();
      });
      request.addEventListener("error", () => failed(new Error("lost")));
      request.addEventListener("abort", () => failed(new Stopped()));
      request.addEventListener("load", () => {
        if (request.status >= 500) failed(new Error("lost"));
        else read(request.status < 400, request.status, request.responseText).then(done, failed);
      });
      request.open("PUT", address);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.send(one.file);
    });
  }

  // Everybody who lost the connection waits for the same moment.
  async #wait() {
    if (!this.waiting) {
      const seconds = WAITS_SECONDS[Math.min(this.lostTimes, WAITS_SECONDS.length - 1)];
      this.lostTimes += 1;
      this.told.lost(seconds);
      this.waiting = new Promise((done) => {
        const timer = setTimeout(done, seconds * 1000);
        this.wake = () => {
          clearTimeout(timer);
          done();
        };
      }).then(() => {
        this.waiting = null;
        this.told.found();
      });
    }
    await this.waiting;
    if (this.isStopped) throw new Stopped();
  }
}

async function read(isRight, status, text) {
  let told = null;
  try {
    told = text ? JSON.parse(text) : null;
  } catch {
    told = null;
  }
  if (isRight) return told;
  throw new Refused(told?.detail ? told : { detail: `The server answered ${status}.`, hint: "" }, status);
}

async function isReadable(file) {
  return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}
