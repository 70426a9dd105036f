"""What a street template says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sample.street.buildings import Style
from sample.street.furniture import Kind
from sample.street.moods import Colour


class Side(StrEnum):
    """What lies beside a street."""

    BUILDINGS = "buildings"
    PARK = "park"
    WATER = "water"
    FIELD = "field"
    OPEN = "open"


class Horizon(StrEnum):
    """What stands at the horizon."""

    HILLS = "hills"
    SKYLINE = "skyline"
    TREES = "trees"


Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """A street template. Metres and degrees; ranges are drawn from for each picture.

    The road runs along z around x = 0. A camera with yaw 0 looks along it, one with yaw 90 across it, to the right.
    """

    name: str
    camera_x: Range
    yaw: Range
    road_half: float
    walk: float
    left: Side
    right: Side
    style: Style
    lanes: tuple[float, ...]
    """Offsets of the lanes; traffic keeps right: lanes with x > 0 lead away from a camera that looks along the road."""
    horizon: Horizon
    trees: tuple[Kind, ...]
    tree_gap: float
    camera_height: Range = (1.5, 2.4)
    field_of_view: Range = (54.0, 66.0)
    horizon_at: Range = (0.5, 0.6)
    """The horizon's place as a share of the picture's height."""
    parked: tuple[float, float] = (0.0, 0.0)
    """How full the kerbs are with parked cars, left and right."""
    crossing: Range | None = None
    """Where a zebra crossing with traffic lights lies along the road; None for a street without one."""
    people: tuple[int, int] = (4, 9)
    traffic: float = 0.5
    paving: Colour = (176, 170, 162)
    asphalt: Colour = (98, 100, 106)
    cobbles: bool = False
