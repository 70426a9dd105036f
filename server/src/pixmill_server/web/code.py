"""Code as a page shows it: coloured by classes, each line with an address of its own (#line-12)."""

from functools import lru_cache

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import JsonLexer, PythonLexer, TOMLLexer, YamlLexer

_LONGEST_COLOURED = 200_000
_FORMATTER = HtmlFormatter(nowrap=True, classprefix="py-")
_LEXERS = {".py": PythonLexer, ".toml": TOMLLexer, ".json": JsonLexer, ".yaml": YamlLexer, ".yml": YamlLexer}


@lru_cache(maxsize=32)
def highlighted(source: str, *, suffix: str = ".py") -> Markup:
    """The lines as HTML; what is in the source is text and nothing else. Of a file that ends in `suffix`."""
    # The formatter escapes the source, and ends the elements of a line with the line. What is very long stays plain:
    # colours would take seconds.
    lexer = _LEXERS.get(suffix)
    if len(source) > _LONGEST_COLOURED or lexer is None:
        lines = [str(escape(line)) for line in source.splitlines()]
    else:
        lines = highlight(source, lexer(stripnl=False), _FORMATTER).splitlines()
    numbered = (f'<span id="line-{number}">{line}\n</span>' for number, line in enumerate(lines, start=1))
    return Markup("".join(numbered))  # noqa: S704 - see above
