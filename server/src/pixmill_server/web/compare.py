"""What changed from one Revision to another, of one version or of two of the same Dataset."""

from fastapi import Request
from fastapi.responses import Response

from pixmill_server import wiring
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.addresses import VersionAddress, parse_address
from pixmill_server.datasets.differences import compare
from pixmill_server.datasets.queries import find_version, pinned
from pixmill_server.datasets.records import Pinned
from pixmill_server.web.dataset_list import href_of
from pixmill_server.web.page import Services, Visitor, page_router, render

router = page_router()


@router.get("/datasets/{dataset}/{version}/compare")
def compare_page(
    request: Request,
    services: Services,
    visitor: Visitor,
    dataset: str,
    version: str,
    before: str = "",
    after: str = "",
) -> Response:
    """`before` and `after` are `@17` for a Revision of this version, `v2` or `v2@3` for one of another.

    `after` left out is the newest; `before` left out is the Revision just before it.
    """
    new_name, new = _pinned(services, visitor, VersionAddress(dataset, version, None), after)
    # The first Revision has none before it: it is compared with itself.
    wanted = before or f"{new_name.version}@{max(new.number - 1, 1)}"
    old_name, old = _pinned(services, visitor, VersionAddress(dataset, version, None), wanted)
    return render(
        request,
        "compare.html",
        address=f"{dataset}/{version}",
        href=href_of(dataset, version),
        before=f"{old_name.version}@{old.number}",
        after=f"{new_name.version}@{new.number}",
        difference=compare(services.datasets, old, new),
    )


def _pinned(
    services: wiring.Services, visitor: Actor, here: VersionAddress, text: str
) -> tuple[VersionAddress, Pinned]:
    name, at, number = text.partition("@")
    asked = parse_address(f"{here.dataset}/{name or here.version}{at}{number}")
    with services.database.reading() as session:
        row = find_version(session, visitor.organization_id, asked)
        return asked, pinned(session, row.id, asked.number)
