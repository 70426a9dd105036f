"""API tokens of my own."""

from datetime import timedelta

from fastapi import APIRouter

from pixmill.wire.accounts import CreateToken, NewToken, Token, TokenPage
from pixmill_server.accounts import tokens
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, cut

router = APIRouter(prefix="/tokens", tags=["accounts"])


@router.get("")
def list_tokens(
    services: Services, actor: CurrentActor, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> TokenPage:
    """Newest first; secrets are never shown again."""
    found = tokens.list_tokens(services.accounts, actor)
    page, following = cut(found, key=lambda token: token.id, limit=limit, cursor=cursor, descending=True)
    return TokenPage(items=[_token(token) for token in page], next_cursor=following)


@router.post("", status_code=201)
def create_token(services: Services, actor: CurrentActor, request: CreateToken) -> NewToken:
    """A new token; its secret is in this answer and nowhere else."""
    lifetime = timedelta(days=request.days) if request.days is not None else None
    token, secret = tokens.create_token(services.accounts, actor, request.name, lifetime=lifetime)
    return NewToken(**_token(token).model_dump(), secret=secret)


@router.delete("/{token_id}", status_code=204)
def revoke_token(services: Services, actor: CurrentActor, token_id: str) -> None:
    """Make it worthless at once."""
    tokens.revoke_token(services.accounts, actor, token_id)


def _token(token: tokens.ApiToken) -> Token:
    return Token(
        id=token.id,
        name=token.name,
        created_at=token.created_at,
        last_used_at=token.last_used_at,
        expires_at=token.expires_at,
    )
