"""The result of a trial as a COCO file."""

from pathlib import Path

from pixmill.annotations import AnnotationColumns, ColumnsBuilder
from pixmill.formats.coco import create
from pixmill.formats.contract import ExportPlan, FormatImage, FormatLabel
from pixmill.runtime.trial import TrialReport


def export_coco(report: TrialReport, folder: Path) -> None:
    """Write `annotations.json`; images are named, not copied."""
    writer = create().write(folder, ExportPlan([FormatLabel(label) for label in report.labels], title="a trial"))
    images = sorted(report.images, key=lambda asset: asset.path)
    parts = [AnnotationColumns.from_bytes(chunk.annotations) for chunk in report.staged.values() if chunk.annotations]
    shapes = AnnotationColumns.concatenate(parts) if parts else ColumnsBuilder().build()
    writer.add(
        [FormatImage(each.path, width=each.width or None, height=each.height or None) for each in images], shapes
    )
    writer.finish()
