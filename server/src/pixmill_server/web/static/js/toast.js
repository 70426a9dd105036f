// Short messages at the corner, read out by screen readers. `kind`: "good", "bad" or "" for what is merely so.

const STAYS_MS = 6000;

export function toast(message, { kind = "" } = {}) {
  const region = document.querySelector("[data-toasts]");
  if (!region) return;
  const box = document.createElement("div");
  box.className = "toast";
  box.dataset.kind = kind;
  const text = document.createElement("span");
  text.textContent = message;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button quiet small";
  close.textContent = "×";
  close.setAttribute("aria-label", "Close this message");
  close.addEventListener("click", () => box.remove());
  box.append(text, close);
  region.append(box);
  // What went wrong stays until somebody has closed it.
  if (kind !== "bad") setTimeout(() => box.remove(), STAYS_MS);
}
