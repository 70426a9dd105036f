"""What every model on the wire has in common: it never changes once made, and ignores what a newer release added."""

from pydantic import BaseModel, ConfigDict, ValidationError

from pixmill.errors import InvalidInput


class WireModel(BaseModel):
    """A frozen JSON object; unknown keys are ignored, so that an older reader understands a newer writer."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class WireRequest(BaseModel):
    """A frozen JSON object that somebody asks with; unknown keys are refused, so that no wish is lost silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    def __init__(self, **values: object) -> None:
        """Refuse in Pixmill's own words what cannot be asked for; nothing was sent yet."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise InvalidInput(f"'{place}' cannot be {first['input']!r}: {first['msg']}.", field=place) from error
