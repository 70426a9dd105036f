// Sends the edits of one image: one save is one Revision by who is signed in.

// `{ saved }` with the server's answer, `{ conflict }` or `{ refused }` with its problem.
export async function send(versionId, edits, base) {
  const answer = await fetch(`/api/v1/versions/${encodeURIComponent(versionId)}/annotations`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ edits, base }),
  }).catch(() => null);
  if (!answer) return { refused: { detail: "The server cannot be reached.", hint: "Your edits are still here: save again in a moment." } };
  const said = await answer.json().catch(() => ({ detail: `The server answered ${answer.status}.`, hint: "" }));
  if (answer.ok) return { saved: said };
  return said.type?.endsWith(":asset-changed") ? { conflict: said } : { refused: said };
}
