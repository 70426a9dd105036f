// What became of an import, as elements; everything in it is text.

const SECTIONS = [
  ["refused", "Left out"],
  ["skipped", "Skipped"],
  ["notHeld", "Cannot be held"],
  ["notes", "Worth knowing"],
];

export function resultOf(reading, refusedFiles, notSent, { to, href }) {
  const findings = findingsOf(reading, refusedFiles, notSent);
  const card = element("div", { className: "card body stack" });
  const title = element("h2", { tabIndex: -1, textContent: titleOf(reading, to) });
  card.append(title);
  if (reading.stage === "refused") {
    card.append(element("p", { className: "notice bad", textContent: [reading.refused, reading.hint].filter(Boolean).join(" ") }));
  }
  if (reading.report) card.append(tiles(reading.report, findings));
  const list = element("div", { className: "findings" });
  for (const [name, heading] of SECTIONS) {
    if (findings[name].length === 0) continue;
    list.append(element("h3", { textContent: heading }), ...findings[name].map(details));
  }
  if (list.children.length) card.append(list);
  card.append(actions(reading, href));
  return card;
}

function titleOf(reading, to) {
  if (reading.stage === "refused") return "Nothing was imported";
  const { report } = reading;
  if (!report) return "There was nothing right to import";
  if (!report.changed) return `Everything was in ${to} already`;
  const images = `${report.added_assets} image${report.added_assets === 1 ? "" : "s"}`;
  const shapes = report.added_annotations ? ` and ${report.added_annotations} shape${report.added_annotations === 1 ? "" : "s"}` : "";
  return `${images}${shapes} added to ${to}`;
}

function tiles(report, findings) {
  const left = [...findings.refused].reduce((sum, one) => sum + one.count, 0);
  const facts = [
    [report.added_assets, "images added"],
    [report.unchanged_assets, "were there already"],
    [report.added_annotations, "shapes added"],
    [report.new_labels.length, "new Labels"],
    [left, "left out"],
  ];
  const row = element("div", { className: "tiles" });
  for (const [number, name] of facts) {
    const tile = element("div", { className: "tile" });
    tile.append(element("strong", { textContent: String(number) }), element("span", { textContent: name }));
    row.append(tile);
  }
  return row;
}

function findingsOf(reading, refusedFiles, notSent) {
  const { report } = reading;
  const byReason = new Map();
  for (const { name, reason } of refusedFiles) byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  const sent = [...byReason].map(([reason, names]) => ({ reason, count: names.length, names }));
  const other = notSent.length ? [{ reason: "neither an image nor an annotation file: it was not sent", count: notSent.length, names: notSent }] : [];
  return {
    refused: [...sent, ...(reading.left_out ?? []), ...(report?.refused ?? [])],
    skipped: [...(report?.skipped ?? []), ...other],
    notHeld: reading.not_held ?? [],
    notes: [...(reading.notes ?? []), ...(report?.notes ?? [])],
  };
}

function details({ reason, count, names }) {
  const box = element("details", { open: names.length <= 5 });
  box.append(element("summary", { textContent: `${count}: ${reason}` }));
  const list = element("ul", {});
  list.append(...names.slice(0, 100).map((name) => element("li", { textContent: name })));
  if (count > names.length || names.length > 100) list.append(element("li", { textContent: "…" }));
  box.append(list);
  return box;
}

function actions(reading, href) {
  const row = element("div", { className: "drop-actions" });
  if (reading.report) {
    row.append(
      element("a", { className: "button primary", href, textContent: "See the images" }),
      element("a", { className: "button", href: `${href}/settings`, textContent: "Set the Labels" }),
    );
  }
  const more = element("button", { className: "button", type: "button", textContent: "Import more" });
  more.dataset.more = "";
  row.append(more);
  return row;
}

function element(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
