"""What a model file is, told from its bytes; its name promises nothing. Nothing is ever loaded here."""

import io
import zipfile
from collections.abc import Callable

from pixmill.errors import ModelError
from pixmill_server.model_registry.errors import UnsafeModelFile
from pixmill_server.model_registry.records import Framework
from pixmill_server.storage.objects import Digest, Objects

Read = Callable[[int, int], bytes]
"""The bytes from a start up to an end."""

_PICKLE_PROTOCOLS = range(2, 6)
_PICKLE_START = 0x80
_PICKLED_SUFFIXES = (".pkl", ".pickle", ".joblib")
_ZIP_START = b"PK\x03\x04"
_TFLITE_MARK = b"TFL3"
_HIGHEST_ZIP_TAIL = 8 << 20
# Fields of ONNX's ModelProto: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
_ONNX_GRAPH = 7
_ONNX_HIGHEST_FIELD = 26
_VARINT, _DELIMITED = 0, 2
_FIXED = {1: 8, 5: 4}
_LONGEST_VARINT = 10


def require_sound(objects: Objects, digest: Digest, *, name: str, framework: Framework) -> None:
    """Raise `UnsafeModelFile` for pickles, `ModelError` where the bytes are not of this framework."""
    size = objects.size_of(digest)

    def read(start: int, end: int) -> bytes:
        return objects.get_range(digest, start, end)

    if _is_pickled(read, size):
        raise UnsafeModelFile(
            f"'{name}' is pickled (as torch.save writes it): loading it could run anything.",
            hint="Export the model to ONNX or TFLite and push that.",
            field="files",
        )
    match framework:
        case Framework.ONNX if name.endswith(".onnx"):
            _require_onnx(read, size, name)
        case Framework.TFLITE if read(4, 8) != _TFLITE_MARK:
            raise _not_one(name, "TFLite model", "it has no TFL3 mark")
        case _:
            return


def _is_pickled(read: Read, size: int) -> bool:
    head = read(0, 8)
    if len(head) > 1 and head[0] == _PICKLE_START and head[1] in _PICKLE_PROTOCOLS:
        return True
    if not head.startswith(_ZIP_START):
        return False
    # The list of a zip's members is at its end.
    tail_start = max(0, size - _HIGHEST_ZIP_TAIL)
    try:
        with zipfile.ZipFile(io.BytesIO(read(tail_start, size))) as archive:
            return any(member.endswith(_PICKLED_SUFFIXES) for member in archive.namelist())
    except (zipfile.BadZipFile, ValueError):
        # A zip whose members cannot be listed is not trusted either.
        return True


def _require_onnx(read: Read, size: int, name: str) -> None:
    """Walk the fields of the outermost message: each must be one that ONNX has, and fit; one is the graph."""
    position, graph_seen = 0, False
    while position < size:
        key, position = _varint(read, position, name)
        field, wire = key >> 3, key & 7
        if not 1 <= field <= _ONNX_HIGHEST_FIELD:
            raise _not_one(name, "ONNX model", f"it has a field {field}")
        if wire in _FIXED:
            position += _FIXED[wire]
        elif wire in (_VARINT, _DELIMITED):
            value, position = _varint(read, position, name)
            position += value if wire == _DELIMITED else 0
        else:
            raise _not_one(name, "ONNX model", "it is no protocol buffer")
        graph_seen = graph_seen or field == _ONNX_GRAPH
    if position != size:
        raise _not_one(name, "ONNX model", "it is cut off")
    if not graph_seen:
        raise _not_one(name, "ONNX model", "it has no graph")


def _varint(read: Read, position: int, name: str) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(read(position, position + _LONGEST_VARINT)):
        value |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return value, position + index + 1
    raise _not_one(name, "ONNX model", "it is no protocol buffer, or cut off")


def _not_one(name: str, what: str, why: str) -> ModelError:
    return ModelError(
        f"'{name}' is not an {what}: {why}." if what[0] in "AEIOU" else f"'{name}' is not a {what}: {why}.",
        hint="Export it again, or say what it is with --framework.",
        field="files",
    )
