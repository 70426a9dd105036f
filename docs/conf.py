"""Sphinx's configuration: Markdown pages, one theme, nothing fetched."""

project = "Pixmill"
author = "The Pixmill authors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["decisions/template.md"]
html_theme = "furo"
html_title = "Pixmill"
html_copy_source = False
html_show_sphinx = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
