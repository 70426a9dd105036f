"""Our scripts, styles and icons: their addresses, what each script imports, and the answers that bring them.

The addresses have the digest of all of them, so that a browser may keep them for good, and has never one that is older
than the page that names it. They are read once, when the server starts.
"""

import mimetypes
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from blake3 import blake3
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

PREFIX = "/static"
_FOLDER = Path(__file__).with_name("static")
_SCRIPTS = "js"
_IMPORT = re.compile(r'^import (?:[^"]* from )?"(\.{1,2}/[^"]+)";', re.MULTILINE)
_FOREVER = "public, max-age=31536000, immutable"
# Under an address that has no digest, or another release's.
_NEVER = "no-cache"


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """All files below one folder."""

    contents: Mapping[str, bytes]
    """By path (`js/grid.js`)."""
    root: str
    """What their addresses begin with: `/static/4f1d2c3b9a87`."""

    @classmethod
    def read(cls, folder: Path) -> "StaticFiles":
        """As they are now."""
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        digest = blake3()
        for name, content in contents.items():
            digest.update(f"{name} {len(content)} ".encode() + content)
        return cls(contents, f"{PREFIX}/{digest.hexdigest()[:12]}")

    def module(self, name: str) -> Markup:
        """The tags of one script (`grid.js`), and of all that it imports, which would else come after images."""
        path = f"{_SCRIPTS}/{name}"
        preloads = "".join(
            f'<link rel="modulepreload" href="{self.root}/{each}">' for each in sorted({*self._imports(path)})
        )
        return Markup(f'<script type="module" src="{self.root}/{path}"></script>{preloads}')  # noqa: S704 - of our own files' names

    def answer(self, path: str) -> Response:
        """Of the path below `/static/`; raises `HTTPException` where there is nothing."""
        release, _, rest = path.partition("/")
        is_ours = f"{PREFIX}/{release}" == self.root
        # A page of another release gets what there is now, as it would from addresses that never change.
        name = path if path in self.contents else rest
        content = self.contents.get(name)
        if content is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(content, media_type=media_type, headers={"Cache-Control": _FOREVER if is_ours else _NEVER})

    def _imports(self, path: str) -> Iterator[str]:
        for imported in _IMPORT.findall(self.contents[path].decode()):
            found = posixpath.normpath(posixpath.join(posixpath.dirname(path), imported))
            yield found
            yield from self._imports(found)


STATIC = StaticFiles.read(_FOLDER)


async def read_static_file(request: Request) -> Response:
    """One of them, from memory."""
    return STATIC.answer(request.path_params["path"])
