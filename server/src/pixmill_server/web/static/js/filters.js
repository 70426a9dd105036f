// A form with data-filters goes off by itself when something is chosen; its button is for those without JavaScript.

for (const form of document.querySelectorAll("form[data-filters]")) {
  form.querySelector("[data-apply]").hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
  // What is not chosen need not stand in the address.
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
  });
}
