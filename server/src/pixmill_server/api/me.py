"""Who I am, and how a browser of mine is signed in."""

from fastapi import APIRouter

from pixmill.wire.accounts import Me, SigninLink
from pixmill_server.accounts.sessions import create_signin_link
from pixmill_server.accounts.users import find_user
from pixmill_server.api.dependencies import CurrentActor, Services

router = APIRouter(tags=["accounts"])


@router.get("/me")
def me(services: Services, actor: CurrentActor) -> Me:
    """The signed-in user."""
    user = find_user(services.accounts, actor.user_id)
    return Me(
        id=user.id,
        name=user.name,
        email=user.email,
        role=user.role.value,
        organization_id=user.organization_id,
        organization=user.organization,
    )


@router.post("/signin-links", status_code=201)
def create_link(services: Services, actor: CurrentActor) -> SigninLink:
    """A path that signs one browser in as me, once, within half an hour."""
    return SigninLink(path=f"/sign-in?link={create_signin_link(services.accounts, actor)}")
