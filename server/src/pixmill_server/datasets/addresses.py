"""Addresses of DatasetVersions and Revisions: `street/v1`, `street/v1@17`."""

import re
from dataclasses import dataclass

from pixmill_server.datasets.errors import AddressInvalid, NameInvalid

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ADDRESS = re.compile(rf"({_NAME.pattern})/({_NAME.pattern})(?:@([1-9][0-9]{{0,8}}))?")


@dataclass(frozen=True, slots=True)
class VersionAddress:
    """A DatasetVersion, or one Revision of it."""

    dataset: str
    version: str
    number: int | None
    """None: the newest."""

    def __str__(self) -> str:
        address = f"{self.dataset}/{self.version}"
        return address if self.number is None else f"{address}@{self.number}"


def parse_address(text: str) -> VersionAddress:
    """`street/v1@17`; raises `AddressInvalid`."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise AddressInvalid(text)
    dataset, version, number = match.groups()
    return VersionAddress(dataset, version, int(number) if number else None)


def require_name(kind: str, name: str) -> str:
    """The name, if an address can carry it; raises `NameInvalid`."""
    if _NAME.fullmatch(name) is None:
        raise NameInvalid(kind, name)
    return name
