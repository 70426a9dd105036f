"""Secrets that let somebody in: how they are made, and what of them is kept.

They are 256 random bits, so a plain fast hash is enough: there is nothing to guess.
Passwords, when they come, are not like that.
"""

import hashlib
import secrets

TOKEN_PREFIX = "pxm_"  # noqa: S105 - how a token begins, so that scanners for leaked secrets recognise one
_BYTES = 32


def new_secret(prefix: str = "") -> str:
    """A fresh one, fit for a header, a cookie or an address."""
    return prefix + secrets.token_urlsafe(_BYTES)


def hash_of(secret: str) -> str:
    """What the database keeps of it; hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()
