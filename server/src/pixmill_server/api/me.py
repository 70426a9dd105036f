"""Who I am, and how a browser of mine is signed in."""

from fastapi import APIRouter

from pixmill.wire.accounts import ChangeMe, Me, SigninLink
from pixmill_server.accounts.sessions import create_signin_link
from pixmill_server.accounts.users import User, change_profile, find_user
from pixmill_server.api.dependencies import CurrentActor, Services

router = APIRouter(tags=["accounts"])


@router.get("/me")
def me(services: Services, actor: CurrentActor) -> Me:
    """The signed-in user."""
    return _me(find_user(services.accounts, actor.user_id))


def _me(user: User) -> Me:
    return Me(
        id=user.id,
        name=user.name,
        email=user.email,
        role=user.role.value,
        organization_id=user.organization_id,
        organization=user.organization,
    )


@router.put("/me")
def change_me(services: Services, actor: CurrentActor, request: ChangeMe) -> Me:
    """What I am called from now on, and my e-mail address."""
    return _me(change_profile(services.accounts, actor, name=request.name, email=request.email))


@router.post("/signin-links", status_code=201)
def create_link(services: Services, actor: CurrentActor) -> SigninLink:
    """A path that signs one browser in as me, once, within half an hour."""
    return SigninLink(path=f"/sign-in?link={create_signin_link(services.accounts, actor)}")
