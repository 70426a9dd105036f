"""Python as a page shows it: coloured by classes, each line with an address of its own (#line-12)."""

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

_FORMATTER = HtmlFormatter(nowrap=True, classprefix="py-")


def highlighted(source: str) -> Markup:
    """The lines as HTML; what is in the source is text and nothing else."""
    # The formatter escapes the source, and ends the elements of a line with the line.
    lines = highlight(source, PythonLexer(stripnl=False), _FORMATTER).splitlines()
    numbered = (f'<span id="line-{number}">{line}\n</span>' for number, line in enumerate(lines, start=1))
    return Markup("".join(numbered))  # noqa: S704 - see above
