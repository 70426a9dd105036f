"""Reads what an ONNX file says of itself: its metadata, inputs and outputs. Weights are skipped, never loaded.

An ONNX file is one protobuf message, `ModelProto`. Only the few fields below are looked at; everything else is stepped
over by its length, and every length is checked against the file, so that a file that is not ONNX ends in `ModelError`.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pixmill.errors import ModelError
from pixmill.inference.signature import GraphSignature, TensorSpec

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
_MAX_VARINT_BYTES = 10
_MAX_FIELDS = 5_000_000
_MAX_TEXT_BYTES = 1 << 20
_MAX_METADATA = 1000
_MAX_IR_VERSION = 1000

# Field numbers of onnx.proto.
_MODEL_IR_VERSION, _MODEL_PRODUCER, _MODEL_GRAPH, _MODEL_METADATA = 1, 2, 7, 14
_GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT = 5, 11, 12
_TENSOR_NAME = 8
_ELEMENT_TYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 10: "float16", 11: "float64"}

_Span: TypeAlias = tuple[int, int]
"""First and last byte (exclusive) of a message in the file."""


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """What an ONNX file says of itself."""

    producer: str
    metadata: dict[str, str]
    signature: GraphSignature


def read_onnx(path: Path) -> OnnxFile:
    """Read the head of an ONNX file; raises `ModelError` where it is not one."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _read_model(content)
    except (_Malformed, ValueError) as error:
        raise ModelError(
            f"'{path.name}' is not an ONNX file: {error}.", hint="Give the file that the model was exported to."
        ) from error


class _Malformed(Exception):
    """The bytes are not the protobuf message they should be."""


def _read_model(content: mmap.mmap) -> OnnxFile:
    ir_version, producer, graph = 0, "", None
    metadata: dict[str, str] = {}
    for number, value in _fields(content, (0, len(content))):
        if number == _MODEL_IR_VERSION and isinstance(value, int):
            ir_version = value
        elif number == _MODEL_PRODUCER and isinstance(value, tuple):
            producer = _text(content, value)
        elif number == _MODEL_GRAPH and isinstance(value, tuple):
            graph = value
        elif number == _MODEL_METADATA and isinstance(value, tuple):
            entry = _spans(content, value)
            if 1 in entry and len(metadata) < _MAX_METADATA:
                metadata[_text(content, entry[1][0])] = _text(content, entry[2][0]) if 2 in entry else ""  # noqa: PLR2004
    if graph is None or not 0 < ir_version < _MAX_IR_VERSION:
        raise _Malformed("it holds no graph")
    return OnnxFile(producer=producer, metadata=metadata, signature=_read_graph(content, graph))


def _read_graph(content: mmap.mmap, graph: _Span) -> GraphSignature:
    inputs, outputs = [], []
    weights: set[str] = set()
    for number, value in _fields(content, graph):
        if not isinstance(value, tuple):
            continue
        if number == _GRAPH_INPUT:
            inputs.append(_read_tensor(content, value))
        elif number == _GRAPH_OUTPUT:
            outputs.append(_read_tensor(content, value))
        elif number == _GRAPH_INITIALIZER:
            weights.update(_text(content, span) for span in _spans(content, value).get(_TENSOR_NAME, []))
    if not outputs:
        raise _Malformed("its graph has no output")
    # Old exports list every weight as an input too.
    images = tuple(spec for spec in inputs if spec.name not in weights)
    return GraphSignature(inputs=images, outputs=tuple(outputs))


def _read_tensor(content: mmap.mmap, span: _Span) -> TensorSpec:
    """A `ValueInfoProto`: name = 1, type = 2 {tensor_type = 1 {elem_type = 1, shape = 2 {dim = 1 {dim_value = 1}}}}."""
    value_info = _spans(content, span)
    name = _text(content, value_info[1][0]) if 1 in value_info else ""
    shape: list[int | None] = []
    dtype = ""
    for type_span in value_info.get(2, []):
        for tensor in _spans(content, type_span).get(1, []):
            for number, value in _fields(content, tensor):
                if number == 1 and isinstance(value, int):
                    dtype = _ELEMENT_TYPES.get(value, "")
                elif number == 2 and isinstance(value, tuple):  # noqa: PLR2004 - the field's number
                    shape = [_dimension(content, dim) for dim in _spans(content, value).get(1, [])]
    return TensorSpec(name=name, shape=tuple(shape), dtype=dtype)


def _dimension(content: mmap.mmap, span: _Span) -> int | None:
    values = [value for number, value in _fields(content, span) if number == 1 and isinstance(value, int)]
    return values[0] if values and values[0] > 0 else None


def _spans(content: mmap.mmap, span: _Span) -> dict[int, list[_Span]]:
    """The nested messages and strings of one message, by field number."""
    found: dict[int, list[_Span]] = {}
    for number, value in _fields(content, span):
        if isinstance(value, tuple):
            found.setdefault(number, []).append(value)
    return found


def _fields(content: mmap.mmap, span: _Span) -> Iterator[tuple[int, int | _Span]]:
    position, end = span
    for _ in range(_MAX_FIELDS):
        if position == end:
            return
        key, position = _varint(content, position, end)
        number, wire_type = key >> 3, key & 7
        if number == 0:
            raise _Malformed("a field has no number")
        if wire_type == _VARINT:
            value, position = _varint(content, position, end)
            yield number, value
            continue
        size = _FIXED_SIZES.get(wire_type)
        if wire_type == _BYTES:
            size, position = _varint(content, position, end)
        if size is None or position + size > end:
            raise _Malformed("a field is longer than the file, or of an unknown type")
        if wire_type == _BYTES:
            yield number, (position, position + size)
        position += size
    raise _Malformed("it has more fields than any model")


def _varint(content: mmap.mmap, position: int, end: int) -> tuple[int, int]:
    value = 0
    for index in range(_MAX_VARINT_BYTES):
        if position + index >= end:
            raise _Malformed("it ends in the middle of a number")
        byte = content[position + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value, position + index + 1
    raise _Malformed("a number is too long")


def _text(content: mmap.mmap, span: _Span) -> str:
    start, end = span
    if end - start > _MAX_TEXT_BYTES:
        raise _Malformed("a name is longer than a megabyte")
    return content[start:end].decode()
