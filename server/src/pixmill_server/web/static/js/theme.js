// Light, dark or as the system says; remembered in this browser.

const KEY = "pixmill-theme";
const ORDER = ["system", "light", "dark"];
const button = document.querySelector("[data-theme-switch]");

function apply(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const name = button?.querySelector("span") ?? button;
  if (name) name.textContent = `Theme: ${theme}`;
}

let theme = localStorage.getItem(KEY) ?? "system";
apply(theme);
button?.addEventListener("click", () => {
  theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
  localStorage.setItem(KEY, theme);
  apply(theme);
});
