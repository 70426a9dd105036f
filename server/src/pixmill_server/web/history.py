"""The history of a version: who or which Run made each Revision, and going back to one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from pixmill_server.accounts.users import user_names
from pixmill_server.datasets.addresses import VersionAddress
from pixmill_server.datasets.queries import counts_of, find_version, list_revisions
from pixmill_server.datasets.revert import revert
from pixmill_server.jobs.queries import places_of_runs
from pixmill_server.web.page import Services, Visitor, page_router, render

REVISIONS_SHOWN = 50

router = page_router()


@dataclass(frozen=True, slots=True)
class RevisionLine:
    """One Revision."""

    number: int
    summary: str
    author: str
    href: str
    """Of the Job that made it; empty where a person did."""
    assets: int
    annotated: int
    shapes: int
    created_at: datetime
    is_head: bool


@router.get("/datasets/{dataset}/{version}/history")
def history_page(
    request: Request,
    services: Services,
    visitor: Visitor,
    dataset: str,
    version: str,
    before: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    """Newest first; `before` goes on behind a Revision."""
    with services.database.reading() as session:
        row = find_version(session, visitor.organization_id, VersionAddress(dataset, version, None))
        page = list_revisions(session, row.id, before=before, limit=REVISIONS_SHOWN)
        runs = places_of_runs(session, [item.run_id for item in page.items if item.run_id])
    names = user_names(services.accounts, {item.author_id for item in page.items if item.author_id})
    lines = [
        RevisionLine(
            number=item.number,
            summary=item.summary,
            author=_author(item.author_id, item.run_id, names, runs),
            href=f"/jobs/{runs[item.run_id][0]}?run={runs[item.run_id][1]}" if item.run_id in runs else "",
            assets=counts_of(item).assets,
            annotated=counts_of(item).annotated_assets,
            shapes=counts_of(item).annotations,
            created_at=item.created_at,
            is_head=item.number == row.head_number,
        )
        for item in page.items
    ]
    return render(
        request,
        "history.html",
        address=f"{dataset}/{version}",
        locked=row.locked,
        revisions=lines,
        next_href=f"?before={page.next_cursor}" if page.next_cursor else None,
    )


@router.post("/datasets/{dataset}/{version}/revert")
def revert_version(
    services: Services, visitor: Visitor, dataset: str, version: str, number: Annotated[int, Form(ge=1)]
) -> Response:
    """Make the content of an old Revision the newest one; nothing is lost by it."""
    with services.database.reading() as session:
        row = find_version(session, visitor.organization_id, VersionAddress(dataset, version, None))
    revert(services.datasets, visitor, row.id, number)
    return RedirectResponse(f"/datasets/{dataset}/{version}/history", HTTPStatus.SEE_OTHER)


def _author(
    author_id: str | None, run_id: str | None, names: Mapping[str, str], runs: Mapping[str, tuple[str, int]]
) -> str:
    if run_id:
        return f"Run {runs[run_id][1]} of a Job" if run_id in runs else "a Run"
    return names.get(author_id or "", "Pixmill")
