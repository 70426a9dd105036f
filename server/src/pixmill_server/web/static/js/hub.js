// Pull on the Hub's list: a bar that fills as the server brings the model in. Without this module the form only waits.

function size(bytes) {
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

async function* jsonLines(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line) yield JSON.parse(line);
  }
}

async function pull(form) {
  const button = form.querySelector("button");
  const bar = form.querySelector("progress");
  const text = form.querySelector("[data-pull-text]");
  const refuse = (message) => {
    bar.hidden = true;
    button.hidden = false;
    text.textContent = message;
    text.className = "small error";
  };
  button.hidden = true;
  bar.hidden = false;
  text.className = "small soft";
  text.textContent = "Connecting";
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  try {
    const answer = await fetch(form.dataset.pull, { method: "POST", headers, body: "{}" });
    if (!answer.ok) return refuse((await answer.json()).detail);
    for await (const event of jsonLines(answer)) {
      if (event.problem) return refuse(`${event.problem.detail ?? event.problem.title} ${event.problem.hint ?? ""}`.trim());
      if (event.model_version) {
        const address = event.model_version.address.split("/").map(encodeURIComponent).join("/");
        location.assign(form.dataset.models + address);
        return undefined;
      }
      bar.max = event.total_bytes;
      bar.value = event.received_bytes;
      text.textContent = `${size(event.received_bytes)} of ${size(event.total_bytes)}`;
    }
    return refuse("The server ended before it was done. Look at the list again in a moment.");
  } catch {
    return refuse("The server cannot be reached. Try again.");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-pull]");
  if (!form) return;
  event.preventDefault();
  pull(form);
});
