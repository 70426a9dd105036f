"""Which pages may change something with a browser's session: our own."""


def is_own_origin(origin: str, *, scheme: str, host: str, public_url: str) -> bool:
    """Whether an `Origin` header ("" where there is none) names this server, or its public address behind a proxy."""
    own = {f"{scheme}://{host}".lower(), public_url.rstrip("/").lower()}
    return bool(origin) and origin.lower() in own
