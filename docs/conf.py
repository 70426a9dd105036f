"""Sphinx's configuration: Markdown pages, one theme, nothing fetched.

The command line's page is made here, from the commands' own help.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tools.cli_reference import render  # noqa: E402 - found by the path above

(HERE / "reference" / "cli.md").write_text(render())

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
