"""Bytes: content-addressed objects and named ones, in a local folder or a bucket, behind one interface.

An *object* is addressed by the BLAKE3 of its bytes: it is written once, never changed, and putting it again is free.
A *named* object lies under a key of its owner's choosing (staged results, log segments); putting it again replaces it.
Neither is ever seen half-written: bytes appear under their key all at once.
"""

import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, NewType
from urllib.parse import urlsplit

import obstore
from blake3 import blake3
from obstore.store import LocalStore, ObjectStore, S3Store, from_url

from pixmill.errors import InvalidInput, NotFound

Digest = NewType("Digest", str)
"""The BLAKE3 of some bytes: 64 lower-case hexadecimal digits."""

READ_BYTES = 1 << 20
_SPOOL_BYTES = 8 << 20
_OBJECTS = "objects"
_NAMED = "named"
_INCOMING = "incoming"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEY_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@=-]*")


@dataclass(frozen=True, slots=True)
class NamedObject:
    """One named object as a listing shows it."""

    key: str
    size_bytes: int


def digest_of(content: bytes) -> Digest:
    """The BLAKE3 of bytes in memory."""
    return Digest(blake3(content).hexdigest())


def require_digest(text: str) -> Digest:
    """The text as a Digest; raises `InvalidInput` where it is not one."""
    if not _DIGEST.fullmatch(text):
        raise InvalidInput(f"'{text[:80]}' is not a BLAKE3 digest.", hint="It has 64 lower-case hexadecimal digits.")
    return Digest(text)


def open_objects(address: str, options: Mapping[str, str] | None = None) -> "Objects":
    """Objects below a folder (a path or a file:// URL, made where it is missing) or a bucket (s3://bucket/prefix, ...).

    `options` are obstore's for that kind of store (`endpoint`, `region`, `access_key_id`) and `allow_http` ("true").
    """
    parts = urlsplit(address)
    if parts.scheme in ("", "file"):
        root = Path(parts.path if parts.scheme else address).absolute()
        for folder in (root / _OBJECTS, root / _NAMED, root / _INCOMING):
            folder.mkdir(parents=True, exist_ok=True)
        return Objects(LocalStore(root), root)
    return Objects(_bucket(address, dict(options or {})), None)


class Objects:
    """All bytes of one installation. Safe to use from many threads and processes at once."""

    def __init__(self, store: ObjectStore, root: Path | None) -> None:
        self._store = store
        self._root = root

    def put(self, content: bytes | Iterable[bytes], *, expected: Digest | None = None) -> Digest:
        """Store bytes, or the pieces of a stream (memory does not grow with it), and say their digest.

        Where `expected` is another than that of the bytes, `InvalidInput` is raised and nothing is stored.
        """
        pieces = [content] if isinstance(content, bytes) else content
        with self._incoming() as spool:
            digest = _fill(spool, pieces)
            if expected is not None and digest != expected:
                raise InvalidInput(
                    f"The bytes received have the digest {digest}, not {expected}.",
                    hint="They were changed or cut off on their way: send them again.",
                )
            if not self.has(digest):
                self._publish(spool, _object_key(digest))
        return digest

    def has(self, digest: Digest) -> bool:
        """Whether the object is there."""
        return self._size(_object_key(digest)) is not None

    def size_of(self, digest: Digest) -> int:
        """How many bytes it has; raises `NotFound`."""
        size = self._size(_object_key(digest))
        if size is None:
            raise NotFound("object", digest)
        return size

    def get(self, digest: Digest) -> bytes:
        """All bytes of an object; raises `NotFound`."""
        return self._read(_object_key(digest))

    def get_range(self, digest: Digest, start: int, end: int) -> bytes:
        """The bytes from `start` up to, not including, `end`; raises `NotFound`."""
        return self._read_range(_object_key(digest), start, end)

    def stream(self, digest: Digest, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to `end` (None: the last) in pieces of at most 1 MiB; raises `NotFound` at once."""
        last = self.size_of(digest) if end is None else end
        return self._pieces(_object_key(digest), start, last)

    def local_path(self, digest: Digest) -> Path | None:
        """Where the object lies on this machine's disk; None where the store is a bucket, or the object is missing."""
        if self._root is None:
            return None
        path = self._root / _object_key(digest)
        return path if path.exists() else None

    def signed_url(self, digest: Digest, *, lifetime: timedelta) -> str | None:
        """An address that anyone can read the object from for a while; None where the store cannot sign (a folder)."""
        if not isinstance(self._store, S3Store):
            return None
        return obstore.sign(self._store, "GET", _object_key(digest), lifetime)

    def delete(self, digest: Digest) -> None:
        """Forget an object that nothing refers to any more; nothing happens where it is gone already."""
        self._delete(_object_key(digest))

    def put_named(self, key: str, content: bytes | Iterable[bytes]) -> None:
        """Store bytes under a key such as `runs/run_1/chunk-0`, in place of what was there."""
        path = _named_key(key)
        with self._incoming() as spool:
            _fill(spool, [content] if isinstance(content, bytes) else content)
            self._publish(spool, path)

    def adopt_named(self, key: str, path: Path) -> None:
        """As `put_named`, of a file that is only deleted after it: in a folder of the same disk it is not copied."""
        if self._root is None or self._root.stat().st_dev != path.stat().st_dev:
            with path.open("rb") as file:
                self.put_named(key, iter(lambda: file.read(READ_BYTES), b""))
            return
        target = self._root / _named_key(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        link = self._root / _INCOMING / f"{secrets.token_hex(8)}.link"
        os.link(path, link)
        link.replace(target)
        link.unlink(missing_ok=True)

    def get_named(self, key: str) -> bytes:
        """All bytes under a key; raises `NotFound`."""
        return self._read(_named_key(key))

    def get_named_range(self, key: str, start: int, end: int) -> bytes:
        """The bytes under a key from `start` up to, not including, `end`; raises `NotFound`."""
        return self._read_range(_named_key(key), start, end)

    def stream_named(self, key: str) -> Iterator[bytes]:
        """The bytes under a key in pieces of at most 1 MiB; raises `NotFound` at once."""
        path = _named_key(key)
        size = self._size(path)
        if size is None:
            raise NotFound("object", key)
        return self._pieces(path, 0, size)

    def named_size(self, key: str) -> int | None:
        """How many bytes lie under a key; None where there are none."""
        return self._size(_named_key(key))

    def local_path_named(self, key: str) -> Path | None:
        """Where the bytes under a key lie on this machine's disk; None where they do not."""
        if self._root is None:
            return None
        path = self._root / _named_key(key)
        return path if path.exists() else None

    def list_named(self, prefix: str) -> Iterator[NamedObject]:
        """Everything under a folder of keys (`runs/run_1`), ordered by key."""
        found = []
        for page in obstore.list(self._store, _named_key(prefix)):
            found += [NamedObject(str(meta["path"]).removeprefix(f"{_NAMED}/"), int(meta["size"])) for meta in page]
        yield from sorted(found, key=lambda named: named.key)

    def delete_named(self, key: str) -> None:
        """Forget the bytes under a key; nothing happens where there are none."""
        self._delete(_named_key(key))

    def sweep_incoming(self, *, before: datetime) -> None:
        """Remove what writers that died left behind in a folder; `before` must lie further back than any live write."""
        for path in (self._root / _INCOMING).iterdir() if self._root else ():
            if path.stat().st_mtime < before.timestamp():
                path.unlink(missing_ok=True)

    @contextmanager
    def _incoming(self) -> Iterator[IO[bytes]]:
        """A file for bytes that have no address yet; beside the objects in a folder, so that it can be moved."""
        if self._root is None:
            with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
                yield spool
            return
        with tempfile.NamedTemporaryFile(dir=self._root / _INCOMING, delete=False) as file:
            try:
                yield file
            finally:
                Path(file.name).unlink(missing_ok=True)

    def _publish(self, spool: IO[bytes], key: str) -> None:
        if self._root is None:
            spool.seek(0)
            obstore.put(self._store, key, spool)
            return
        target = self._root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        spool.flush()
        os.fsync(spool.fileno())
        Path(spool.name).replace(target)

    def _size(self, key: str) -> int | None:
        if self._root is not None:
            try:
                return (self._root / key).stat().st_size
            except FileNotFoundError:
                return None
        try:
            return int(obstore.head(self._store, key)["size"])
        except FileNotFoundError:
            return None

    def _read(self, key: str) -> bytes:
        try:
            if self._root is not None:
                return (self._root / key).read_bytes()
            return bytes(obstore.get(self._store, key).bytes())
        except FileNotFoundError as error:
            raise NotFound("object", _name_of(key)) from error

    def _read_range(self, key: str, start: int, end: int) -> bytes:
        size = self._size(key)
        if size is None:
            raise NotFound("object", _name_of(key))
        last = min(end, size)
        if start >= last:
            return b""
        return bytes(obstore.get_range(self._store, key, start=start, end=last))

    def _pieces(self, key: str, start: int, end: int) -> Iterator[bytes]:
        for at in range(start, end, READ_BYTES):
            yield self._read_range(key, at, min(at + READ_BYTES, end))

    def _delete(self, key: str) -> None:
        try:
            obstore.delete(self._store, key)
        except FileNotFoundError:
            return


def _bucket(address: str, options: dict[str, str]) -> ObjectStore:
    client = {"allow_http": options.pop("allow_http", "false") == "true"}
    return from_url(address, client_options=client, **options)  # type: ignore[call-overload, no-any-return]  # by store


def _fill(spool: IO[bytes], pieces: Iterable[bytes]) -> Digest:
    hasher = blake3()
    for piece in pieces:
        hasher.update(piece)
        spool.write(piece)
    return Digest(hasher.hexdigest())


def _object_key(digest: Digest) -> str:
    require_digest(digest)
    return f"{_OBJECTS}/{digest[:2]}/{digest[2:4]}/{digest}"


def _named_key(key: str) -> str:
    parts = key.strip("/").split("/")
    if not all(_KEY_PART.fullmatch(part) for part in parts):
        raise InvalidInput(
            f"'{key}' cannot be the key of an object.", hint="Use letters, digits, . _ - @ = and slashes."
        )
    return f"{_NAMED}/{'/'.join(parts)}"


def _name_of(key: str) -> str:
    return key.rsplit("/", 1)[-1] if key.startswith(f"{_OBJECTS}/") else key.removeprefix(f"{_NAMED}/")
