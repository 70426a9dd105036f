// The grid of assets: size of the tiles, more of them at the end of the page, arrows to walk from one to the next.

const grid = document.querySelector(".asset-grid");
const size = document.querySelector("[data-grid-size]");

size?.addEventListener("change", () => {
  grid.dataset.size = size.value;
  localStorage.setItem("pixmill-grid-size", size.value);
});
const remembered = localStorage.getItem("pixmill-grid-size");
if (size && remembered) {
  size.value = remembered;
  grid.dataset.size = remembered;
}

async function loadMore(link) {
  const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  grid.append(...page.querySelectorAll(".asset-grid > li"));
  const next = page.querySelector("[data-more]");
  if (next) {
    link.replaceWith(next);
    watch(next);
  } else link.remove();
}

function watch(link) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    loadMore(link);
  }, { rootMargin: "800px" });
  observer.observe(link);
}

const more = document.querySelector("[data-more]");
if (more) watch(more);

grid?.addEventListener("keydown", (event) => {
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
  if (!(event.key in steps)) return;
  const links = [...grid.querySelectorAll("a.asset-link")];
  const next = links[links.indexOf(document.activeElement) + steps[event.key]];
  if (!next) return;
  event.preventDefault();
  next.focus();
});

function columns() {
  return getComputedStyle(grid).gridTemplateColumns.split(" ").length;
}
