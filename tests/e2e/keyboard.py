"""A visitor without a pointer: presses keys, and looks where the focus is after each."""

from collections.abc import Sequence

from playwright.sync_api import Page

# What a screen reader would call what has the focus, where it is, and whether its ring can be seen.
_FOCUS = """() => {
  const found = document.activeElement;
  if (!found || found === document.body || found === document.documentElement) return null;
  const labels = [...(found.labels ?? [])].map((label) => label.innerText).join(" ");
  const told = (element) => element?.getAttribute("aria-label");
  const within = found.innerText || told(found.querySelector("[aria-label]"));
  const words = told(found) || labels || within || found.value || "";
  const ringed = (element) => {
    const style = getComputedStyle(element);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  };
  // The ring of a field that is not drawn is around its label, or around what is drawn for it.
  const drawn = [found, found.nextElementSibling, found.closest("label")].filter(Boolean);
  const box = (drawn.find(ringed) ?? found).getBoundingClientRect();
  const isInSight = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
  return {
    words: words.replace(/\\s+/g, " ").trim(),
    isSeen: isInSight && box.width * box.height > 0 && drawn.some(ringed),
    html: found.outerHTML.slice(0, 160),
  };
}"""
_COUNT_POINTERS = """() => {
  for (const kind of ["pointerdown", "pointermove", "mousedown", "mousemove", "wheel", "touchstart"])
    addEventListener(kind, () => sessionStorage.setItem("pointers", Number(sessionStorage.pointers ?? 0) + 1), true);
}"""
MOST_TABS = 120


class Keys:
    """The keyboard of a page; fails where the focus cannot be seen."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.add_init_script(f"({_COUNT_POINTERS})()")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def tab_to(self, words: str, *, back: bool = False) -> None:
        """Press Tab until what is called so has the focus; it and all on the way there must be seen to have it."""
        passed: list[str] = []
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
            focus = self.page.evaluate(_FOCUS)
            if focus is None:
                continue
            assert focus["isSeen"], f"on {self.page.url} nobody sees that this has the focus: {focus['html']}"
            if words in focus["words"]:
                return
            passed.append(focus["words"])
        message = f"On {self.page.url} {MOST_TABS} times Tab does not lead to {words!r}, but to {passed}."
        raise AssertionError(message)

    def focused(self) -> str:
        """The words of what has the focus; empty: nothing has."""
        focus = self.page.evaluate(_FOCUS)
        return str(focus["words"]) if focus else ""

    def tab_within(self, selector: str, *, times: int) -> Sequence[str]:
        """What gets the focus by so many Tabs; it must never be anything on the page outside of the selector."""
        words = []
        for _ in range(times):
            self.page.keyboard.press("Tab")
            outside = "s => document.activeElement !== document.body && !document.activeElement.closest(s)"
            assert not self.page.evaluate(outside, selector)
            words.append(self.focused())
        return words

    def require_no_pointer(self) -> None:
        """Nothing of one came to the pages so far; then a click, to see that it would have been counted."""
        count = "Number(sessionStorage.getItem('pointers'))"
        assert self.page.evaluate(count) == 0
        self.page.mouse.click(1, 1)
        assert self.page.evaluate(count) > 0
