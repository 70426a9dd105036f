"""Who asks, as every use case is told."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a user may do in their Organization."""

    OWNER = "owner"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in user; sees and changes what belongs to their Organization."""

    user_id: str
    organization_id: str
    role: Role
