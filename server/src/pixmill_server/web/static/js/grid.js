// The Assets grid: filters that answer in place, a window that scrolls over any number of assets, a selection, and the keyboard.

import { AssetWindow } from "./asset-window.js";
import { Selection } from "./asset-selection.js";
import { fetchPage, putInPlace, released } from "./fetched.js";

const form = document.querySelector("#grid-filters");
const size = document.querySelector("[data-grid-size]");
const SIZE_KEY = "pixmill-grid-tile";

for (const element of document.querySelectorAll("[data-with-script]")) element.hidden = false;
for (const element of document.querySelectorAll("[data-without-script]")) element.hidden = true;

const selection = new Selection(document.querySelector("#selection"));
let view = openWindow();

function openWindow() {
  const space = document.querySelector(".asset-space");
  if (!space) {
    selection.show(null);
    return null;
  }
  const opened = new AssetWindow(space, { size: Number(size.value), selection });
  selection.show(opened);
  return opened;
}

size.value = localStorage.getItem(SIZE_KEY) ?? size.value;
view?.resize(Number(size.value));
size.addEventListener("input", () => {
  localStorage.setItem(SIZE_KEY, size.value);
  view?.resize(Number(size.value));
});

// The state of the filter is the address; what has no value is left out of it.
function addressOfForm() {
  const said = [...new FormData(form)].filter(([, value]) => value !== "");
  const query = new URLSearchParams(said).toString();
  return query ? `${form.action}?${query}` : form.action;
}

let asking = null;

async function show(address, { push = true } = {}) {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const answer = await fetchPage(address, { signal });
  await released();
  if (!answer || signal.aborted) return;
  const { page } = answer;
  if (!answer.isRight || !page.querySelector("[data-swap='grid']")) {
    location.assign(address);
    return;
  }
  if (push) history.pushState(null, "", address);
  view?.close();
  for (const part of document.querySelectorAll("[data-swap]")) {
    const next = page.querySelector(`[data-swap="${CSS.escape(part.dataset.swap)}"]`);
    if (next) putInPlace(part, document.adoptNode(next));
  }
  const selected = page.querySelector("#selection");
  document.querySelector("#selection").setAttribute("action", selected.getAttribute("action"));
  document.querySelector("[data-select-total]").textContent = selected.querySelector("[data-select-total]").textContent;
  for (const element of document.querySelectorAll("[data-swap] [data-without-script]")) element.hidden = true;
  const results = document.querySelector(".grid-results");
  if (results.getBoundingClientRect().top < 0) results.scrollIntoView();
  view = openWindow();
}

let later = 0;
form.addEventListener("input", (event) => {
  clearTimeout(later);
  const waits = event.target.matches("[type=search], [type=number]") ? 250 : 0;
  later = setTimeout(() => show(addressOfForm()), waits);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  show(addressOfForm());
});
document.querySelector(".grid-sort select").addEventListener("change", () => show(addressOfForm()));
// Links and the back button change what the fields say: the whole page is asked for, so that all of it agrees.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-filter-link]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  location.assign(link.href);
});
window.addEventListener("popstate", () => location.reload());
