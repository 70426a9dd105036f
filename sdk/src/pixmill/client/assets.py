"""Images of a DatasetVersion, and a human's edits of their annotations."""

from collections.abc import Iterator, Sequence
from typing import Literal

from pixmill.annotations import Review, Shape
from pixmill.client.connection import Connection, items_of
from pixmill.client.datasets import Versions
from pixmill.errors import NotFound
from pixmill.wire.assets import Asset, AssetAnnotation, AssetPage
from pixmill.wire.edits import (
    AddShape,
    DeleteShape,
    Edit,
    MoveShape,
    Relabel,
    ReviewedPredictions,
    ReviewPredictions,
    SavedEdits,
    SaveEdits,
    SetReview,
    ShapeValue,
)

__all__ = ["Annotations", "Asset", "AssetAnnotation", "Assets", "Edit", "SavedEdits", "shape_of"]


class Assets:
    """`client.assets`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._versions = Versions(connection)

    def list(
        self,
        address: str,
        *,
        label: str | None = None,
        tag: str | None = None,
        annotated: bool | None = None,
        name: str | None = None,
        filter: str = "",  # noqa: A002 - the word of the Assets grid, REST and the command line
        sort: str = "path",
    ) -> Iterator[Asset]:
        """Each with its annotations; the Revision is pinned at the first.

        `filter`, in place of the conditions, is as in the address of the Assets grid: `label=person&max_score=0.4`.
        It and `sort` are explained in `docs/how-to/find-and-process-assets.md`. Raises `InvalidInput` for what they
        do not know.
        """
        version = self._versions.show(address)
        return items_of(
            self._connection.pages(
                f"/versions/{version.id}/assets",
                AssetPage,
                parameters={
                    "revision": version.revision,
                    "label": label,
                    "tag": tag,
                    "annotated": annotated,
                    "name": name,
                    "filter": filter or None,
                    "sort": sort,
                },
            )
        )

    def show(self, address: str, path: str) -> Asset:
        """By its path; raises `NotFound`."""
        for asset in self.list(address, name=path):
            if asset.path == path:
                return asset
        raise NotFound("asset", path, hint=f"Paths in '{address}' are as they were imported.")

    def image(self, asset: Asset) -> bytes:
        """Its bytes as they were imported."""
        return self._connection.raw("GET", asset.image.removeprefix("/api/v1")).content


class Annotations:
    """`client.annotations`: each call is one save, and one new Revision."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._versions = Versions(connection)

    def save(self, address: str, edits: Sequence[Edit], *, summary: str = "") -> SavedEdits:
        """Several edits at once, in order."""
        version = self._versions.show(address)
        wish = SaveEdits(edits=[*edits], summary=summary)
        return self._connection.ask("POST", f"/versions/{version.id}/annotations", SavedEdits, send=wish)

    def add(self, address: str, asset: Asset, label: str, shape: Shape) -> SavedEdits:
        """A new shape."""
        return self.save(address, [AddShape(asset_id=asset.id, label=label, shape=ShapeValue.of(shape))])

    def move(self, address: str, asset: Asset, annotation: AssetAnnotation, shape: Shape) -> SavedEdits:
        """Another shape for the same annotation."""
        edit = MoveShape(asset_id=asset.id, annotation_id=annotation.id, shape=ShapeValue.of(shape))
        return self.save(address, [edit])

    def relabel(self, address: str, asset: Asset, annotation: AssetAnnotation, label: str) -> SavedEdits:
        """Another Label for the same annotation."""
        return self.save(address, [Relabel(asset_id=asset.id, annotation_id=annotation.id, label=label)])

    def review(self, address: str, asset: Asset, annotation: AssetAnnotation, review: Review) -> SavedEdits:
        """Say what you think of it; what is accepted no Run overwrites."""
        return self.save(address, [SetReview(asset_id=asset.id, annotation_id=annotation.id, review=review)])

    def review_all(
        self, address: str, review: Literal[Review.ACCEPTED, Review.REJECTED], *, where: str = ""
    ) -> ReviewedPredictions:
        """Accept or reject all annotations of Runs that a filter means: `label=person&min_score=0.5`, as in a grid.

        Empty means all that nobody has reviewed.
        """
        version = self._versions.show(address)
        wish = ReviewPredictions(review=review, filter=where)
        path = f"/versions/{version.id}/annotations/review"
        return self._connection.ask("POST", path, ReviewedPredictions, send=wish)

    def delete(self, address: str, asset: Asset, annotation: AssetAnnotation) -> SavedEdits:
        """One annotation less."""
        return self.save(address, [DeleteShape(asset_id=asset.id, annotation_id=annotation.id)])


def shape_of(annotation: AssetAnnotation) -> Shape:
    """The shape of an annotation as a value."""
    return ShapeValue.model_validate(
        {
            "kind": annotation.kind,
            "bbox": annotation.bbox,
            "coordinates": annotation.coordinates,
            "rings": annotation.rings,
            "mask": annotation.mask,
        }
    ).shape()
