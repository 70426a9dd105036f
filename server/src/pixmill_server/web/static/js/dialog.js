// Native dialogs: data-opens="ID" opens one, data-closes closes the one it is in, a click beside it closes it too.
// Esc, the trap and the return of the focus are the browser's own.

export function openDialog(dialog) {
  if (dialog.open) return;
  dialog.showModal();
  dialog.querySelector("[autofocus]")?.focus();
}

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element)) return;
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.opens);
    if (dialog) {
      event.preventDefault();
      openDialog(dialog);
    }
    return;
  }
  if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
});

// A press that began on the backdrop: selecting text from within and letting go outside must not close.
document.addEventListener("mousedown", (event) => {
  if (event.target instanceof HTMLDialogElement && isBeside(event.target, event)) event.target.close();
});

function isBeside(dialog, { clientX, clientY }) {
  const box = dialog.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}

// What a server answered with an open dialog (a refused form) is shown as one.
for (const dialog of document.querySelectorAll("dialog[data-open-at-once]")) openDialog(dialog);
