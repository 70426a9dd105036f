"""The file that a new Processing begins with, and how the code of one gets another name."""

import io
import keyword
import re
import tokenize
from typing import Final

from pixmill.errors import InvalidInput, ProcessingError

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME: Final = 80
_STARTER: Final = '''# /// script
# requires-python = ">=3.11"
# dependencies = []  # packages with wheels, like "opencv-python-headless>=5"; numpy and pixmill are there already
# ///
"""Tag the images that are too dark to annotate.

The first line is the title in lists; the rest is the description. Say what it does to whose images.
"""

from collections.abc import Iterator
from typing import Annotated

from pixmill.authoring import Batch, Between, Change, processing


# `kind` groups it in lists; `batch_size` is how many images it is given at once.
@processing(kind="tagging", batch_size=8)
class ENTRY:
    """Made once per Run, then called once per batch.

    threshold: Mean brightness, 0 (black) to 255 (white), below which an image is tagged.
    """

    # Every argument is a Parameter: its type, range and default make the form, the lines above its help.
    def __init__(self, *, threshold: Annotated[float, Between(0, 255)] = 60.0) -> None:
        self.threshold = threshold

    # Images are RGB, uint8, (height, width, 3), upright. What is yielded is staged, and visible when the Run succeeds.
    def __call__(self, batch: Batch) -> Iterator[Change]:
        for asset, image in zip(batch.assets, batch.images, strict=True):
            brightness = float(image.mean())
            if brightness < self.threshold:
                # Others: asset.annotate(BoundingBox(x, y, width, height), label="person", score=0.9), asset.skip("why")
                yield asset.tag("dark")
'''


def starter_source(name: str) -> str:
    """A commented file that works as it is; its Processing is called `name`, like `tag-dark-images`."""
    return _STARTER.replace("ENTRY", class_name(name))


def class_name(name: str) -> str:
    """`tag-dark-images` as a class: TagDarkImages. Raises `InvalidInput` for what no Processing can be called."""
    _require_name(name)
    return "".join(part.capitalize() for part in name.split("-"))


def renamed(source: str, *, entry: str, name: str) -> str:
    """The same code with its class or function renamed so that the Processing is called `name`; texts stay."""
    _require_name(name)
    new = class_name(name) if entry[:1].isupper() else name.replace("-", "_")
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError) as error:
        raise ProcessingError(f"The file is not Python: {error}.") from error
    lines = source.splitlines(keepends=True)
    for token in reversed(tokens):
        if token.type == tokenize.NAME and token.string == entry:
            row, column = token.start
            line = lines[row - 1]
            lines[row - 1] = line[:column] + new + line[column + len(entry) :]
    return "".join(lines)


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or keyword.iskeyword(name):
        raise InvalidInput(
            f"A Processing cannot be called '{name[:_LONGEST_NAME]}'.",
            hint="Use small letters and digits with dashes between words, like tag-dark-images.",
            field="name",
        )
