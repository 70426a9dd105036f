"""The columns of the two Lance tables of a Dataset, as users see them who open them with other tools.

Coordinates are float pixels of the displayed image, origin top-left. How each kind of shape lies in `coordinates`,
`rings` and `mask` is the table in `pixmill.annotations.columns`.
"""

import pyarrow as pa

from pixmill_server.storage.tables import Index

UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")

ASSETS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        # BLAKE3, 64 hexadecimal digits; empty for an image by reference that was not read yet.
        pa.field("digest", pa.string(), nullable=False),
        pa.field("size_bytes", pa.int64(), nullable=False),
        # Display pixels: after EXIF orientation.
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        # The EXIF orientation, 1 to 8.
        pa.field("orientation", pa.int8(), nullable=False),
        pa.field("media_type", pa.string(), nullable=False),
        # Where an image by reference is read from; empty for one that is stored here.
        pa.field("source_uri", pa.string(), nullable=False),
        # The id in the file it came from; -1 for none.
        pa.field("external_id", pa.int64(), nullable=False),
        pa.field("tags", pa.list_(pa.string()), nullable=False),
        # A JSON object; empty for none.
        pa.field("metadata", pa.string(), nullable=False),
        pa.field("created_at", UTC_MICROSECONDS, nullable=False),
    ]
)

ANNOTATIONS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("asset_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("label_id", pa.string(), nullable=False),
        pa.field("bbox_x", pa.float64()),
        pa.field("bbox_y", pa.float64()),
        pa.field("bbox_width", pa.float64()),
        pa.field("bbox_height", pa.float64()),
        pa.field("score", pa.float64()),
        pa.field("area", pa.float64()),
        pa.field("external_id", pa.int64()),
        pa.field("coordinates", pa.list_(pa.float64()), nullable=False),
        pa.field("rings", pa.list_(pa.int32()), nullable=False),
        pa.field("mask", pa.binary(), nullable=False),
        # A JSON object; empty for none.
        pa.field("attributes", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("run_id", pa.string(), nullable=False),
        pa.field("processing", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("review", pa.string(), nullable=False),
        pa.field("created_at", UTC_MICROSECONDS, nullable=False),
        # The user who edited or reviewed it last; empty for nobody.
        pa.field("edited_by", pa.string(), nullable=False),
    ]
)

ASSET_INDEXES = (Index("id"), Index("path"))
ANNOTATION_INDEXES = (Index("asset_id"),)


def assets_table(dataset_id: str) -> str:
    """Where the Dataset's assets lie under the root."""
    return f"{dataset_id}/assets.lance"


def annotations_table(dataset_id: str) -> str:
    """Where the Dataset's annotations lie under the root."""
    return f"{dataset_id}/annotations.lance"
