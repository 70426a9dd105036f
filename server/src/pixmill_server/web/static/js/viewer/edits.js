// What a save has to say: the difference between the shapes as they are stored and as they are now, as edits of REST.
// Shapes are known by their `key`; `idOf` gives the id that the server knows a key by.

import { samePlace } from "./geometry.js";

export function editsBetween(saved, now, assetId, idOf) {
  const before = byKey(saved);
  const edits = [];
  for (const shape of now) {
    const old = before.get(shape.key);
    if (!old) edits.push(addition(shape, assetId));
    else edits.push(...changes(old, shape, { asset_id: assetId, annotation_id: idOf(shape.key) }));
  }
  const kept = byKey(now);
  for (const { key } of saved) {
    if (!kept.has(key)) edits.push({ action: "delete", asset_id: assetId, annotation_id: idOf(key) });
  }
  return edits;
}

// The keys of added shapes, in the order of their edits.
export function addedKeys(saved, now) {
  const before = byKey(saved);
  return now.filter(({ key }) => !before.has(key)).map(({ key }) => key);
}

// My edits since `saved`, made on `fresh` instead: what others did stays, unless I did something to the same shape.
// A shape that I changed and they deleted comes back as a new one, so that no work is lost.
export function rebased(saved, now, fresh) {
  const [before, mine, theirs] = [byKey(saved), byKey(now), byKey(fresh)];
  const shapes = [];
  for (const shape of fresh) {
    const [old, own] = [before.get(shape.key), mine.get(shape.key)];
    if (!old) shapes.push(shape);
    else if (own) shapes.push(merged(old, own, shape));
  }
  for (const own of now) {
    const old = before.get(own.key);
    if (!old) shapes.push(own);
    else if (!theirs.has(own.key) && (!samePlace(old, own) || old.label !== own.label)) shapes.push(anew(own));
  }
  return shapes;
}

function merged(old, own, shape) {
  const { label, review } = own;
  const { kind, bbox, coordinates, rings, mask } = own;
  return {
    ...shape,
    ...(samePlace(old, own) ? {} : { kind, bbox, coordinates, rings, mask }),
    ...(old.label === label ? {} : { label }),
    ...(old.review === review ? {} : { review }),
  };
}

let again = 0;

function anew(shape) {
  again += 1;
  return { ...shape, key: `again-${again}`, score: null, source: "human", review: "unreviewed", run: null };
}

function addition(shape, assetId) {
  return { action: "add", asset_id: assetId, label: shape.label, shape: valueOf(shape), attributes: shape.attributes };
}

function changes(old, shape, who) {
  const edits = [];
  if (!samePlace(old, shape)) edits.push({ action: "move", ...who, shape: valueOf(shape) });
  if (old.label !== shape.label) edits.push({ action: "relabel", ...who, label: shape.label });
  const implied = edits.length ? "edited" : old.review;
  if (shape.review !== implied) edits.push({ action: "review", ...who, review: shape.review });
  return edits;
}

// As REST wants it: only what the kind has.
function valueOf({ kind, bbox, coordinates, rings, mask }) {
  const isBox = kind === "box";
  return { kind, bbox: isBox || kind === "keypoints" ? bbox : null, coordinates: isBox ? [] : coordinates, rings, mask };
}

function byKey(shapes) {
  return new Map(shapes.map((shape) => [shape.key, shape]));
}
