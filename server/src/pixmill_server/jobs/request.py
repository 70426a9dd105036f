"""What is asked for at a launch, and what the launch would do. Values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pixmill_server.datasets.filter_text import filter_of_text, text_of
from pixmill_server.datasets.filters import ALL, AssetFilter
from pixmill_server.jobs.matching import Matching
from pixmill_server.jobs.timeouts import Given


@dataclass(frozen=True, slots=True)
class Scope:
    """Which assets: all of them where nothing is given; several conditions must all hold."""

    assets: tuple[str, ...] | None = None
    """Paths or asset ids."""
    label: str | None = None
    tag: str | None = None
    unannotated: bool = False
    filter: AssetFilter = ALL
    """Beside the others; without `ids` and `paths`."""

    def to_json(self) -> dict[str, Any]:
        """As it is kept with the Job; conditions that are not set are left out."""
        kept: dict[str, Any] = {"assets": list(self.assets)} if self.assets is not None else {}
        if self.label is not None:
            kept["label"] = self.label
        if self.tag is not None:
            kept["tag"] = self.tag
        if self.unannotated:
            kept["unannotated"] = True
        if not self.filter.is_all:
            kept["filter"] = text_of(self.filter)
        return kept

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Scope":
        """The inverse of `to_json`."""
        assets = kept.get("assets")
        return cls(
            assets=None if assets is None else tuple(assets),
            label=kept.get("label"),
            tag=kept.get("tag"),
            unannotated=bool(kept.get("unannotated")),
            filter=filter_of_text(kept.get("filter", "")),
        )


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """A launch, as it was asked for."""

    processing: str
    version: str
    """`street/v1`, or an id."""
    model: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    label_map: Mapping[str, str] = field(default_factory=dict)
    scope: Scope = field(default_factory=Scope)
    existing: str = "keep"
    on_failure: str = "continue"
    """`stop`, `continue` or a share of the assets, as in `5%`."""
    priority: int = 0
    """Greater goes first."""
    timeouts: Given = field(default_factory=dict)
    """Seconds by name; None: no limit; what is not named is as the Compute says."""
    compute: str | None = None
    """None: the Processing's default, else `local`."""
    to: str | None = None
    """The version to make: `street/v2`, or its name alone. None: none is given."""


@dataclass(frozen=True, slots=True)
class Again:
    """How a Job is run once more; what is None or not named is as in the Run before."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    """They replace those of the Run before, one by one."""
    on_failure: str | None = None
    priority: int | None = None
    timeouts: Given = field(default_factory=dict)
    to: str | None = None


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """What a launch would do."""

    version: str
    """`street/v1@17`."""
    processing: str
    processing_number: int
    model: str | None
    compute: str
    parameters: Mapping[str, Any]
    assets: int
    matching: Matching | None
    """None: the Processing takes no model."""
    existing: str
    on_failure: str
    priority: int
    timeouts: Mapping[str, float]
    """The limits that will hold, in seconds."""
    secrets: tuple[str, ...] = ()
    """Those that the Run is told, by name."""
    new_version: str | None = None
    """`street/v2`: the version that the Run makes; None: it makes none."""
    notes: tuple[str, ...] = ()
