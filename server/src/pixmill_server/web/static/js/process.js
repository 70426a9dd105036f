// The Process form answers in place: what is chosen asks the server for the rest of the form and for what the launch would do.

import { fetchPage, putInPlace, released } from "./fetched.js";

const form = document.querySelector("[data-process]");

function makeReady() {
  for (const element of form.querySelectorAll("[data-with-script]")) element.hidden = false;
  for (const element of form.querySelectorAll("[data-without-script]")) element.hidden = true;
}
makeReady();

// The list of Processings scrolls by itself: the one that is chosen is in sight.
const chosen = form.querySelector(".processing-cards :checked")?.closest(".option");
if (chosen) chosen.parentElement.scrollTop = chosen.offsetTop - (chosen.parentElement.clientHeight - chosen.offsetHeight) / 2;

let asking = null;

// `parts`: which data-swap parts are replaced. The rest stays, with what is being typed into it.
async function ask(isReplaced) {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const said = [...new FormData(form)].filter(([name, value]) => value !== "" || name === "to" || name.startsWith("p."));
  const address = `${location.pathname}?${new URLSearchParams(said)}`;
  const answer = await fetchPage(address, { signal });
  await released();
  if (!answer || signal.aborted) return;
  const { page } = answer;
  if (!answer.isRight || !page.querySelector("[data-process]")) {
    location.assign(address);
    return;
  }
  history.replaceState(null, "", address);
  for (const part of form.querySelectorAll("[data-swap]")) {
    if (!part.isConnected || !isReplaced(part.dataset.swap)) continue;
    const next = page.querySelector(`[data-swap="${CSS.escape(part.dataset.swap)}"]`);
    if (next) putInPlace(part, document.adoptNode(next));
  }
  for (const field of form.querySelectorAll("[name^='p.'], [name='to']")) {
    const isWrong = page.getElementById(field.id)?.getAttribute("aria-invalid") === "true";
    field.toggleAttribute("aria-invalid", isWrong);
    if (isWrong) field.setAttribute("aria-invalid", "true");
  }
  makeReady();
}

form.addEventListener("change", (event) => {
  const { name } = event.target;
  if (!name) return;
  if (name === "processing") {
    // What was typed for the Processing before is left behind.
    for (const field of form.querySelectorAll("[data-swap='form'] [name]")) field.disabled = true;
    ask((part) => part === "form" || part === "summary");
  } else if (name === "model") ask((part) => part === "form" || part === "summary");
  else ask((part) => part !== "form");
});

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reset]");
  if (!button) return;
  const field = document.getElementById(button.dataset.reset);
  field.value = button.dataset.default;
  button.remove();
  field.focus();
  field.dispatchEvent(new Event("change", { bubbles: true }));
});

const find = form.querySelector("[data-find]");
const kind = form.querySelector("select[data-kind]");
function narrow() {
  const words = (find?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const card of form.querySelectorAll("label[data-kind]")) {
    const text = card.dataset.text.toLowerCase();
    card.hidden = !(words.every((word) => text.includes(word)) && (!kind?.value || kind.value === card.dataset.kind));
    shown += card.hidden ? 0 : 1;
  }
  form.querySelector("[data-none]").hidden = shown > 0;
}
find?.addEventListener("input", narrow);
kind?.addEventListener("change", narrow);
find?.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
