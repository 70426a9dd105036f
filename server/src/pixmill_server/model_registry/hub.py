"""The Hub: a signed-off list of well-known models. What is on it was looked at by a person: licence, address, digest.

To add a model, add it to `hub.json`: never with a digest that was not computed from, or published for, its very bytes.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from pixmill.errors import InvalidInput
from pixmill_server.model_registry.errors import UnknownHubModel
from pixmill_server.model_registry.records import Framework

SIGNED_OFF = Path(__file__).with_name("hub.json")
_SHA256 = r"^[0-9a-f]{64}$"
_ADDRESS = r"^https?://"


class HubModel(BaseModel):
    """One model on the list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str
    task: str
    framework: Framework
    family: str
    """How its head is decoded."""
    licence: str
    """An SPDX identifier."""
    licence_url: str
    address: str = Field(pattern=_ADDRESS)
    file: str
    """What its file is called here."""
    sha256: str = Field(pattern=_SHA256)
    size_bytes: int = Field(gt=0)
    labels: str
    """The name of a list of class names."""
    parameters: dict[str, JsonValue]
    note: str = ""


class _HubFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: dict[str, list[str]]
    models: list[HubModel]


@dataclass(frozen=True, slots=True)
class Hub:
    """The list, by name."""

    models: tuple[HubModel, ...]
    labels: dict[str, tuple[str, ...]]

    def find(self, name: str) -> HubModel:
        """One of the list."""
        for model in self.models:
            if model.name == name:
                return model
        raise UnknownHubModel(name)

    def labels_of(self, model: HubModel) -> tuple[str, ...]:
        """Its class names, by class index."""
        return self.labels[model.labels]


def read_hub(file: Path | None = None) -> Hub:
    """The list in a file (None: the one that Pixmill carries)."""
    path = file or SIGNED_OFF
    try:
        found = _HubFile.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError) as error:
        why = re.sub(r"\s+", " ", str(error))
        raise InvalidInput(
            f"The Hub's list {path} cannot be read: {why}.", hint="Mend it, or unset PIXMILL_HUB."
        ) from error
    missing = sorted({model.labels for model in found.models} - set(found.labels))
    if missing:
        raise InvalidInput(f"The Hub's list {path} lacks the class names '{missing[0]}'.")
    ordered = tuple(sorted(found.models, key=lambda model: model.name))
    return Hub(ordered, {name: tuple(labels) for name, labels in found.labels.items()})
