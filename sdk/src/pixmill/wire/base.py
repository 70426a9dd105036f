"""What every model on the wire has in common: it never changes once made, and ignores what a newer release added."""

from pydantic import BaseModel, ConfigDict


class WireModel(BaseModel):
    """A frozen JSON object; unknown keys are ignored, so that an older reader understands a newer writer."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class WireRequest(BaseModel):
    """A frozen JSON object that somebody asks with; unknown keys are refused, so that no wish is lost silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
