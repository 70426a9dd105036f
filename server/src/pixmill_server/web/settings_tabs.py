"""The tabs that all pages of Settings share."""

from dataclasses import dataclass

_TABS = (
    ("profile", "Profile", "/settings"),
    ("tokens", "API tokens", "/settings/tokens"),
    ("computes", "Computes", "/settings/computes"),
    ("secrets", "Secrets", "/settings/secrets"),
    ("usage", "Usage", "/settings/usage"),
    ("doctor", "Doctor", "/settings/doctor"),
)


@dataclass(frozen=True, slots=True)
class Tab:
    """One page of Settings."""

    name: str
    href: str
    is_current: bool


def tabs(current: str) -> list[Tab]:
    """All of them, with the current one marked."""
    return [Tab(name, href, key == current) for key, name, href in _TABS]
