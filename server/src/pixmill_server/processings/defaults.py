"""What an Organization sets for a Processing: default Parameters and the default Compute."""

from collections.abc import Mapping
from typing import cast

from pydantic import JsonValue

from pixmill.errors import UnknownParameter
from pixmill.parameters import validate
from pixmill_server.accounts.actor import Actor
from pixmill_server.computes.computes import compute_in
from pixmill_server.processings.queries import find_processing, processing_in
from pixmill_server.processings.records import Processing, Processings
from pixmill_server.processings.tables import ProcessingSettingsRow


def set_defaults(
    processings: Processings,
    actor: Actor,
    name: str,
    *,
    parameters: Mapping[str, JsonValue],
    compute: str | None = None,
) -> Processing:
    """Set some Parameters (None: back to the author's default) and the Compute (None: as it is) for later launches."""
    with processings.database.transaction() as session:
        processing = processing_in(session, actor.organization_id, name)
        specs = {spec.name: spec for spec in processing.newest.specs}
        for parameter in parameters:
            if parameter not in specs:
                raise UnknownParameter(parameter, known=list(specs))
        given = {key: value for key, value in parameters.items() if value is not None}
        checked = cast("dict[str, JsonValue]", validate([specs[key] for key in given], given))
        kept = {key: value for key, value in processing.defaults.items() if key not in parameters}
        compute_id = compute_in(session, actor.organization_id, compute).id if compute else None
        row = session.get(ProcessingSettingsRow, (actor.organization_id, processing.id))
        if row is None:
            row = ProcessingSettingsRow(
                organization_id=actor.organization_id, processing_id=processing.id, defaults={}, compute_id=None
            )
            session.add(row)
        row.defaults = {**kept, **checked}
        row.compute_id = compute_id or row.compute_id
    return find_processing(processings, actor.organization_id, name)
