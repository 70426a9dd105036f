// data-copies="ID": the text of that element goes to the clipboard.

import { toast } from "./toast.js";

for (const button of document.querySelectorAll("[data-copies]")) {
  button.addEventListener("click", async () => {
    const shown = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(shown.textContent);
      toast("Copied.", { kind: "good" });
    } catch {
      // Without https there is no clipboard to write to: select it, so that Ctrl+C does.
      getSelection().selectAllChildren(shown);
      toast("Selected: press Ctrl+C.");
    }
  });
}
