// Forms with data-upload send their file with a bar that fills; without this module they are plain forms.

const form = document.querySelector("form[data-upload]");
const state = form.querySelector("[data-upload-state]");
const bar = state.querySelector("progress");
const text = state.querySelector("[data-upload-text]");
const button = form.querySelector("button:not([type=button])");

function size(bytes) {
  return bytes < 1 << 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

function refuse(message) {
  button.removeAttribute("aria-busy");
  bar.hidden = true;
  text.textContent = message;
  text.className = "notice bad";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (button.getAttribute("aria-busy") === "true") return;
  const sending = new XMLHttpRequest();
  sending.open("POST", form.action);
  sending.setRequestHeader("Accept", "text/html");
  sending.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.max = total;
    bar.value = loaded;
    text.textContent = loaded < total ? `${size(loaded)} of ${size(total)}` : "Reading what the file says of itself.";
  });
  sending.addEventListener("error", () => refuse("The server cannot be reached. Try again."));
  sending.addEventListener("load", () => {
    if (sending.status < 400) {
      location.assign(sending.responseURL);
      return;
    }
    const page = new DOMParser().parseFromString(sending.responseText, "text/html");
    refuse(page.querySelector("[role=alert]")?.textContent.trim() ?? page.querySelector("main")?.textContent.trim() ?? "It was refused.");
  });
  button.setAttribute("aria-busy", "true");
  state.hidden = false;
  bar.hidden = false;
  text.className = "small soft";
  text.textContent = "";
  sending.send(new FormData(form));
});
