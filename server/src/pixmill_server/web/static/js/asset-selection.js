// Which assets are selected: some ids, or everything of the filter but some ids. Survives a reload, not the browser's session.

const numbers = new Intl.NumberFormat("fr", { useGrouping: true });

export class Selection {
  constructor(form) {
    this.form = form;
    this.key = `pixmill-selection:${new URL(form.action).pathname}`;
    this.restore();
    this.form.classList.add("floats");
    form.querySelector("[data-select-all]").addEventListener("click", () => this.all());
    form.querySelector("[data-select-none]").addEventListener("click", () => this.none());
    form.addEventListener("formdata", (event) => this.write(event.formData));
    document.addEventListener("click", (event) => this.clicked(event));
  }

  // The window whose tiles are marked; null where no asset is shown.
  show(view) {
    this.view = view;
    // All but some was said of another filter.
    if (this.isAllBut && this.query !== new URL(this.form.action).search) this.set(new Set(), false);
    this.marked();
  }

  clicked(event) {
    const box = event.target.closest(".asset-pick input");
    if (!box || !this.view) return;
    this.view.current = this.view.placeOf(box.closest(".asset"));
    this.toggle(this.view.current, event.shiftKey);
  }

  async toggle(place, isRange) {
    const tile = this.view.shown.get(place);
    if (!tile?.dataset.id) return;
    const picks = !this.has(tile.dataset.id);
    if (isRange && this.anchor !== undefined && this.anchor !== place) {
      const [from, to] = [Math.min(this.anchor, place), Math.max(this.anchor, place)];
      this.change(await this.view.idsBetween(from, to), true);
    } else this.change([tile.dataset.id], picks);
    this.anchor = place;
  }

  has(id) {
    return this.ids.has(id) !== this.isAllBut;
  }

  change(ids, picks) {
    for (const id of ids) {
      if (picks !== this.isAllBut) this.ids.add(id);
      else this.ids.delete(id);
    }
    this.keep();
    this.marked();
  }

  all() {
    this.query = new URL(this.form.action).search;
    this.set(new Set(), true);
  }

  none() {
    this.set(new Set(), false);
  }

  set(ids, isAllBut) {
    this.ids = ids;
    this.isAllBut = isAllBut;
    this.anchor = undefined;
    this.keep();
    this.marked();
  }

  get count() {
    return this.isAllBut ? (this.view?.total ?? 0) - this.ids.size : this.ids.size;
  }

  mark(tiles) {
    for (const tile of tiles) {
      const box = tile.querySelector("input");
      if (box) box.checked = this.has(tile.dataset.id);
    }
  }

  marked() {
    const { count } = this;
    this.form.hidden = count === 0;
    const said = this.form.querySelector("[data-selected-count]");
    said.hidden = false;
    said.textContent = `${numbers.format(count)} selected`;
    this.form.querySelector("[data-select-all]").hidden = !this.view || (this.isAllBut && this.ids.size === 0);
    this.view?.space.classList.toggle("picking", count > 0);
    if (this.view) this.mark(this.view.shown.values());
  }

  // What the form sends: the boxes in sight are only some of it.
  write(data) {
    data.delete("asset");
    data.set("ids", [...this.ids].join(" "));
    data.set("mode", this.isAllBut ? "but" : "only");
  }

  keep() {
    try {
      sessionStorage.setItem(this.key, JSON.stringify({ ids: [...this.ids], isAllBut: this.isAllBut, query: this.query }));
    } catch {
      // More than the browser keeps: the selection still holds until the page is left.
      sessionStorage.removeItem(this.key);
    }
  }

  restore() {
    const kept = JSON.parse(sessionStorage.getItem(this.key) ?? "null");
    this.ids = new Set(kept?.ids ?? []);
    this.isAllBut = kept?.isAllBut ?? false;
    this.query = kept?.query ?? "";
  }
}
