// Forms with data-busy="what happens now" say it while the server works, and cannot be sent twice.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.dataset.busy || event.defaultPrevented) return;
  const button = event.submitter ?? form.querySelector("button:not([type=button])");
  if (button?.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  button?.setAttribute("aria-busy", "true");
  const text = form.querySelector("[data-busy-text]");
  if (!text) return;
  const began = Date.now();
  const say = () => {
    const seconds = Math.round((Date.now() - began) / 1000);
    text.textContent = seconds < 3 ? form.dataset.busy : `${form.dataset.busy} ${seconds} s so far.`;
  };
  say();
  setInterval(say, 1000);
});

// Back from the next page: the page may be shown as it was left.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll("[aria-busy=true]")) button.removeAttribute("aria-busy");
});
