"""Which server, and with which token: from arguments, the environment, or what `pixmill login` and `up` have kept.

They are kept in `~/.config/pixmill/servers.json` (or below XDG_CONFIG_HOME), which only its owner can read.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_URL = "http://127.0.0.1:8760"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An address without a slash at its end, and a token (empty: none is known)."""

    url: str
    token: str


def find_credentials(url: str | None = None, token: str | None = None) -> Credentials:
    """What is given, else PIXMILL_URL and PIXMILL_TOKEN, else what was kept, else this machine's usual address."""
    kept = _read()
    where = (url or os.environ.get("PIXMILL_URL") or kept.current or DEFAULT_URL).rstrip("/")
    return Credentials(where, token or os.environ.get("PIXMILL_TOKEN") or kept.tokens.get(where, ""))


def keep_credentials(credentials: Credentials) -> str | None:
    """Remember the token, and make this the server that is meant from now on; gives the one that was meant before."""
    kept = _read()
    _write(_Kept(credentials.url, {**kept.tokens, credentials.url: credentials.token}))
    return kept.current


def forget_current(url: str, *, before: str | None) -> None:
    """Where this server is still the one that is meant, go back to the one before."""
    kept = _read()
    if kept.current == url:
        _write(_Kept(before, kept.tokens))


@dataclass(frozen=True, slots=True)
class _Kept:
    current: str | None
    tokens: dict[str, str]


def _file() -> Path:
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "pixmill" / "servers.json"


def _read() -> _Kept:
    try:
        found = json.loads(_file().read_text())
        return _Kept(found.get("current"), dict(found.get("tokens", {})))
    except (OSError, ValueError, AttributeError, TypeError):
        # Nothing kept yet, or not by us: as if it were not there.
        return _Kept(None, {})


def _write(kept: _Kept) -> None:
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_name(f"servers.{os.getpid()}.new")
    beside.touch(mode=0o600)
    beside.write_text(json.dumps({"current": kept.current, "tokens": kept.tokens}, indent=2) + "\n")
    beside.replace(file)
