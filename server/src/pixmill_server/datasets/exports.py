"""A pinned Revision as a stream for writers of formats: in the order of paths, some assets at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from pixmill.annotations import AnnotationColumns
from pixmill_server.datasets.finish_import import ImportedLabel
from pixmill_server.datasets.read import annotations_scan
from pixmill_server.datasets.records import AssetRecord, Pinned
from pixmill_server.datasets.rows import columns_from_rows
from pixmill_server.datasets.stores import Datasets
from pixmill_server.datasets.tables import LabelOriginRow
from pixmill_server.storage.tables import TableRef


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """What a writer must know before the first asset."""

    labels: Sequence[ImportedLabel]
    assets: int
    highest_image_id: int
    """The highest imported id; 0 where there is none."""
    highest_annotation_id: int


def export_facts(datasets: Datasets, pinned: Pinned) -> ExportFacts:
    """Labels with what their file said of them, and the highest imported ids."""
    with datasets.database.reading() as session:
        ids = [label.id for label in pinned.labels]
        rows = session.scalars(select(LabelOriginRow).where(LabelOriginRow.label_id.in_(ids)))
        origins = {row.label_id: row for row in rows}
    labels = []
    for label in pinned.labels:
        origin = origins.get(label.id)
        if origin is None:
            labels.append(ImportedLabel(label.name))
            continue
        pairs = [(int(first), int(second)) for first, second in origin.skeleton]
        labels.append(
            ImportedLabel(label.name, origin.external_id, origin.supercategory, tuple(origin.keypoints), pairs)
        )
    return ExportFacts(
        labels=labels,
        assets=pinned.counts.assets,
        highest_image_id=_highest(datasets, pinned.assets),
        highest_annotation_id=_highest(datasets, pinned.annotations),
    )


def export_lots(datasets: Datasets, pinned: Pinned) -> Iterator[tuple[list[AssetRecord], AnnotationColumns]]:
    """Assets in path order with all their annotations, keyed by path."""
    for assets, rows in annotations_scan(datasets, pinned):
        paths = {asset.id: asset.path for asset in assets}
        columns = columns_from_rows(rows, pinned.labels)
        yield assets, replace(columns, assets=tuple(paths[name] for name in columns.assets))  # type: ignore[index]  # ids


def _highest(datasets: Datasets, table: TableRef) -> int:
    highest = 0
    for batch in datasets.tables.open(table).to_batches(columns=["external_id"]):
        ids = batch["external_id"].drop_null()
        if len(ids):
            highest = max(highest, int(ids.to_numpy().max()))
    return highest
