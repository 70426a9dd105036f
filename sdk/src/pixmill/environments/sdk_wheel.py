"""The SDK that runs, as a wheel: what is installed into environments where no ready wheel is at hand."""

import base64
import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_PACKAGE: Final = Path(__file__).resolve().parent.parent
_LEFT_OUT: Final = {".pyc", ".pyo"}


def pack_sdk(folder: Path) -> Path:
    """Write the wheel into a folder; the same sources give the same bytes. It names no dependencies: a lock does."""
    number = _version()
    path = folder / f"pixmill-{number}-py3-none-any.whl"
    metadata = f"pixmill-{number}.dist-info"
    contents = {
        f"pixmill/{source.relative_to(_PACKAGE).as_posix()}": source.read_bytes()
        for source in sorted(_PACKAGE.rglob("*"))
        if source.is_file() and source.suffix not in _LEFT_OUT
    }
    contents[f"{metadata}/METADATA"] = f"Metadata-Version: 2.1\nName: pixmill\nVersion: {number}\n".encode()
    contents[f"{metadata}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: pixmill\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    record = "".join(_record_line(name, written) for name, written in contents.items())
    contents[f"{metadata}/RECORD"] = (record + f"{metadata}/RECORD,,\n").encode()
    with ZipFile(path, "w") as wheel:
        for name, written in contents.items():
            wheel.writestr(ZipInfo(name), written, compress_type=ZIP_DEFLATED)
    return path


def _version() -> str:
    try:
        return version("pixmill")
    except PackageNotFoundError:
        return "0.0.0"  # run from its sources, not installed


def _record_line(name: str, written: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(written).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(written)}\n"
