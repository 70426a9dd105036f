// What a Run took over time: pointing at a chart says the value there, in all charts of the group at once.
// Markup: templates/run_charts.html. Who does not point finds the same in the table below the charts.

const WIDE = 100;

function point(group, part) {
  for (const figure of group.querySelectorAll("[data-chart]")) {
    const values = figure.dataset.chart.split("|");
    const place = Math.min(values.length - 1, Math.max(0, Math.floor(part * values.length)));
    const said = figure.querySelector("[data-chart-said]");
    figure.dataset.rest ??= said.textContent.replace(/\s+/g, " ").trim();
    figure.dataset.pointed = "";
    figure.querySelector("[data-chart-cursor]").setAttribute("d", `M${((place + 0.5) * WIDE) / values.length},0 V40`);
    said.textContent = `${values[place] || "nothing"} at ${clock(place * Number(figure.dataset.seconds))}`;
  }
}

function leave(group) {
  for (const figure of group.querySelectorAll("[data-pointed]")) {
    delete figure.dataset.pointed;
    figure.querySelector("[data-chart-said]").textContent = figure.dataset.rest;
  }
}

function clock(seconds) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = `${String(minutes).padStart(hours ? 2 : 1, "0")}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  return hours ? `${hours}:${rest}` : rest;
}

// The charts are replaced while the Run goes on: the document listens for them all.
let group = null;
document.addEventListener("pointermove", (event) => {
  const plot = event.target.closest?.(".plot");
  const next = plot?.closest("[data-charts]") ?? null;
  if (group && group !== next) leave(group);
  group = next;
  if (!plot || !group) return;
  const { left, width } = plot.getBoundingClientRect();
  point(group, (event.clientX - left) / width);
});
