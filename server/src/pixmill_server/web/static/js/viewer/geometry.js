// Shapes as values: where they are, and what they are after a move. Display pixels, origin top-left; nothing is changed
// in place. A shape has `kind`, `bbox` ([x, y, width, height] or null), `coordinates`, `rings` and `mask`, as in REST.

const STRIDES = { polygon: 2, line: 2, point: 2, keypoints: 3 };
const CORNERS = [[0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1], [0.5, 1], [0, 1], [0, 0.5]];
const LEAST_RING = 3;
const LEAST_LINE = 2;

export function boxOf(x0, y0, x1, y1) {
  return [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];
}

export function newBox(x0, y0, x1, y1) {
  return { kind: "box", bbox: boxOf(x0, y0, x1, y1), coordinates: [], rings: [], mask: "" };
}

export function newPolygon(points) {
  return fitted({ kind: "polygon", bbox: null, coordinates: points.flat(), rings: [points.length], mask: "" });
}

// [x, y, width, height], or null for a class of the whole image.
export function boundsOf(shape) {
  return shape.bbox;
}

export function areaOf(shape) {
  return shape.bbox ? shape.bbox[2] * shape.bbox[3] : Infinity;
}

// Whether the arrows and the pointer may move it: a bitmap and a class of the whole image have no other place.
export function canMove(shape) {
  return shape.kind !== "mask" && shape.kind !== "class";
}

// By dx, dy, but not out of the image of `size` [width, height].
export function moved(shape, dx, dy, size) {
  if (!canMove(shape)) return shape;
  const [x, y, width, height] = shape.bbox;
  const right = clamp(dx, Math.min(0, -x), Math.max(0, size[0] - x - width));
  const down = clamp(dy, Math.min(0, -y), Math.max(0, size[1] - y - height));
  const bbox = [x + right, y + down, width, height];
  if (shape.kind === "box") return { ...shape, bbox };
  const stride = STRIDES[shape.kind];
  const coordinates = shape.coordinates.map((value, index) => {
    if (shape.kind === "rotated_box") return value + ([right, down][index] ?? 0);
    const place = index % stride;
    if (shape.kind === "keypoints" && !isLabeled(shape, Math.floor(index / stride))) return value;
    return value + ([right, down][place] ?? 0);
  });
  return { ...shape, bbox, coordinates };
}

// The points by which it is resized or bent: [x, y] each, in a fixed order.
export function handlesOf(shape) {
  if (shape.kind === "box") {
    const [x, y, width, height] = shape.bbox;
    return CORNERS.map(([right, down]) => [x + right * width, y + down * height]);
  }
  return ["polygon", "line", "keypoints"].includes(shape.kind) ? pointsOf(shape) : [];
}

// Handle `index` put at x, y. Always ask it of the shape as it was when the drag began.
export function withHandleAt(shape, index, x, y, size) {
  const [left, top] = [clamp(x, 0, size[0]), clamp(y, 0, size[1])];
  if (shape.kind === "box") {
    const [right, down] = CORNERS[index];
    const [x0, y0, width, height] = shape.bbox;
    const [x1, y1] = [x0 + width, y0 + height];
    return {
      ...shape,
      bbox: boxOf(right === 0 ? left : x0, down === 0 ? top : y0, right === 1 ? left : x1, down === 1 ? top : y1),
    };
  }
  const coordinates = [...shape.coordinates];
  const start = index * STRIDES[shape.kind];
  coordinates[start] = left;
  coordinates[start + 1] = top;
  // The box of a skeleton was given with it, and says more than its points.
  return shape.kind === "keypoints" ? { ...shape, coordinates } : fitted({ ...shape, coordinates });
}

// Where a vertex can be added: `after` is the index of the vertex before it.
export function middlesOf(shape) {
  if (shape.kind !== "polygon" && shape.kind !== "line") return [];
  const points = pointsOf(shape);
  const middles = [];
  let start = 0;
  for (const size of ringSizes(shape)) {
    const last = shape.kind === "line" ? size - 1 : size;
    for (let place = 0; place < last; place += 1) {
      const [from, to] = [points[start + place], points[start + ((place + 1) % size)]];
      middles.push({ after: start + place, from, to, x: (from[0] + to[0]) / 2, y: (from[1] + to[1]) / 2 });
    }
    start += size;
  }
  return middles;
}

export function withVertex(shape, after, x, y) {
  const coordinates = [...shape.coordinates];
  coordinates.splice((after + 1) * 2, 0, x, y);
  return fitted({ ...shape, coordinates, rings: resized(shape, after, 1) });
}

// Null where it cannot be less: an outline has three points or more, a line two. A hole of three goes altogether.
export function withoutVertex(shape, index) {
  const points = pointsOf(shape);
  if (shape.kind === "line") {
    return points.length <= LEAST_LINE ? null : fitted({ ...shape, coordinates: points.toSpliced(index, 1).flat() });
  }
  if (shape.kind !== "polygon") return null;
  const { ring, start } = ringAt(shape, index);
  const size = Math.abs(shape.rings[ring]);
  if (size > LEAST_RING) {
    return fitted({ ...shape, coordinates: points.toSpliced(index, 1).flat(), rings: resized(shape, index, -1) });
  }
  if (shape.rings[ring] > 0) return null;
  return fitted({ ...shape, coordinates: points.toSpliced(start, size).flat(), rings: shape.rings.toSpliced(ring, 1) });
}

// Each with x and y; of keypoints only those that are labeled have a place, but all are listed.
export function pointsOf(shape) {
  const stride = STRIDES[shape.kind];
  const points = [];
  for (let start = 0; start < shape.coordinates.length; start += stride) {
    points.push([shape.coordinates[start], shape.coordinates[start + 1]]);
  }
  return points;
}

export function isLabeled(shape, index) {
  return shape.kind !== "keypoints" || shape.coordinates[index * 3 + 2] > 0;
}

export function ringSizes(shape) {
  return shape.kind === "polygon" ? shape.rings.map(Math.abs) : [pointsOf(shape).length];
}

export function samePlace(one, other) {
  const told = ({ kind, bbox, coordinates, rings, mask }) => JSON.stringify([kind, bbox, coordinates, rings, mask]);
  return one === other || told(one) === told(other);
}

export function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}

function ringAt(shape, index) {
  let start = 0;
  for (const [ring, size] of ringSizes(shape).entries()) {
    if (index < start + size) return { ring, start };
    start += size;
  }
  throw new RangeError(`There is no vertex ${index}.`);
}

function resized(shape, index, by) {
  if (shape.kind !== "polygon") return shape.rings;
  const { ring } = ringAt(shape, index);
  return shape.rings.map((size, place) => (place === ring ? size + Math.sign(size) * by : size));
}

function fitted(shape) {
  const points = pointsOf(shape).filter((_, index) => isLabeled(shape, index));
  if (!points.length) return shape;
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return { ...shape, bbox: boxOf(least(xs), least(ys), most(xs), most(ys)) };
}

// Not Math.min(...values): an outline may have more points than a call may have arguments.
function least(values) {
  return values.reduce((low, value) => Math.min(low, value), Infinity);
}

function most(values) {
  return values.reduce((high, value) => Math.max(high, value), -Infinity);
}
