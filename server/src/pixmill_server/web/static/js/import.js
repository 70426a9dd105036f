// The page that brings images into a version: choose, send with progress, wait for the server, say what became of it.

import { bytesOf, chosenFiles, droppedFiles, keyOf, sizeText, sorted } from "./import-files.js";
import { Refused, Sender, Stopped } from "./import-sender.js";
import { resultOf } from "./import-result.js";

const LOOK_MS = 500;
const STAGES = {
  waiting: "Waiting for another import",
  images: "Checking images",
  annotations: "Reading annotations",
  commit: "Making it visible",
};

const page = document.querySelector("[data-import]");
const part = (name) => page.querySelector(`[data-${name}]`);
const suffixes = page.dataset.suffixes.split(" ");
let chosen = { wanted: [], others: [] };
let sender = null;
let totalBytes = 0;
let startedAt = 0;
let isDrawing = false;

function show(name) {
  for (const each of ["choose", "ready", "under-way", "result"]) part(each).hidden = each !== name;
}

function say(text) {
  part("said").textContent = text;
}

function count(number, noun) {
  return `${number.toLocaleString("en").replaceAll(",", "\u202f")} ${noun}${number === 1 ? "" : "s"}`;
}

function span(seconds) {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}

function some(names) {
  return `${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""}`;
}

function take(files, unread = []) {
  chosen = sorted(files, suffixes);
  totalBytes = bytesOf(chosen.wanted);
  const { wanted, others } = chosen;
  part("ready-title").textContent = wanted.length
    ? `${count(wanted.length, "file")}, ${sizeText(totalBytes)}, to ${page.dataset.to}`
    : "There is no image or annotation file in what was chosen";
  const rest = [
    others.length ? `${count(others.length, "other file")} will not be sent: ${some(others)}` : "",
    unread.length ? `This browser could not read ${some(unread)}` : "",
  ];
  part("ready-rest").textContent = rest.filter(Boolean).join(". ");
  part("start").hidden = wanted.length === 0;
  show("ready");
  say(part("ready-title").textContent);
  (wanted.length ? part("start") : part("ready-title")).focus();
}

function stage(text) {
  if (part("stage").textContent === text) return;
  part("stage").textContent = text;
  say(text);
}

function draw() {
  isDrawing = false;
  if (sender === null) return;
  const total = totalBytes;
  const flying = [...sender.flying.entries()];
  const sent = sender.sentBytes + flying.reduce((sum, [, one]) => sum + Math.min(one.sent, one.size), 0);
  part("total").max = total || 1;
  part("total").value = sent;
  const seconds = (performance.now() - startedAt) / 1000;
  const left = sent > 0 && seconds > 2 ? `, about ${span((seconds * (total - sent)) / sent)} left` : "";
  const known = sender.knownFiles ? `, ${sender.knownFiles} of them were there already` : "";
  part("numbers").textContent = `${sender.sentFiles} of ${count(chosen.wanted.length, "file")}${known}, ${sizeText(sent)} of ${sizeText(total)}${left}`;
  drawFlying(flying);
}

function drawFlying(flying) {
  const list = part("flying");
  while (list.children.length > flying.length) list.lastElementChild.remove();
  flying.forEach(([path, one], place) => {
    let row = list.children[place];
    if (!row) {
      row = document.createElement("li");
      row.append(document.createElement("span"), document.createElement("progress"));
      list.append(row);
    }
    const [name, bar] = row.children;
    name.textContent = path;
    bar.max = one.size || 1;
    bar.value = one.sent;
    bar.setAttribute("aria-label", path);
  });
}

// However many events come, the page is drawn once a frame.
function moved() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(draw);
}

const told = {
  moved,
  lost(seconds) {
    part("lost-text").textContent = `The connection was lost. Trying again in ${seconds} s; nothing that was sent is sent again.`;
    part("lost").hidden = false;
  },
  found() {
    part("lost").hidden = true;
  },
};

async function start() {
  sender = new Sender(told);
  startedAt = performance.now();
  show("under-way");
  part("flying").replaceChildren();
  stage("Sending files");
  part("stage").focus();
  addEventListener("beforeunload", warn);
  try {
    const options = { format: part("format").value, existing: part("existing").value, replace_images: part("replace").value === "1" };
    const key = keyOf(chosen.wanted, options.format);
    const opened = await sender.ask("POST", "/imports", { to: page.dataset.to, key, ...options });
    await sender.sendAll(opened.id, chosen.wanted);
    finish(resultOf(await readingOf(opened.id), sender.refused, chosen.others, page.dataset));
  } catch (error) {
    if (error instanceof Stopped) show("choose");
    else if (error instanceof Refused) finish(resultOf({ stage: "refused", refused: error.message, hint: "" }, [], [], page.dataset));
    else throw error;
  } finally {
    removeEventListener("beforeunload", warn);
    sender = null;
  }
}

async function readingOf(importId) {
  part("flying").replaceChildren();
  let reading = await sender.ask("POST", `/imports/${importId}/reading`);
  while (!["finished", "refused"].includes(reading.stage)) {
    stage(STAGES[reading.stage] ?? "Going on");
    part("total").max = reading.total || 1;
    part("total").value = reading.done;
    part("numbers").textContent = reading.stage === "images" ? `${reading.done} of ${count(reading.total, "image")}` : "";
    await new Promise((done) => setTimeout(done, LOOK_MS));
    const method = reading.stage === "interrupted" ? "POST" : "GET";
    reading = await sender.ask(method, `/imports/${importId}/reading`);
  }
  return reading;
}

function finish(result) {
  part("result").replaceChildren(result);
  show("result");
  const title = part("result").querySelector("h2");
  say(title.textContent);
  title.focus();
  part("result").querySelector("[data-more]").addEventListener("click", () => choose());
}

function choose() {
  for (const input of page.querySelectorAll("input[type=file]")) input.value = "";
  show("choose");
  part("files").focus();
}

function warn(event) {
  event.preventDefault();
}

for (const name of ["files", "folder"]) {
  part(name).addEventListener("change", (event) => take(chosenFiles(event.target)));
  // Whoever is faster than this module is not forgotten.
  if (part(name).files.length) take(chosenFiles(part(name)));
}
part("start").addEventListener("click", start);
part("forget").addEventListener("click", choose);
part("cancel").addEventListener("click", () => sender?.stop());
part("again").addEventListener("click", () => sender?.tryNow());

// A file that misses the box must not make the browser leave the page.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
const box = part("drop");
const title = part("drop-title").textContent;
box.addEventListener("dragover", () => box.classList.add("over"));
box.addEventListener("dragleave", () => box.classList.remove("over"));
box.addEventListener("drop", async (event) => {
  box.classList.remove("over");
  const { files, unread } = await droppedFiles(event.dataTransfer, (number) => {
    part("drop-title").textContent = `${count(number, "file")} found so far`;
  });
  part("drop-title").textContent = title;
  take(files, unread);
});
