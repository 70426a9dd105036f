"""Whether the server answers, and as which release."""

from fastapi import APIRouter

import pixmill_server
from pixmill.wire.accounts import Health

router = APIRouter(tags=["server"])


@router.get("/health")
def health() -> Health:
    """Needs no token."""
    return Health(status="ok", version=pixmill_server.__version__)
