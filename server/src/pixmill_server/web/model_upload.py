"""A model file uploaded in the browser: first its bytes, then a form with what it says of itself, to mend and complete.

Between the two the address of the page holds the file's digest, so that a reload or a mistake costs no second upload.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, BinaryIO
from urllib.parse import urlencode

from fastapi import Depends, File, Form, Request, UploadFile
from fastapi.responses import RedirectResponse, Response

from pixmill.errors import InvalidInput, ModelError, PixmillError
from pixmill_server.model_registry.push import push
from pixmill_server.model_registry.records import Framework, NewModelVersion
from pixmill_server.model_registry.telling import Said, read_said
from pixmill_server.storage.objects import READ_BYTES, Digest, require_digest
from pixmill_server.web.models import href_of
from pixmill_server.web.page import Services, Visitor, page_router, render
from pixmill_server.web.phrases import size
from pixmill_server.web.process import typed_form

TASKS = ("detection", "segmentation", "classification", "keypoints", "rotated-detection")
OTHER_FAMILY = "other"
SUFFIXES = (".onnx", ".tflite")

PATH = "/models/new"
# The bytes pass through the temporary folder; larger files go by `pixmill models push`.
LARGEST_BYTES = 4 << 30

router = page_router()


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file whose bytes are there."""

    digest: Digest
    name: str
    size: str


@router.get(PATH)
def upload_page(request: Request, _visitor: Visitor, to: str = "") -> Response:
    """Asks for the file and for its address."""
    return render(request, "model_upload.html", to=to, refused="", hint="")


@router.post(PATH)
def upload_model(
    request: Request,
    services: Services,
    _visitor: Visitor,
    file: Annotated[UploadFile, File()],
    to: Annotated[str, Form()],
) -> Response:
    """Keep the bytes and go on to the description; what is no model that can be read is refused here."""
    name = file.filename or ""
    try:
        _require_suffix(name)
        digest = services.objects.put(iter(lambda: _read(file.file), b""))
        read_said(services.objects, digest, name=name)
    except PixmillError as error:
        return render(
            request,
            "model_upload.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            to=to,
            refused=error.message,
            hint=error.hint,
        )
    query = urlencode({"file": digest, "name": name, "to": to.strip()})
    return RedirectResponse(f"/models/new/describe?{query}", HTTPStatus.SEE_OTHER)


@router.get("/models/new/describe")
def describe_page(
    request: Request, services: Services, _visitor: Visitor, file: str, name: str, to: str = ""
) -> Response:
    """What the file says of itself, to be completed."""
    uploaded = _uploaded(services, file, name)
    said = read_said(services.objects, uploaded.digest, name=uploaded.name)
    typed = {
        "to": to,
        "task": said.task or "detection",
        "family": said.family or "",
        "labels": "\n".join(said.labels),
        "licence": said.licence,
    }
    return _description(request, uploaded, said, typed)


@router.post("/models/new/describe")
def register_model(
    request: Request,
    services: Services,
    visitor: Visitor,
    file: str,
    name: str,
    typed: Annotated[dict[str, str], Depends(typed_form)],
) -> Response:
    """Register it."""
    uploaded = _uploaded(services, file, name)
    labels = tuple(line.strip() for line in typed.get("labels", "").splitlines() if line.strip())
    said = read_said(services.objects, uploaded.digest, name=uploaded.name, labels=labels)
    try:
        family = _family(typed, said)
        pushed = push(services.registry, visitor, _wish(uploaded, said, typed, labels, family))
    except PixmillError as error:
        return _description(request, uploaded, said, typed, error)
    return RedirectResponse(f"{href_of(pushed)}?saved=1", HTTPStatus.SEE_OTHER)


def _description(
    request: Request, uploaded: Uploaded, said: Said, typed: Mapping[str, str], error: PixmillError | None = None
) -> Response:
    field = getattr(error, "field", "") if error else ""
    message = f"{error.message} {error.hint}".strip() if error else ""
    known = ("to", "task", "family", "labels", "licence")
    # Part of an address is wrong: the address is what was typed.
    place = {"model": "to", "version": "to"}.get(field, field)
    return render(
        request,
        "model_describe.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        file=uploaded,
        said=said,
        parameters=[(name, str(value)) for name, value in said.parameters.items()],
        typed={**dict.fromkeys(known, ""), **typed},
        tasks=[(task, task) for task in dict.fromkeys((*TASKS, typed.get("task") or TASKS[0]))],
        families=_family_options(said),
        errors={name: message if place == name else "" for name in known},
        refused=message if error and place not in known else "",
    )


def _family_options(said: Said) -> list[tuple[str, str]]:
    """Those that fit the file's shapes first."""
    fitting = [name for name in said.family_choices if name in said.families]
    rest = [name for name in said.families if name not in fitting]
    options = [(name, f"{name}: {said.families[name]}") for name in (*fitting, *rest)]
    return [("", "told from its shapes"), *options, (OTHER_FAMILY, "other: only for code of your own")]


def _family(typed: Mapping[str, str], said: Said) -> str | None:
    """The family that was chosen or is told by the shapes; a detector without one is refused, as `models push` does."""
    chosen = typed.get("family") or said.family
    if chosen or typed.get("task") != "detection" or said.output_shapes is None:
        return chosen or None
    outputs = f"{said.output_shapes} and {len(said.labels) or 'no'} class names"
    if said.family_choices:
        raise ModelError(
            f"Its head with outputs {outputs} fits several families: {', '.join(said.family_choices)}.",
            hint="Choose one.",
            field="family",
        )
    raise ModelError(
        f"Its head with outputs {outputs} fits no family of detectors.",
        hint="Give one name for each class, or choose “other” to use it with code of your own.",
        field="family",
    )


def _wish(
    uploaded: Uploaded, said: Said, typed: Mapping[str, str], labels: tuple[str, ...], family: str | None
) -> NewModelVersion:
    model, _, version = typed.get("to", "").strip().partition("/")
    return NewModelVersion(
        model=model,
        version=version or None,
        task=typed.get("task", ""),
        framework=Framework(said.framework),
        family=family,
        labels=labels,
        files=((uploaded.name, uploaded.digest),),
        parameters=said.parameters,
        licence=typed.get("licence", "").strip() or None,
    )


def _uploaded(services: Services, digest: str, name: str) -> Uploaded:
    _require_suffix(name)
    wanted = require_digest(digest)
    return Uploaded(wanted, name, size(services.objects.size_of(wanted)))


def _require_suffix(name: str) -> None:
    if not name.lower().endswith(SUFFIXES) or "/" in name:
        raise InvalidInput(
            f"'{name[:100]}' is no model file that can be uploaded here.",
            hint="Choose an .onnx or .tflite file; a SavedModel's folder: `pixmill models push FOLDER --to MODEL/1`.",
            field="file",
        )


def _read(file: BinaryIO) -> bytes:
    return file.read(READ_BYTES)
