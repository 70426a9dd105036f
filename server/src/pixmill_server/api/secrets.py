"""Secrets that Processings name: set, listed by name, removed; no value is ever told."""

from fastapi import APIRouter

from pixmill.wire.secrets import Secret, SecretPage, SetSecret
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, cut
from pixmill_server.processings import secrets as feature

router = APIRouter(prefix="/secrets", tags=["secrets"])


@router.get("")
def list_secrets(
    services: Services, actor: CurrentActor, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> SecretPage:
    """By name, without their values."""
    found = feature.list_secrets(services.secrets, actor.organization_id)
    page, following = cut(found, key=lambda secret: secret.name, limit=limit, cursor=cursor)
    return SecretPage(items=[Secret(name=one.name, set_at=one.set_at) for one in page], next_cursor=following)


@router.put("/{name}")
def set_secret(services: Services, actor: CurrentActor, name: str, request: SetSecret) -> Secret:
    """Keep a value, in place of one that was there; Runs that are launched from now on get it."""
    kept = feature.set_secret(services.secrets, actor, name, request.value)
    return Secret(name=kept.name, set_at=kept.set_at)


@router.delete("/{name}", status_code=204)
def remove_secret(services: Services, actor: CurrentActor, name: str) -> None:
    """Forget it; a Processing that names it can then not be launched."""
    feature.remove_secret(services.secrets, actor, name)
