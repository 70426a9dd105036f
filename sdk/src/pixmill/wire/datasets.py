"""Datasets, DatasetVersions, Revisions and Labels in JSON."""

from pydantic import AwareDatetime, Field

from pixmill.wire.base import WireModel, WireRequest


class Label(WireModel):
    """A class of a DatasetVersion."""

    id: str
    name: str
    color: str
    """`#rrggbb`."""


class LabelCount(Label):
    """A Label and how many annotations have it."""

    annotations: int


class LabelPage(WireModel):
    """Labels in their order."""

    items: list[LabelCount]
    next_cursor: str | None = None


class Counts(WireModel):
    """What a Revision holds."""

    assets: int
    annotations: int
    annotated_assets: int


class Version(WireModel):
    """A DatasetVersion at one Revision: its head, unless another was asked for."""

    id: str
    dataset_id: str
    dataset: str
    name: str
    address: str
    """`street/v1`."""
    revision: int
    """The one that labels and counts are of."""
    head: int
    locked: bool
    labels: list[Label]
    counts: Counts
    forked_from: str | None = None
    """`street/v1@17`; None: it was created empty."""
    created_at: AwareDatetime
    changed_at: AwareDatetime
    """When the Revision was made."""


class VersionPage(WireModel):
    """Versions by address."""

    items: list[Version]
    next_cursor: str | None = None


class Dataset(WireModel):
    """A Dataset and its versions, oldest first."""

    id: str
    name: str
    created_at: AwareDatetime
    versions: list[Version]


class DatasetPage(WireModel):
    """Datasets by name."""

    items: list[Dataset]
    next_cursor: str | None = None


class Revision(WireModel):
    """One step in the history of a DatasetVersion."""

    number: int
    summary: str
    author: str | None = None
    """The name of the user; None: a Run made it, or Pixmill itself."""
    run_id: str | None = None
    parent: int | None = None
    counts: Counts
    step: dict[str, int] = Field(default_factory=dict)
    """`added_annotations`, `removed_annotations` and the like, of the step."""
    created_at: AwareDatetime


class RevisionPage(WireModel):
    """Revisions, newest first."""

    items: list[Revision]
    next_cursor: str | None = None


class LanceTable(WireModel):
    """`lance.dataset(uri).checkout_version((branch, version))` reads it as the Revision has it."""

    uri: str
    branch: str
    version: int


class LanceTables(WireModel):
    """Where one Revision lies, for Lance, DuckDB, Polars, PyTorch or Ray."""

    revision: int
    assets: LanceTable
    annotations: LanceTable
    labels: list[Label]
    """What `annotations.label_id` names."""


class CreateVersion(WireRequest):
    """An empty DatasetVersion; its Dataset is made where there is none."""

    address: str = Field(max_length=300)


class ForkVersion(WireRequest):
    """A new version of the same Dataset that begins as another one is."""

    name: str = Field(max_length=100)
    """The version's own, such as `v2`."""
    number: int | None = Field(default=None, ge=1, lt=2**31)
    """The Revision to begin as; None: the head."""


class CreateDataset(WireRequest):
    """A Dataset without versions."""

    name: str = Field(max_length=100)


class RenameDataset(WireRequest):
    """Another name, and so another address for each of its versions."""

    name: str = Field(max_length=100)


class ChangeVersion(WireRequest):
    """What to change about the version itself; what is left out stays."""

    locked: bool | None = None
    name: str | None = Field(default=None, max_length=100)
    """The version's own, such as `v2`."""


class RevertVersion(WireRequest):
    """Make a new Revision with the content of an old one."""

    number: int = Field(ge=1, lt=2**31)


class SetLabels(WireRequest):
    """Exactly these Labels, in this order."""

    names: list[str] = Field(max_length=100_000)
    delete_annotations: bool = False
    """Whether annotations of Labels that go, go too."""


class AddLabels(WireRequest):
    """These Labels beside those there are."""

    names: list[str] = Field(min_length=1, max_length=100_000)


class MergeLabels(WireRequest):
    """Annotations of some Labels get another one, and those Labels go."""

    labels: list[str] = Field(min_length=1, max_length=100_000)
    """Ids of those that go."""
    into: str
    """Id of the one that stays."""


class ChangeLabel(WireRequest):
    """Another name, another colour, or both."""

    name: str | None = Field(default=None, max_length=300)
    color: str | None = Field(default=None, pattern="^#[0-9a-fA-F]{6}$")
