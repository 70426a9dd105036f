"""Reads what a TFLite file says of itself: its inputs and outputs, and the metadata that exporters append as a zip.

A TFLite file is one FlatBuffer (identifier `TFL3`). Only what lies on the way to the tensors is read, every offset is
checked when it is followed, and a file that is not TFLite ends in `ModelError`.
"""

import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from pixmill.errors import ModelError
from pixmill.inference.signature import GraphSignature, TensorSpec

_IDENTIFIER = b"TFL3"
_MAX_FILE_BYTES = 2 << 30
_MAX_METADATA_BYTES = 1 << 20
_MAX_VECTOR = 1_000_000
_METADATA_NAMES = ("metadata.json", "temp_meta.txt")
_LABEL_NAMES = ("labelmap.txt", "labels.txt", "label_map.txt")
_TYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 7: "int16", 9: "int8"}

# Positions of the fields in their tables, from the schema of TensorFlow Lite.
_MODEL_SUBGRAPHS = 2
_SUBGRAPH_TENSORS, _SUBGRAPH_INPUTS, _SUBGRAPH_OUTPUTS = 0, 1, 2
_TENSOR_SHAPE, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_SHAPE_SIGNATURE = 0, 1, 3, 7


@dataclass(frozen=True, slots=True)
class TfliteFile:
    """What a TFLite file says of itself."""

    metadata: str
    """JSON, or a Python literal in older exports; empty where nothing was appended."""
    labels: tuple[str, ...]
    """From an appended list of labels; empty where there is none."""
    signature: GraphSignature


def read_tflite(path: Path) -> TfliteFile:
    """Read the head of a TFLite file; raises `ModelError` where it is not one."""
    refusal = f"'{path.name}' is not a TFLite file"
    hint = "Give the .tflite file that the model was exported to."
    content = path.read_bytes() if path.stat().st_size <= _MAX_FILE_BYTES else b""
    if content[4:8] != _IDENTIFIER:
        raise ModelError(f"{refusal}: it does not begin as one.", hint=hint)
    try:
        signature = _read_signature(_Buffer(content))
    except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
        raise ModelError(f"{refusal}, or it is damaged: {error}.", hint=hint) from error
    appended = _read_appended(path)
    labels = next((appended[name] for name in _LABEL_NAMES if name in appended), "")
    return TfliteFile(
        metadata=next((appended[name] for name in _METADATA_NAMES if name in appended), ""),
        labels=tuple(line.strip() for line in labels.splitlines() if line.strip()),
        signature=signature,
    )


@dataclass(frozen=True, slots=True)
class _Buffer:
    content: bytes

    def number(self, layout: str, position: int) -> int:
        if position < 0:
            raise ValueError("an offset points before the file")
        (value,) = struct.unpack_from(f"<{layout}", self.content, position)
        return int(value)

    def follow(self, position: int) -> int:
        return position + self.number("I", position)

    def field(self, table: int, index: int) -> int | None:
        """Where the field of a table lies; None where the table leaves it out."""
        vtable = table - self.number("i", table)
        entry = 4 + 2 * index
        if entry >= self.number("H", vtable):
            return None
        offset = self.number("H", vtable + entry)
        return table + offset if offset else None

    def vector(self, table: int, index: int) -> tuple[int, int]:
        """Position of the first element, and how many there are; (0, 0) where the table leaves it out."""
        field = self.field(table, index)
        if field is None:
            return 0, 0
        start = self.follow(field)
        length = self.number("I", start)
        if length > _MAX_VECTOR:
            raise ValueError("a list is longer than the file")
        return start + 4, length

    def integers(self, table: int, index: int) -> tuple[int, ...]:
        start, length = self.vector(table, index)
        return struct.unpack_from(f"<{length}i", self.content, start)

    def tables(self, table: int, index: int) -> tuple[int, ...]:
        start, length = self.vector(table, index)
        return tuple(self.follow(start + 4 * element) for element in range(length))

    def text(self, table: int, index: int) -> str:
        start, length = self.vector(table, index)
        return self.content[start : start + length].decode()


def _read_signature(buffer: _Buffer) -> GraphSignature:
    (graph, *_) = buffer.tables(buffer.follow(0), _MODEL_SUBGRAPHS)
    tensors = buffer.tables(graph, _SUBGRAPH_TENSORS)
    return GraphSignature(
        inputs=tuple(_read_tensor(buffer, tensors[index]) for index in buffer.integers(graph, _SUBGRAPH_INPUTS)),
        outputs=tuple(_read_tensor(buffer, tensors[index]) for index in buffer.integers(graph, _SUBGRAPH_OUTPUTS)),
    )


def _read_tensor(buffer: _Buffer, table: int) -> TensorSpec:
    shape = buffer.integers(table, _TENSOR_SHAPE_SIGNATURE) or buffer.integers(table, _TENSOR_SHAPE)
    type_field = buffer.field(table, _TENSOR_TYPE)
    dtype = _TYPES.get(buffer.number("b", type_field) if type_field is not None else 0, "")
    axes = tuple(axis if axis > 0 else None for axis in shape)
    return TensorSpec(name=buffer.text(table, _TENSOR_NAME), shape=axes, dtype=dtype)


def _read_appended(path: Path) -> dict[str, str]:
    """The small text files of a zip at the end of the file, by name; none where there is no zip or it is damaged."""
    if not zipfile.is_zipfile(path):
        return {}
    try:
        with zipfile.ZipFile(path) as archive:
            wanted = [entry for entry in archive.infolist() if entry.filename in (*_METADATA_NAMES, *_LABEL_NAMES)]
            return {
                entry.filename: archive.read(entry).decode()
                for entry in wanted
                if entry.file_size <= _MAX_METADATA_BYTES
            }
    except (zipfile.BadZipFile, zlib.error, UnicodeDecodeError, ValueError, RuntimeError, EOFError):
        return {}
