// Choosing another Processing asks for its form at once; what was typed for the one before is left behind.

const choice = document.querySelector("[data-choose]");
choice?.addEventListener("change", () => {
  location.search = new URLSearchParams({ processing: choice.value, where: document.querySelector("[name=where]")?.value ?? "" }).toString();
});
