// What a person drops or chooses, as a list of { path, file }: folders are walked, what nothing reads is left out.

const HIDDEN = /(^|\/)(\.|__MACOSX(\/|$)|Thumbs\.db$|desktop\.ini$)/;

// Must be called within the event: the browser forgets the items after it. `told` hears how many files were found so far.
// What the browser cannot read is named in `unread`, and the rest goes on.
export async function droppedFiles(transfer, told) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = { files: [], unread: [], told };
  for (const entry of entries) await walk(entry, "", found);
  return found;
}

export function chosenFiles(input) {
  return [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

// Splits what is worth sending from what is not; where everything lies in one folder, its name is no part of the paths.
export function sorted(files, suffixes) {
  const seen = files.filter(({ path }) => !HIDDEN.test(path));
  const isWanted = ({ path }) => suffixes.some((suffix) => path.toLowerCase().endsWith(suffix));
  const wanted = seen.filter(isWanted);
  const others = seen.filter((one) => !isWanted(one)).map(({ path }) => path);
  return { wanted: withoutTop(wanted), others };
}

// The same for the same files, as far as names, sizes and times tell: an import that was cut off is found again by it.
export function keyOf(files, options) {
  const lines = files.map(({ path, file }) => `${path}\0${file.size}\0${file.lastModified}`).sort();
  return `browser-${files.length}-${hash(lines.join("\n"))}-${hash(options)}`;
}

export function bytesOf(files) {
  return files.reduce((sum, { file }) => sum + file.size, 0);
}

export function sizeText(bytes) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

async function walk(entry, above, found) {
  const path = above + entry.name;
  if (HIDDEN.test(path)) return;
  try {
    if (entry.isFile) {
      found.files.push({ path, file: await new Promise((done, failed) => entry.file(done, failed)) });
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      // A browser gives some hundred entries at a time, and none at the end.
      const some = await new Promise((done, failed) => reader.readEntries(done, failed));
      if (some.length === 0) return;
      for (const inner of some) await walk(inner, `${path}/`, found);
      found.told(found.files.length);
    }
  } catch {
    found.unread.push(path);
  }
}

function withoutTop(files) {
  const tops = new Set(files.map(({ path }) => (path.includes("/") ? path.slice(0, path.indexOf("/") + 1) : "")));
  const [top] = tops;
  return tops.size === 1 && top ? files.map(({ path, file }) => ({ path: path.slice(top.length), file })) : files;
}

// 64 bits are enough to tell one person's imports into one version apart; nothing is trusted to it.
function hash(text) {
  let high = 0x9e3779b9;
  let low = 0x85ebca6b;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ (code + at), 0xc2b2ae35);
    low ^= low >>> 15;
  }
  return [high, low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}
