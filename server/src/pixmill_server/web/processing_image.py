"""A container image made a Processing in the browser, and the image of one of one's own changed."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response

from pixmill.errors import PixmillError
from pixmill_server.processings.push_image import push_image
from pixmill_server.processings.queries import find_processing, read_source
from pixmill_server.web.page import Services, Visitor, page_router, render
from pixmill_server.web.process import typed_form

EXAMPLE = """name = "box-all"
title = "Box every image"
command = ["python", "/app/run.py"]

[[parameters]]
name = "score"
type = "float"
default = 0.5
minimum = 0
maximum = 1
"""

router = page_router()


@router.get("/processings/new/image")
def image_page(request: Request, services: Services, visitor: Visitor, of: str = "") -> Response:
    """Asks for the image, its flags and its declaration; `of` is a Processing whose own are shown to be changed."""
    if not of:
        return _form(request, {"declaration": EXAMPLE})
    found = find_processing(services.processings, visitor.organization_id, of)
    if not found.newest.schema.get("image"):
        return _form(request, {"declaration": EXAMPLE})
    stored = json.loads(read_source(services.processings, found.newest))
    flags = " ".join(stored["flags"])
    return _form(request, {"image": stored["image"], "flags": flags, "declaration": stored["declaration"]})


@router.post("/processings/new/image")
def push(
    request: Request, services: Services, visitor: Visitor, typed: Annotated[dict[str, str], Depends(typed_form)]
) -> Response:
    """Take it in; without a declaration the image is pulled, to read the one that it carries."""
    declaration = typed.get("declaration", "").replace("\r\n", "\n")
    try:
        pushed = push_image(
            services.processings,
            visitor,
            typed.get("image", "").strip(),
            flags=typed.get("flags", "").split(),
            declaration=declaration if declaration.strip() else None,
        )
    except PixmillError as error:
        return _form(request, {**typed, "declaration": declaration}, error)
    saved = "new" if pushed.newest.number == 1 else "version"
    return RedirectResponse(f"/processings/{quote(pushed.name, safe='')}?saved={saved}", HTTPStatus.SEE_OTHER)


def _form(request: Request, typed: Mapping[str, str], error: PixmillError | None = None) -> Response:
    field = getattr(error, "field", "") if error else ""
    message = f"{error.message} {error.hint}".strip() if error else ""
    names = ("image", "flags", "declaration")
    # What is wrong with no other field is wrong with the declaration.
    place = field if field in names else "declaration"
    return render(
        request,
        "processing_image.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        typed={name: typed.get(name, "") for name in names},
        errors={name: message if error and name == place else "" for name in names},
    )
