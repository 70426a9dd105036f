"""What changed from one Revision to another, in JSON."""

from pixmill.wire.base import WireModel


class Change(WireModel):
    """How many came, went, or are another than before."""

    added: int
    removed: int
    changed: int


class LabelDifference(WireModel):
    """One Label; a shape that was given another Label counts as changed for the new one."""

    name: str
    color: str
    old_name: str | None = None
    """None: it was not there before."""
    is_gone: bool
    annotations: Change


class Difference(WireModel):
    """From one Revision to another of the same Dataset."""

    before: str
    """`street/v1@16`."""
    after: str
    assets: Change
    annotations: Change
    labels: list[LabelDifference]
    added_paths: list[str]
    """The first hundred."""
    removed_paths: list[str]
    changed_paths: list[str]
