"""Secrets by their rules alone: how they may be called, what can be one, and in which forms it shows itself."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "[secret]"
"""What stands in a log, and in every other text of a Run, in place of a secret."""
LEAST_BYTES: Final = 8
MOST_BYTES: Final = 64 << 10
_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{0,127}")
# Variables that decide how programs are found and loaded, or that Pixmill sets itself.
_RESERVED: Final = re.compile(r"(LD|PYTHON|PIXMILL|OMP)_?.*|PATH|HOME|TMPDIR|LANG|LC_.*|SHELL|USER|IFS")


def why_not_name(name: str) -> str:
    """Why a secret cannot be called so, or an empty text."""
    if not _NAME.fullmatch(name):
        return "it is not made of A to Z, 0 to 9 and _, beginning with a letter"
    return "the environment variable of this name has a meaning of its own" if _RESERVED.fullmatch(name) else ""


def why_not_value(value: str) -> str:
    """Why this cannot be a secret that is masked wherever it shows, or an empty text."""
    size = len(value.encode(errors="surrogatepass"))
    if not LEAST_BYTES <= size <= MOST_BYTES:
        return f"it has {size} bytes, and has to have {LEAST_BYTES} to {MOST_BYTES}"
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        return "it cannot be the value of an environment variable"
    if any(_overlaps(form) for form in forms_of(value)):
        return f"it shares letters with '{MASK}', the text that stands in its place in logs"
    return ""


def forms_of(value: str) -> set[bytes]:
    """Every form in which a secret is looked for; of a text of several lines, each long line is one too."""
    lines = [line.strip() for line in value.splitlines()]
    values = {value, value.strip(), *lines}
    return {form for each in values if len(each.encode()) >= LEAST_BYTES for form in _forms(each)}


def _forms(value: str) -> Iterator[bytes]:
    plain = value.encode()
    yield plain
    for encoded in (quote(value, safe=""), quote(value), quote_plus(value), quote(value, safe="~()*!.'")):
        yield encoded.encode()
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), encoded).encode()
    yield json.dumps(value)[1:-1].encode()
    yield json.dumps(value, ensure_ascii=False)[1:-1].encode()
    yield repr(value)[1:-1].encode()
    yield repr(plain)[2:-1].encode()
    for before in range(3):
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
            # Of the letters at both ends a part of the bits is somebody else's: only those between are always the same.
            first, after = -(-before * 8 // 6), (before + len(plain)) * 8 // 6
            yield alphabet(b"\0" * before + plain)[first:after]


def _overlaps(form: bytes) -> bool:
    """Whether a form could come into being anew where the mask stands beside other text."""
    mask = MASK.encode()
    ends = any(form.startswith(mask[at:]) or form.endswith(mask[: len(mask) - at]) for at in range(1, len(mask)))
    return ends or mask in form or form in mask
