"""Registers a ModelVersion whose files lie in the object store."""

import re

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pixmill.errors import Conflict, ModelError, NotFound
from pixmill_server.accounts.actor import Actor
from pixmill_server.kernel.ids import new_id
from pixmill_server.model_registry.content import require_sound
from pixmill_server.model_registry.errors import ModelVersionExists
from pixmill_server.model_registry.queries import model_version_in, version_of
from pixmill_server.model_registry.records import Framework, ModelFile, ModelVersion, NewModelVersion
from pixmill_server.model_registry.registry import ModelRegistry
from pixmill_server.model_registry.tables import ModelFileRow, ModelRow, ModelVersionRow
from pixmill_server.storage.objects import require_digest

_ATTEMPTS = 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TASK = re.compile(r"[a-z][a-z0-9-]{0,49}")
_TASKS_WITH_LABELS = {"detection", "segmentation", "classification", "rotated-detection"}


def push(registry: ModelRegistry, actor: Actor, wish: NewModelVersion) -> ModelVersion:
    """The new ModelVersion; one that exists with the very same content is given back as it is."""
    _check(wish)
    files = _sound_files(registry, wish)
    for _ in range(_ATTEMPTS):
        try:
            return _register(registry, actor, wish, files)
        except IntegrityError:
            # Somebody else took the same name in between: look again at what there is.
            continue
    raise Conflict(f"Others keep pushing to '{wish.model}'.", hint="Push again, or name the version.")


def _register(registry: ModelRegistry, actor: Actor, wish: NewModelVersion, files: list[ModelFile]) -> ModelVersion:
    with registry.database.transaction() as session:
        model = _model(session, registry, actor, wish.model)
        name = wish.version or _next_number(session, model)
        taken = select(ModelVersionRow).where(ModelVersionRow.model_id == model.id, ModelVersionRow.name == name)
        if wish.version and session.scalars(taken).first():
            found = model_version_in(session, actor.organization_id, f"{model.name}/{name}")
            if _same(found, wish, files):
                return found
            raise ModelVersionExists(found.address)
        row = ModelVersionRow(
            id=new_id("modv"),
            model_id=model.id,
            name=name,
            task=wish.task,
            framework=wish.framework.value,
            family=wish.family,
            labels=list(wish.labels),
            parameters=wish.parameters,
            licence=wish.licence,
            source=wish.source,
            created_at=registry.clock.now(),
            created_by=actor.user_id,
        )
        session.add(row)
        session.flush()
        rows = [
            ModelFileRow(model_version_id=row.id, name=file.name, digest=file.digest, size_bytes=file.size_bytes)
            for file in files
        ]
        session.add_all(rows)
        return version_of(row, model, rows)


def _check(wish: NewModelVersion) -> None:
    for what, name in (("Model", wish.model), ("ModelVersion", wish.version)):
        if name is not None and not _NAME.fullmatch(name):
            raise ModelError(
                f"A {what} cannot be called '{name}'.",
                hint="Use letters, digits, dots, dashes and underscores; an address is MODEL/VERSION.",
                field="model" if what == "Model" else "version",
            )
    if not _TASK.fullmatch(wish.task):
        raise ModelError(f"'{wish.task}' is no task.", hint="Give one like --task detection.", field="task")
    if wish.task in _TASKS_WITH_LABELS and not wish.labels:
        raise ModelError(
            f"A model for {wish.task} needs its class names, in the order of its classes.",
            hint="Give a file with one name a line: --labels FILE.",
            field="labels",
        )
    if any(not label.strip() for label in wish.labels):
        raise ModelError("A class name is empty.", hint="Give every class a name, one a line.", field="labels")
    twice = sorted({label for label in wish.labels if wish.labels.count(label) > 1})
    if twice:
        raise ModelError(
            f"Class names are there twice: {', '.join(twice)}.", hint="Give every class its own name.", field="labels"
        )
    if not wish.files:
        raise ModelError("A ModelVersion needs at least one file.", field="files")


def _sound_files(registry: ModelRegistry, wish: NewModelVersion) -> list[ModelFile]:
    files = []
    for name, text in wish.files:
        if not all(_NAME.fullmatch(part) for part in name.split("/")):
            raise ModelError(f"A model file cannot be called '{name}'.", hint="Rename it.", field="files")
        digest = require_digest(text)
        if not registry.objects.has(digest):
            raise NotFound("uploaded model file", name, hint="Send its bytes first.")
        require_sound(registry.objects, digest, name=name, framework=wish.framework)
        files.append(ModelFile(name, digest, registry.objects.size_of(digest)))
    if len({file.name for file in files}) < len(files):
        raise ModelError("Two files have one name.", field="files")
    if wish.framework is Framework.TENSORFLOW and not any(file.name.endswith("saved_model.pb") for file in files):
        raise ModelError("A SavedModel needs its saved_model.pb.", hint="Push the whole folder.", field="files")
    return sorted(files, key=lambda file: file.name)


def _model(session: Session, registry: ModelRegistry, actor: Actor, name: str) -> ModelRow:
    of_name = select(ModelRow).where(ModelRow.organization_id == actor.organization_id, ModelRow.name == name)
    row = session.scalars(of_name).first()
    if row is None:
        row = ModelRow(
            id=new_id("mod"), organization_id=actor.organization_id, name=name, created_at=registry.clock.now()
        )
        session.add(row)
        session.flush()
    return row


def _next_number(session: Session, model: ModelRow) -> str:
    names = session.scalars(select(ModelVersionRow.name).where(ModelVersionRow.model_id == model.id))
    return str(max((int(name) for name in names if name.isdecimal()), default=0) + 1)


def _same(found: ModelVersion, wish: NewModelVersion, files: list[ModelFile]) -> bool:
    return (
        found.files == tuple(files)
        and found.labels == wish.labels
        and (found.task, found.framework, found.family) == (wish.task, wish.framework, wish.family)
        and found.parameters == wish.parameters
        and found.licence == wish.licence
    )
