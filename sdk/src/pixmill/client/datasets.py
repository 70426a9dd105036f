"""Datasets, DatasetVersions and their Labels."""

from collections.abc import Iterator, Sequence

from pixmill.client.connection import Connection, items_of
from pixmill.errors import InvalidInput, NotFound
from pixmill.wire.datasets import (
    AddLabels,
    ChangeLabel,
    ChangeVersion,
    CreateDataset,
    CreateVersion,
    Dataset,
    DatasetPage,
    ForkVersion,
    LabelCount,
    LabelPage,
    LanceTables,
    MergeLabels,
    RenameDataset,
    RevertVersion,
    Revision,
    RevisionPage,
    SetLabels,
    Version,
    VersionPage,
)
from pixmill.wire.differences import Difference


class Datasets:
    """`client.datasets`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Iterator[Dataset]:
        """By name, each with its versions."""
        return items_of(self._connection.pages("/datasets", DatasetPage))

    def show(self, name: str) -> Dataset:
        """Raises `NotFound`."""
        return self._connection.ask("GET", "/datasets", DatasetPage, parameters={"name": name}).items[0]

    def create(self, name: str) -> Dataset:
        """One without versions; importing to `name/v1` makes it too."""
        return self._connection.ask("POST", "/datasets", Dataset, send=CreateDataset(name=name))

    def rename(self, name: str, to: str) -> Dataset:
        """The address of each of its versions changes with it."""
        path = f"/datasets/{self.show(name).id}"
        return self._connection.ask("PATCH", path, Dataset, send=RenameDataset(name=to))

    def delete(self, name: str) -> None:
        """With all its versions; where one of them is locked, all stay."""
        self._connection.do("DELETE", f"/datasets/{self.show(name).id}")


class Versions:
    """`client.versions`; a version is named by its address: `street/v1`, or `street/v1@17` for an older Revision."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Iterator[Version]:
        """By address."""
        return items_of(self._connection.pages("/versions", VersionPage))

    def show(self, address: str) -> Version:
        """Raises `NotFound`."""
        return self._connection.ask("GET", "/versions", VersionPage, parameters={"address": address}).items[0]

    def create(self, address: str) -> Version:
        """An empty one; its Dataset is made where there is none."""
        return self._connection.ask("POST", "/versions", Version, send=CreateVersion(address=address))

    def fork(self, source: str, to: str) -> Version:
        """`fork("street/v1@17", "street/v2")`; costs the same however large it is."""
        found, (dataset, _, name) = self.show(source), to.partition("/")
        if dataset != found.dataset or not name:
            raise InvalidInput(
                f"'{source}' cannot be forked to '{to}': a fork stays in its Dataset.",
                hint=f"Give {found.dataset}/NAME.",
            )
        number = found.revision if "@" in source else None
        return self._connection.ask(
            "POST", f"/versions/{found.id}/fork", Version, send=ForkVersion(name=name, number=number)
        )

    def history(self, address: str) -> Iterator[Revision]:
        """Newest first."""
        return items_of(self._connection.pages(f"/versions/{self.show(address).id}/revisions", RevisionPage))

    def revert(self, address: str, number: int) -> Version:
        """A new Revision with the content of an old one; nothing is lost."""
        version_id = self.show(address).id
        return self._connection.ask(
            "POST", f"/versions/{version_id}/revert", Version, send=RevertVersion(number=number)
        )

    def lock(self, address: str) -> Version:
        """From now on it never changes."""
        return self._connection.ask(
            "PATCH", f"/versions/{self.show(address).id}", Version, send=ChangeVersion(locked=True)
        )

    def unlock(self, address: str) -> Version:
        """Let it be changed again."""
        return self._connection.ask(
            "PATCH", f"/versions/{self.show(address).id}", Version, send=ChangeVersion(locked=False)
        )

    def rename(self, address: str, to: str) -> Version:
        """`to` is the version's own name, such as `v2`."""
        path = f"/versions/{self.show(address).id}"
        return self._connection.ask("PATCH", path, Version, send=ChangeVersion(name=to))

    def diff(self, before: str, after: str) -> Difference:
        """What came, went and changed, by Label; both are of the same Dataset: `diff("street/v1@3", "street/v1")`."""
        old, new = self.show(before), self.show(after)
        asked: dict[str, str | int | float | bool | None] = {
            "number": new.revision,
            "before": old.id,
            "before_number": old.revision,
        }
        return self._connection.ask("GET", f"/versions/{new.id}/difference", Difference, parameters=asked)

    def to_lance(self, address: str) -> LanceTables:
        """Where it lies and as which Lance versions, pinned, for programs that can reach the tables themselves."""
        found = self.show(address)
        parameters = {"number": found.revision}
        return self._connection.ask("GET", f"/versions/{found.id}/lance", LanceTables, parameters=parameters)

    def delete(self, address: str) -> None:
        """Hide it and give its name free."""
        self._connection.do("DELETE", f"/versions/{self.show(address).id}")


class Labels:
    """`client.labels`: of a version by its address; a change is a new Revision."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._versions = Versions(connection)

    def list(self, address: str) -> Sequence[LabelCount]:
        """In their order, with the annotations that have each."""
        version = self._versions.show(address)
        pages = self._connection.pages(
            f"/versions/{version.id}/labels", LabelPage, parameters={"number": version.revision}
        )
        return [label for page in pages for label in page.items]

    def set(self, address: str, names: Sequence[str], *, delete_annotations: bool = False) -> Sequence[LabelCount]:
        """Exactly these, in this order; one in use stays, unless its annotations may go too."""
        wish = SetLabels(names=[*names], delete_annotations=delete_annotations)
        return self._connection.ask("PUT", self._path(address), LabelPage, send=wish).items

    def add(self, address: str, names: Sequence[str]) -> Sequence[LabelCount]:
        """These beside those there are; nothing happens the second time."""
        return self._connection.ask("POST", self._path(address), LabelPage, send=AddLabels(names=[*names])).items

    def rename(self, address: str, name: str, to: str) -> Sequence[LabelCount]:
        """Its annotations keep it."""
        path = f"{self._path(address)}/{self._named(address, name).id}"
        return self._connection.ask("PATCH", path, LabelPage, send=ChangeLabel(name=to)).items

    def recolor(self, address: str, name: str, color: str) -> Sequence[LabelCount]:
        """`#rrggbb`."""
        path = f"{self._path(address)}/{self._named(address, name).id}"
        return self._connection.ask("PATCH", path, LabelPage, send=ChangeLabel(color=color)).items

    def merge(self, address: str, names: Sequence[str], into: str) -> Sequence[LabelCount]:
        """The annotations of these Labels get the Label `into`, and these go; one Revision."""
        wish = MergeLabels(labels=[self._named(address, name).id for name in names], into=self._named(address, into).id)
        return self._connection.ask("POST", f"{self._path(address)}/merge", LabelPage, send=wish).items

    def remove(self, address: str, name: str, *, delete_annotations: bool = False) -> Sequence[LabelCount]:
        """One in use stays, unless its annotations may go too."""
        path = f"{self._path(address)}/{self._named(address, name).id}"
        wish = {"delete_annotations": delete_annotations}
        return self._connection.ask("DELETE", path, LabelPage, parameters=wish).items

    def _path(self, address: str) -> str:
        return f"/versions/{self._versions.show(address).id}/labels"

    def _named(self, address: str, name: str) -> LabelCount:
        known = self.list(address)
        for label in known:
            if label.name == name:
                return label
        listed = ", ".join(label.name for label in known) or "none"
        raise NotFound("Label", name, hint=f"The Labels of '{address}' are: {listed}.")
