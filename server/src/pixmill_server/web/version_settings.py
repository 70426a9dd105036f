"""A version's settings: its Labels, its name, its lock, a fork of it, and its end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from pixmill.errors import Conflict, InvalidInput, NotFound, PixmillError
from pixmill_server import wiring
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets import labels as feature
from pixmill_server.datasets import versions
from pixmill_server.datasets.addresses import VersionAddress
from pixmill_server.datasets.merge_labels import merge_labels
from pixmill_server.datasets.queries import address_of, find_version, pinned
from pixmill_server.datasets.read import label_histogram
from pixmill_server.datasets.records import Label
from pixmill_server.web.dataset_list import href_of
from pixmill_server.web.page import Services, Visitor, page_router, render

router = page_router()
_SETTINGS = "/datasets/{dataset}/{version}/settings"


@dataclass(frozen=True, slots=True)
class LabelLine:
    """A Label with the number of its shapes, and how it compares with the others."""

    id: str
    name: str
    color: str
    count: int
    part: float
    """Of the Label that has most, 0 to 1."""


@router.get(_SETTINGS)
def settings_page(request: Request, services: Services, visitor: Visitor, dataset: str, version: str) -> Response:
    """Everything that can be set on it; a locked version can only be unlocked and forked."""
    return _page(request, services, visitor, VersionAddress(dataset, version, None))


@router.post(_SETTINGS + "/labels")
def add_labels(
    request: Request, services: Services, visitor: Visitor, dataset: str, version: str, names: Annotated[str, Form()]
) -> Response:
    """More Labels, with commas between."""
    wanted = [name for name in map(str.strip, names.split(",")) if name]

    def change(version_id: str) -> None:
        feature.add_labels(services.datasets, visitor, version_id, wanted)

    return _change(request, services, visitor, VersionAddress(dataset, version, None), change)


@router.post(_SETTINGS + "/labels/merge")
def merge(
    request: Request,
    services: Services,
    visitor: Visitor,
    dataset: str,
    version: str,
    *,
    into: Annotated[str, Form()],
    label: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """The shapes of some Labels get another one."""
    address = VersionAddress(dataset, version, None)
    return _change(
        request, services, visitor, address, lambda id_: merge_labels(services.datasets, visitor, id_, label, into=into)
    )


@router.post(_SETTINGS + "/labels/{label_id}")
def change_label(
    request: Request,
    services: Services,
    visitor: Visitor,
    dataset: str,
    version: str,
    label_id: str,
    *,
    name: Annotated[str, Form()],
    color: Annotated[str, Form()],
) -> Response:
    """Another name or colour; what stays as it is makes no Revision."""

    def change(version_id: str) -> None:
        feature.rename_label(services.datasets, visitor, version_id, label_id, name.strip())
        feature.recolor_label(services.datasets, visitor, version_id, label_id, color)

    return _change(request, services, visitor, VersionAddress(dataset, version, None), change)


@router.post(_SETTINGS + "/labels/{label_id}/remove")
def remove_label(
    request: Request, services: Services, visitor: Visitor, dataset: str, version: str, label_id: str
) -> Response:
    """The Label goes with its shapes: the page has said how many they are."""

    def change(version_id: str) -> None:
        feature.remove_label(services.datasets, visitor, version_id, label_id, delete_annotations=True)

    return _change(request, services, visitor, VersionAddress(dataset, version, None), change)


@router.post(_SETTINGS + "/lock")
def lock(
    request: Request, services: Services, visitor: Visitor, dataset: str, version: str, locked: Annotated[bool, Form()]
) -> Response:
    """Lock it, or unlock it."""
    change = versions.lock if locked else versions.unlock
    address = VersionAddress(dataset, version, None)
    return _change(request, services, visitor, address, lambda id_: change(services.datasets, visitor, id_))


@router.post(_SETTINGS + "/rename")
def rename(
    request: Request, services: Services, visitor: Visitor, dataset: str, version: str, name: Annotated[str, Form()]
) -> Response:
    """Another name, and so another address."""
    address, wanted = VersionAddress(dataset, version, None), name.strip()
    return _change(
        request,
        services,
        visitor,
        address,
        lambda id_: versions.rename_version(services.datasets, visitor, id_, wanted),
        then=f"{href_of(dataset, wanted)}/settings",
    )


@router.post(_SETTINGS + "/fork")
def fork(
    request: Request, services: Services, visitor: Visitor, dataset: str, version: str, name: Annotated[str, Form()]
) -> Response:
    """A new version that begins as this one is."""
    address, wanted = VersionAddress(dataset, version, None), name.strip()

    def change(version_id: str) -> None:
        with services.database.reading() as session:
            head = pinned(session, version_id)
        versions.fork(services.datasets, visitor, head, wanted)

    return _change(request, services, visitor, address, change, then=href_of(dataset, wanted))


@router.post(_SETTINGS + "/delete")
def delete(request: Request, services: Services, visitor: Visitor, dataset: str, version: str) -> Response:
    """Hide it; the page has said what that means."""
    address = VersionAddress(dataset, version, None)
    return _change(
        request,
        services,
        visitor,
        address,
        lambda id_: versions.delete(services.datasets, visitor, id_),
        then=f"/datasets/{quote(dataset, safe='')}",
    )


def _change(
    request: Request,
    services: wiring.Services,
    visitor: Actor,
    address: VersionAddress,
    change: Callable[[str], object],
    *,
    then: str = "",
) -> Response:
    """Do it and lead on (`then` empty: back to the settings); where it is refused, the page says why."""
    with services.database.reading() as session:
        version_id = find_version(session, visitor.organization_id, address).id
    try:
        change(version_id)
    except (InvalidInput, Conflict, NotFound) as error:
        return _page(request, services, visitor, address, refusal=error)
    return RedirectResponse(then or f"{href_of(address.dataset, address.version)}/settings", HTTPStatus.SEE_OTHER)


def _page(
    request: Request,
    services: wiring.Services,
    visitor: Actor,
    address: VersionAddress,
    *,
    refusal: PixmillError | None = None,
) -> Response:
    with services.database.reading() as session:
        row = find_version(session, visitor.organization_id, address)
        head = pinned(session, row.id)
        forked_from = None
        if row.forked_from_version_id is not None:
            forked_from = f"{address_of(session, row.forked_from_version_id)}@{row.forked_from_number}"
    return render(
        request,
        "version_settings.html",
        status=HTTPStatus.OK if refusal is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        address=f"{address.dataset}/{address.version}",
        dataset=address.dataset,
        dataset_href=f"/datasets/{quote(address.dataset, safe='')}",
        name=address.version,
        href=href_of(address.dataset, address.version),
        locked=row.locked,
        head=head,
        created_at=row.created_at,
        forked_from=forked_from,
        labels=_lines(label_histogram(services.datasets, head)),
        refusal=refusal,
    )


def _lines(histogram: Sequence[tuple[Label, int]]) -> list[LabelLine]:
    most = max((count for _, count in histogram), default=0) or 1
    return [LabelLine(label.id, label.name, label.color, count, count / most) for label, count in histogram]
