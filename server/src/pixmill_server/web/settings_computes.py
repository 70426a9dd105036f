"""The Computes, as an owner sets what their Runs get and cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response

from pixmill.errors import InvalidInput, PixmillError
from pixmill.parameters.timeouts import parse_timeouts, time_text
from pixmill_server.accounts.actor import Role
from pixmill_server.accounts.permissions import require_owner
from pixmill_server.computes.computes import Compute, ComputeChange, find_compute, list_computes, set_compute
from pixmill_server.web.page import Services, Visitor, page_router, render
from pixmill_server.web.process import typed_form
from pixmill_server.web.settings_tabs import tabs

_GIB = 1 << 30
_TIMEOUTS = (
    ("queue", "Time-out in the queue", "For a worker, like 2 h."),
    ("start", "Time-out of the start", "From the claim to the first sign of life."),
    ("running", "Time-out of running", "From there to the end."),
    ("progress", "Time-out of progress", "Without an asset done."),
)
_UNLIMITED = "Empty: as the server's settings say."

router = page_router()


@dataclass(frozen=True, slots=True)
class ComputeField:
    """One thing that can be set; `shown` is its value as the form has it, in GiB where it is bytes."""

    name: str
    label: str
    kind: str
    """`number` or `text`."""
    shown: str
    step: str
    least: str
    help: str
    error: str


@dataclass(frozen=True, slots=True)
class ComputeForm:
    """A Compute and its fields."""

    compute: Compute
    fields: tuple[ComputeField, ...]
    refused: str


@router.get("/settings/computes")
def computes_page(request: Request, services: Services, visitor: Visitor, saved: str = "") -> Response:
    """Each with what a Run gets there and what an hour costs."""
    return _page(request, services, visitor, saved=saved)


@router.post("/settings/computes/{name}")
def save_compute(
    request: Request,
    services: Services,
    visitor: Visitor,
    name: str,
    typed: Annotated[dict[str, str], Depends(typed_form)],
) -> Response:
    """Set what is typed; what is as it was stays to the byte."""
    require_owner(visitor, "set what a Compute grants and costs")
    before = find_compute(services.computes, visitor.organization_id, name)
    try:
        set_compute(services.computes, visitor.organization_id, name, _change(before, typed))
    except PixmillError as error:
        return _page(request, services, visitor, typed=typed, refused=(before.name, error))
    return RedirectResponse(f"/settings/computes?saved={quote(before.name)}", HTTPStatus.SEE_OTHER)


def _page(
    request: Request,
    services: Services,
    visitor: Visitor,
    *,
    typed: Mapping[str, str] | None = None,
    refused: tuple[str, PixmillError] | None = None,
    saved: str = "",
) -> Response:
    forms = []
    for compute in list_computes(services.computes, visitor.organization_id):
        error = refused[1] if refused and refused[0] == compute.name else None
        forms.append(_form(compute, typed or {} if error else {}, error))
    return render(
        request,
        "settings_computes.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK,
        tabs=tabs("computes"),
        forms=forms,
        may_set=visitor.role is Role.OWNER,
        saved=saved if any(form.compute.name == saved for form in forms) else "",
    )


def _form(compute: Compute, typed: Mapping[str, str], error: PixmillError | None) -> ComputeForm:
    at = getattr(error, "field", "") if error else ""
    message = f"{error.message} {error.hint}".strip() if error else ""

    def field(name: str, label: str, *, step: str = "1", least: str = "0", help: str = "") -> ComputeField:  # noqa: A002 - the word of the fields
        shown = typed.get(name, _shown(compute, name))
        return ComputeField(name, label, "number", shown, step, least, help, message if at == name else "")

    fields = (
        field("cpus", "CPUs", step="any", help="For each Run."),
        field("memory_bytes", "Memory, GiB", step="any", help="For each Run; 0 for no limit."),
        field("processes", "Processes", help="And threads, for each Run; 0 for no limit."),
        field("scratch_bytes", "Scratch, GiB", step="any", help="What each Run may write; 0 for no limit."),
        field("concurrency", "Runs at once", least="1", help="Others wait."),
        field("price_per_hour", "Price of an hour", step="any", help="Of a running Run, in your currency."),
    )
    limits = tuple(
        ComputeField(
            name=name,
            label=label,
            kind="text",
            shown=typed.get(name, _shown_timeout(compute, name)),
            step="",
            least="",
            help=f"{help} {_UNLIMITED}",
            error=message if at == "timeouts" and f"'{name}={typed.get(name, '').strip()}'" in message else "",
        )
        for name, label, help in _TIMEOUTS  # noqa: A001 - the word of the fields
    )
    known = {one.name for one in (*fields, *limits) if one.error}
    return ComputeForm(compute, (*fields, *limits), message if error and not known else "")


def _shown_timeout(compute: Compute, name: str) -> str:
    return time_text(compute.timeouts[name]) if name in compute.timeouts else ""


def _shown(compute: Compute, name: str) -> str:
    value = getattr(compute, name)
    return f"{value / _GIB:.6g}" if name.endswith("_bytes") else f"{value:g}"


def _change(before: Compute, typed: Mapping[str, str]) -> ComputeChange:
    def number(name: str) -> float | None:
        text = typed.get(name, "").strip()
        if not text or text == _shown(before, name):
            return None
        try:
            return float(text)
        except ValueError as error:
            raise InvalidInput(f"'{text[:40]}' is no number.", field=name) from error

    def whole(name: str, *, unit: int = 1) -> int | None:
        value = number(name)
        if value is None:
            return None
        # No float beyond these is a number of bytes; infinity and NaN are neither.
        if not 0 <= value < float(1 << 40):
            raise InvalidInput(f"'{typed[name][:40]}' is out of range.", hint="Give 0 or more.", field=name)
        return round(value * unit)

    return ComputeChange(
        cpus=number("cpus"),
        memory_bytes=whole("memory_bytes", unit=_GIB),
        processes=whole("processes"),
        scratch_bytes=whole("scratch_bytes", unit=_GIB),
        concurrency=whole("concurrency"),
        price_per_hour=number("price_per_hour"),
        timeouts=_timeouts(before, typed),
    )


def _timeouts(before: Compute, typed: Mapping[str, str]) -> dict[str, float | None]:
    changed: dict[str, float | None] = {}
    for name, _, _ in _TIMEOUTS:
        text = typed.get(name, _shown_timeout(before, name)).strip()
        if text == _shown_timeout(before, name):
            continue
        given = parse_timeouts([f"{name}={text}"]) if text else {}
        changed[name] = next(iter(given.values()), None)
    return changed
