"""The history of a version: who or which Run made each Revision, what it changed, and going back to one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from pixmill_server.accounts.users import user_names
from pixmill_server.datasets.addresses import VersionAddress
from pixmill_server.datasets.queries import counts_of, find_version, list_revisions, list_versions
from pixmill_server.datasets.revert import revert
from pixmill_server.datasets.tables import RevisionRow
from pixmill_server.jobs.queries import places_of_runs
from pixmill_server.web.dataset_list import href_of
from pixmill_server.web.page import Services, Visitor, page_router, render
from pixmill_server.web.phrases import count_of

REVISIONS_SHOWN = 50

router = page_router()

# What a step is called, in this order; "difference" is of a revert, which may be more or fewer.
_WORDS: Final = (
    ("added_assets", "+", "asset"),
    ("removed_assets", "\u2212", "asset"),
    ("changed_assets", "~", "asset"),
    ("added_annotations", "+", "shape"),
    ("removed_annotations", "\u2212", "shape"),
    ("changed_annotations", "~", "shape"),
    ("assets_difference", "", "asset"),
    ("annotations_difference", "", "shape"),
)
_KINDS: Final = {"+": "plus", "\u2212": "minus", "~": "other"}


@dataclass(frozen=True, slots=True)
class StepPart:
    """Something that a Revision changed: `+80 assets`."""

    text: str
    kind: str
    """`plus`, `minus` or `other`."""


@dataclass(frozen=True, slots=True)
class RevisionLine:
    """One Revision."""

    number: int
    summary: str
    steps: Sequence[StepPart]
    author: str
    href: str
    """Of the Job that made it; empty where a person did."""
    changes_href: str
    """What it changed, by Label; empty for the first one."""
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
        siblings = list_versions(session, visitor.organization_id, dataset_id=row.dataset_id)
    names = user_names(services.accounts, {item.author_id for item in page.items if item.author_id})
    href = href_of(dataset, version)
    return render(
        request,
        "history.html",
        address=f"{dataset}/{version}",
        name=version,
        href=href,
        locked=row.locked,
        head=row.head_number,
        siblings=[item.version.name for item in siblings if item.version.id != row.id],
        revisions=[_line(item, row.head_number, href, names, runs) for item in page.items],
        newest_href=f"{href}/history" if before is not None else None,
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
    return RedirectResponse(f"{href_of(dataset, version)}/history", HTTPStatus.SEE_OTHER)


def _line(
    item: RevisionRow, head: int, href: str, names: Mapping[str, str], runs: Mapping[str, tuple[str, int]]
) -> RevisionLine:
    counts, run = counts_of(item), runs.get(item.run_id or "")
    return RevisionLine(
        number=item.number,
        summary=item.summary,
        steps=_steps(item.counts),
        author=_author(item.author_id, item.run_id, names, runs),
        href=f"/jobs/{run[0]}?run={run[1]}" if run is not None else "",
        changes_href=f"{href}/compare?after=@{item.number}" if item.number > 1 else "",
        assets=counts.assets,
        annotated=counts.annotated_assets,
        shapes=counts.annotations,
        created_at=item.created_at,
        is_head=item.number == head,
    )


def _steps(counts: Mapping[str, int]) -> list[StepPart]:
    found = []
    for key, sign, noun in _WORDS:
        number = counts.get(key, 0)
        if number:
            shown = sign or ("+" if number > 0 else "\u2212")
            text = f"{shown}{count_of(abs(number))} {noun}{'' if abs(number) == 1 else 's'}"
            found.append(StepPart(text, _KINDS[shown]))
    return found


def _author(
    author_id: str | None, run_id: str | None, names: Mapping[str, str], runs: Mapping[str, tuple[str, int]]
) -> str:
    if run_id:
        return f"Run {runs[run_id][1]} of a Job" if run_id in runs else "a Run"
    return names.get(author_id or "", "Pixmill")
