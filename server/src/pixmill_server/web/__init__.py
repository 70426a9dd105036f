"""The pages: HTML over the same functions that `api` serves as JSON. Each module with a `router` is found by its name.

Everything a page shows reaches the DOM as text (Jinja2 escapes; the scripts set `textContent`), no script or style is
written into a page, and every page works at its URL.
"""
