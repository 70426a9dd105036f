"""The list of Processings, public ones and one's own alike, and what is inside one."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response

from pixmill.errors import NotFound
from pixmill.parameters import ParameterSpec
from pixmill_server.jobs.queries import JobFilter, list_jobs
from pixmill_server.jobs.usage import last_used
from pixmill_server.processings.queries import find_processing, list_processings, read_source
from pixmill_server.processings.records import Processing, ProcessingVersion
from pixmill_server.processings.secrets import list_secrets
from pixmill_server.web.jobs import JobLine, job_line
from pixmill_server.web.page import Services, Visitor, page_router, render
from pixmill_server.web.processing_code import shown_code

JOBS_SHOWN = 10
DIGEST_SHOWN = 12
WHOSE = (("", "all"), ("private", "private"), ("public", "public"))
# Addresses below /processings that are pages of their own.
NOT_NAMES = frozenset({"new"})

router = page_router()


@dataclass(frozen=True, slots=True)
class ProcessingLine:
    """A Processing in the list."""

    name: str
    href: str
    title: str
    kind: str
    public: bool
    takes: str
    defaults: str
    number: int
    changed_at: datetime
    used_at: datetime | None
    """None: never."""


@dataclass(frozen=True, slots=True)
class ParameterLine:
    """A Parameter as its table shows it."""

    name: str
    type: str
    range: str
    default: str
    is_own_default: bool
    help: str


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version of the code; `href` shows it."""

    number: int
    href: str
    digest: str
    created_at: datetime
    is_shown: bool


@dataclass(frozen=True, slots=True)
class ImageShown:
    """The container image that a version is."""

    name: str
    tag: str
    """Or the digest that it is pinned by; empty: the newest."""
    flags: Sequence[str]
    command: str
    contract: str


@router.get("/processings")
def processings_page(
    request: Request, services: Services, visitor: Visitor, q: str = "", kind: str = "", whose: str = ""
) -> Response:
    """Public and own, by name; `q` is looked for in name and description, `whose` is private or public."""
    found = list_processings(services.processings, visitor.organization_id)
    with services.database.reading() as session:
        used = last_used(session, visitor.organization_id)
    own = {item.name for item in found if not item.public}
    chosen = [item for item in found if _fits(item, q, kind, whose)]
    return render(
        request,
        "processings.html",
        processings=[_line(item, own=own, used_at=used.get(item.id)) for item in chosen],
        total=len(found),
        kinds=[("", "all"), *((one, one) for one in sorted({item.kind for item in found}))],
        chosen={"q": q, "kind": kind, "whose": whose},
        whose=WHOSE,
    )


@router.get("/processings/{name}")
def processing_page(
    request: Request,
    services: Services,
    visitor: Visitor,
    name: str,
    version: int | None = None,
    file: str = "",
    saved: str = "",
) -> Response:
    """Description, Parameters, code (of the newest or a chosen version), versions and the Jobs that used it."""
    found = find_processing(services.processings, visitor.organization_id, name)
    shown = _chosen_version(found, version)
    with services.database.reading() as session:
        used_at = last_used(session, visitor.organization_id).get(found.id)
    source = read_source(services.processings, shown)
    href = href_of(found, own=_own_names(list_processings(services.processings, visitor.organization_id)))
    return render(
        request,
        "processing.html",
        processing=_line(found, own=(), used_at=used_at, href=href),
        description=_description(found),
        compute=found.compute,
        dependencies=shown.requires.get("dependencies") or [],
        python=shown.requires.get("python") or "",
        form="per batch" if shown.schema.get("form") == "batch" else "once, on the whole version",
        secrets=list(_texts(shown.schema.get("secrets"))),
        secrets_set={one.name for one in list_secrets(services.secrets, visitor.organization_id)},
        makes=str(shown.schema.get("new_version", "")),
        network=bool(shown.schema.get("requires_network")),
        parameters=[_parameter(spec, found) for spec in found.newest.specs],
        versions=[_version(one, href, shown) for one in found.versions],
        image=_image(shown, source),
        is_folder=found.newest.folder is not None,
        code=shown_code(found, shown, source, href=href, path=file),
        jobs=_newest_jobs(services, visitor, found),
        saved=SAVED.get(saved, ""),
    )


def _newest_jobs(services: Services, visitor: Visitor, found: Processing) -> list[JobLine]:
    with services.database.reading() as session:
        jobs = list_jobs(
            session,
            visitor.organization_id,
            where=JobFilter(processing=found.id),
            before=None,
            limit=JOBS_SHOWN,
            now=services.clock.now(),
        )
    return [job_line(record) for record in jobs]


SAVED = {
    "version": "Saved as a new version. Launches and re-runs take it from now on.",
    "same": "Nothing had changed: it is the same code as before.",
    "defaults": "The defaults are set: launches take them from now on.",
    "copy": "This copy is yours: edit it as you like.",
    "new": "It is there. Try it with Process on a version of a Dataset.",
}
"""What is said after a change, by the word in the address."""


def _image(version: ProcessingVersion, source: bytes) -> ImageShown | None:
    """What the schema and the stored declaration say of an image; None for a file."""
    told = version.schema.get("image")
    if not isinstance(told, dict):
        return None
    whole = str(told.get("name", ""))
    # A port has a colon too: the tag's comes after the last slash.
    parted = max(whole.rfind("@"), whole.rfind(":") if whole.rfind(":") > whole.rfind("/") else -1)
    return ImageShown(
        name=whole if parted < 0 else whole[:parted],
        tag="" if parted < 0 else whole[parted + 1 :],
        flags=list(_texts(json.loads(source).get("flags"))),
        command=" ".join(_texts(told.get("command"))),
        contract=str(told.get("contract", "")),
    )


def _texts(value: object) -> Iterable[str]:
    """The texts of a JSON array; none where it is another thing, as in what was stored by an earlier release."""
    return (str(item) for item in value) if isinstance(value, list) else ()


def href_of(found: Processing, *, own: Collection[str]) -> str:
    """By name; by id where the name leads to another: to one's own of that name, or to a page."""
    is_hidden = (found.public and found.name in own) or found.name in NOT_NAMES
    return f"/processings/{quote(found.id if is_hidden else found.name, safe='')}"


def _own_names(found: Iterable[Processing]) -> set[str]:
    return {item.name for item in found if not item.public}


def _fits(item: Processing, q: str, kind: str, whose: str) -> bool:
    text = f"{item.name} {item.title} {item.description}".lower()
    return (
        all(word in text for word in q.lower().split())
        and kind in ("", item.kind)
        and whose in ("", "public" if item.public else "private")
    )


def _chosen_version(found: Processing, number: int | None) -> ProcessingVersion:
    if number is None:
        return found.newest
    for version in found.versions:
        if version.number == number:
            return version
    raise NotFound("version of the Processing", f"{found.name}@{number}", hint=f"Its newest is {found.newest.number}.")


def _version(version: ProcessingVersion, href: str, shown: ProcessingVersion) -> VersionLine:
    return VersionLine(
        number=version.number,
        href=f"{href}?version={version.number}#code",
        digest=version.code_digest[:DIGEST_SHOWN],
        created_at=version.created_at,
        is_shown=version.number == shown.number,
    )


def _description(found: Processing) -> Sequence[str]:
    """In paragraphs, without the title; their lines flow."""
    text = found.description.removeprefix(found.title).lstrip(". \n")
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _line(found: Processing, *, own: Collection[str], used_at: datetime | None, href: str = "") -> ProcessingLine:
    return ProcessingLine(
        name=found.name,
        href=href or href_of(found, own=own),
        title=found.title,
        kind=found.kind,
        public=found.public,
        takes=_takes(found.newest.specs),
        defaults=", ".join(f"{name} {value}" for name, value in found.defaults.items()),
        number=found.newest.number,
        changed_at=found.newest.created_at,
        used_at=used_at,
    )


def _takes(specs: Sequence[ParameterSpec]) -> str:
    models = [spec for spec in specs if spec.type == "model"]
    if not models:
        return "no Model"
    spec = models[0]
    task = f"{spec.task} " if spec.task else ""
    frameworks = f" ({', '.join(spec.frameworks)})" if spec.frameworks else ""
    return f"a {task}ModelVersion{frameworks}"


def _parameter(spec: ParameterSpec, found: Processing) -> ParameterLine:
    own = found.defaults.get(spec.name)
    default = spec.default if own is None else own
    return ParameterLine(
        name=spec.name,
        type=f"list of {spec.item}" if spec.item else str(spec.type),
        range=_range(spec),
        default="required" if spec.required and own is None else str(default),
        is_own_default=own is not None,
        help=spec.help,
    )


def _range(spec: ParameterSpec) -> str:
    if spec.choices:
        return ", ".join(str(choice) for choice in spec.choices)
    if spec.minimum is not None and spec.maximum is not None:
        return f"{spec.minimum:g} to {spec.maximum:g}"
    if spec.minimum is not None:
        return f"{spec.minimum:g} or more"
    return f"{spec.maximum:g} or less" if spec.maximum is not None else ""
