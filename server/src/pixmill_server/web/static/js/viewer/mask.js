// COCO's compressed run lengths: runs of zeros and ones in turn, down each column, then the next column.

// The run lengths; a broken text gives those before it breaks.
export function runsOf(text) {
  const runs = [];
  let [value, shift] = [0, 0];
  for (const letter of text) {
    const group = letter.charCodeAt(0) - 48;
    value += (group & 31) * 2 ** shift;
    shift += 5;
    if (group & 32) continue;
    if (group & 16) value -= 2 ** shift;
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value);
    [value, shift] = [0, 0];
  }
  return runs;
}

// The outline of the ones as the `d` of an SVG path, to be filled evenodd.
export function outlineOf(text, height) {
  return tracedPath(edgesOf(columnsOf(runsOf(text), height)));
}

// For each column the [top, bottom) of its ones.
function columnsOf(runs, height) {
  const columns = new Map();
  let at = 0;
  runs.forEach((length, index) => {
    let rest = index % 2 ? length : 0;
    let start = at;
    while (rest > 0) {
      const [x, y] = [Math.floor(start / height), start % height];
      const part = Math.min(height - y, rest);
      if (!columns.has(x)) columns.set(x, []);
      columns.get(x).push([y, y + part]);
      start += part;
      rest -= part;
    }
    at += length;
  });
  return columns;
}

// The borders with the ones on their right hand: from each point to the points where a border goes on.
function edgesOf(columns) {
  const edges = new Map();
  const add = (x0, y0, x1, y1) => {
    const from = `${x0},${y0}`;
    if (!edges.has(from)) edges.set(from, []);
    edges.get(from).push([x1, y1]);
  };
  for (const [x, spans] of columns) {
    for (const [top, bottom] of spans) {
      add(x, top, x + 1, top);
      add(x + 1, bottom, x, bottom);
    }
    for (const [top, bottom] of without(spans, columns.get(x - 1) ?? [])) add(x, bottom, x, top);
    for (const [top, bottom] of without(spans, columns.get(x + 1) ?? [])) add(x + 1, top, x + 1, bottom);
  }
  return edges;
}

// What of the spans no other span covers. Cut at every end of the others, so that borders meet at the same points.
function without(spans, others) {
  const parts = [];
  for (const [top, bottom] of spans) {
    let from = top;
    for (const [start, end] of others) {
      if (end <= from || start >= bottom) continue;
      if (start > from) parts.push([from, start]);
      from = Math.max(from, end);
    }
    if (from < bottom) parts.push([from, bottom]);
  }
  return parts;
}

function tracedPath(edges) {
  const pieces = [];
  for (const [from, ends] of edges) {
    while (ends.length) {
      const start = from.split(",").map(Number);
      let [point, direction, path] = [start, "", `M${start[0]} ${start[1]}`];
      do {
        const next = edges.get(`${point[0]},${point[1]}`).pop();
        const way = next[0] === point[0] ? "V" : "H";
        // Steps in the same direction are one line.
        if (way === direction) path = path.slice(0, path.lastIndexOf(way));
        path += way === "V" ? `V${next[1]}` : `H${next[0]}`;
        [point, direction] = [next, way];
      } while (point[0] !== start[0] || point[1] !== start[1]);
      pieces.push(`${path}Z`);
    }
  }
  return pieces.join("");
}
