// The details of a Revision are asked for when they are opened: comparing two states reads both.

async function load(box) {
  const said = box.querySelector("p");
  const answer = await fetch(box.dataset.difference, { headers: { Accept: "text/html" } }).catch(() => null);
  const text = answer?.ok ? await answer.text() : "";
  const found = new DOMParser().parseFromString(text, "text/html").querySelector(".difference");
  if (found) said.replaceWith(found);
  // Else the link to the page that says it stays.
  else delete box.dataset.loaded;
}

for (const box of document.querySelectorAll("[data-difference]")) {
  box.addEventListener("toggle", () => {
    if (!box.open || box.dataset.loaded) return;
    box.dataset.loaded = "1";
    load(box);
  });
}
