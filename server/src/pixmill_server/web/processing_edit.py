"""Making a Processing in the browser: from a file, in the editor, as a copy; and the defaults of one's own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Annotated, cast
from urllib.parse import quote

from fastapi import Depends, File, Form, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from pydantic import JsonValue

from pixmill.environments import starter_source
from pixmill.errors import Forbidden, InvalidInput, PixmillError
from pixmill.parameters import ParameterSpec, values_from_text
from pixmill_server.computes.computes import list_computes
from pixmill_server.processings.copy import copy_processing
from pixmill_server.processings.defaults import set_defaults
from pixmill_server.processings.push import push
from pixmill_server.processings.queries import find_processing, read_source
from pixmill_server.processings.records import Processing
from pixmill_server.web.page import Services, Visitor, page_router, render
from pixmill_server.web.process import typed_form
from pixmill_server.web.process_form import PARAMETER_PREFIX, Field, parameter_fields

STARTER_NAME = "tag-dark-images"
_LARGEST_UPLOAD_BYTES = (4 << 20) + 1

router = page_router()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not taken; `trace` is what the code said itself, as it said it."""

    message: str
    hint: str
    trace: str
    field: str


@router.get("/processings/new")
def new_processing_page(request: Request, _visitor: Visitor) -> Response:
    """A file of one's own, or the editor with a commented one that works."""
    return _editor(request, None, starter_source(STARTER_NAME))


@router.post("/processings/new")
def create_processing(
    request: Request, services: Services, visitor: Visitor, source: Annotated[str, Form()]
) -> Response:
    """Take what stands in the editor in."""
    text = _with_unix_lines(source)
    try:
        found = push(services.processings, visitor, text.encode(), file_name="processing.py")
    except PixmillError as error:
        return _editor(request, None, text, _refusal(error))
    return _to(found.name, "new" if found.newest.number == 1 else "version")


@router.post("/processings/upload")
def upload_processing(
    request: Request, services: Services, visitor: Visitor, file: Annotated[UploadFile, File()]
) -> Response:
    """Take a file in; what is wrong with it is shown beside its code."""
    content = file.file.read(_LARGEST_UPLOAD_BYTES)
    try:
        found = push(services.processings, visitor, content, file_name=file.filename or "")
    except PixmillError as error:
        return _editor(request, None, content.decode("utf-8", errors="replace"), _refusal(error))
    return _to(found.name, "new" if found.newest.number == 1 else "version")


@router.get("/processings/{name}/edit")
def edit_processing_page(request: Request, services: Services, visitor: Visitor, name: str) -> Response:
    """The code of one's own."""
    found = _own(services, visitor, name)
    return _editor(request, found, read_source(services.processings, found.newest).decode())


@router.post("/processings/{name}/edit")
def edit_processing(
    request: Request, services: Services, visitor: Visitor, name: str, source: Annotated[str, Form()]
) -> Response:
    """Save it as the next version."""
    found = _own(services, visitor, name)
    text = _with_unix_lines(source)
    file_name = f"{found.name.replace('-', '_')}.py"
    try:
        saved = push(services.processings, visitor, text.encode(), file_name=file_name, name=found.name)
    except PixmillError as error:
        return _editor(request, found, text, _refusal(error))
    return _to(saved.name, "version" if saved.newest.number > found.newest.number else "same")


@router.get("/processings/{name}/copy")
def copy_processing_page(request: Request, services: Services, visitor: Visitor, name: str) -> Response:
    """Asks what the copy is to be called."""
    found = find_processing(services.processings, visitor.organization_id, name)
    return _copy_form(request, found, f"my-{found.name}")


@router.post("/processings/{name}/copy")
def copy(request: Request, services: Services, visitor: Visitor, name: str, to: Annotated[str, Form()]) -> Response:
    """Make a private one of it."""
    found = find_processing(services.processings, visitor.organization_id, name)
    try:
        made = copy_processing(services.processings, visitor, found.id, to=to.strip())
    except PixmillError as error:
        return _copy_form(request, found, to, _refusal(error))
    return _to(made.name, "copy")


@router.get("/processings/{name}/defaults")
def defaults_page(request: Request, services: Services, visitor: Visitor, name: str) -> Response:
    """What launches take where they give nothing."""
    found = find_processing(services.processings, visitor.organization_id, name)
    return _defaults_form(request, services, visitor, found, {})


@router.post("/processings/{name}/defaults")
def change_defaults(
    request: Request,
    services: Services,
    visitor: Visitor,
    name: str,
    typed: Annotated[dict[str, str], Depends(typed_form)],
) -> Response:
    """Set them; an empty field goes back to the author's default."""
    found = find_processing(services.processings, visitor.organization_id, name)
    try:
        parameters = _wished(found, typed)
        set_defaults(
            services.processings, visitor, found.id, parameters=parameters, compute=typed.get("compute") or None
        )
    except PixmillError as error:
        return _defaults_form(request, services, visitor, found, typed, _refusal(error))
    return _to(name, "defaults")


def _editor(request: Request, found: Processing | None, source: str, refusal: Refusal | None = None) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    return render(request, "processing_edit.html", status=status, processing=found, source=source, refusal=refusal)


def _copy_form(request: Request, found: Processing, to: str, refusal: Refusal | None = None) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    return render(request, "processing_copy.html", status=status, processing=found, to=to, refusal=refusal)


def _defaults_form(
    request: Request,
    services: Services,
    visitor: Visitor,
    found: Processing,
    typed: Mapping[str, str],
    refusal: Refusal | None = None,
) -> Response:
    typed_in = {
        PARAMETER_PREFIX + spec.name for spec in found.newest.specs if spec.type in {"label", "dataset_version"}
    }
    fields = parameter_fields(found, typed, labels=(), versions=())
    computes = list_computes(services.computes, visitor.organization_id)
    return render(
        request,
        "processing_defaults.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK,
        processing=found,
        fields=[_default_field(field, found, is_typed=field.name in typed_in) for field in fields],
        compute=typed.get("compute", found.compute),
        computes=[(one.name, one.name) for one in computes],
        refusal=refusal,
    )


def _default_field(field: Field, found: Processing, *, is_typed: bool) -> Field:
    spec = next(spec for spec in found.newest.specs if PARAMETER_PREFIX + spec.name == field.name)
    author = "none" if spec.default is None else spec.default
    said = "Required: a launch must give it." if spec.required else f"The author's default is {author}."
    # Which Labels there are depends on the version of a launch, which is not known here; versions come and go.
    control = "text" if is_typed else field.control
    return replace(field, control=control, is_required=False, help=f"{field.help} {said}".strip())


def _wished(found: Processing, typed: Mapping[str, str]) -> dict[str, JsonValue]:
    specs = [spec for spec in found.newest.specs if spec.type != "model" and PARAMETER_PREFIX + spec.name in typed]
    return {spec.name: _wish(spec, typed[PARAMETER_PREFIX + spec.name].strip()) for spec in specs}


def _wish(spec: ParameterSpec, text: str) -> JsonValue:
    """None: the author's default, which an empty field asks for, and the author's own value too."""
    if not text:
        return None
    value = values_from_text([spec], {spec.name: text})[spec.name]
    return None if value == spec.default else cast("JsonValue", value)


def _own(services: Services, visitor: Visitor, name: str) -> Processing:
    found = find_processing(services.processings, visitor.organization_id, name)
    if found.public:
        raise Forbidden(f"'{found.name}' ships with Pixmill and cannot be edited.", hint="Make a copy of your own.")
    if found.newest.schema.get("image"):
        raise InvalidInput(f"'{found.name}' is a container image: it has no code to edit.", hint="Push another image.")
    if found.newest.folder is not None:
        raise InvalidInput(
            f"'{found.name}' is a folder, which is not edited here.",
            hint="Change it where it is, and push it again: pixmill processings push FOLDER",
        )
    return found


def _refusal(error: PixmillError) -> Refusal:
    """A hint of several lines is what uv or the code said: it keeps its lines."""
    first, _, rest = error.hint.partition("\n")
    message, _, more = error.message.partition("\n")
    return Refusal(message, first, "\n".join(part for part in (more, rest) if part), getattr(error, "field", ""))


def _with_unix_lines(source: str) -> str:
    """As it was pushed: forms end every line with a carriage return as well."""
    return source.replace("\r\n", "\n")


def _to(name: str, saved: str) -> Response:
    return RedirectResponse(f"/processings/{quote(name, safe='')}?saved={saved}", HTTPStatus.SEE_OTHER)
