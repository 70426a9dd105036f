"""What is drawn upon: a picture kept larger than it will be, and the record of which object each pixel shows."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from sample.street.geometry import Point2
    from sample.street.moods import Colour

OVERSAMPLING = 2
"""The picture is drawn this many times larger, then reduced: that smooths its edges."""
MASK_SCALE = 2
"""Mask pixels per picture pixel, each way."""


@dataclass(frozen=True, slots=True)
class Glow:
    """Light that spills over what is around it, added when the picture is finished. Pixels; strength 0 to 1."""

    x: float
    y: float
    radius: float
    colour: Colour
    strength: float
    streak: float = 0.0
    """How many radii down it is mirrored by a wet road."""
    owner: int = 0
    """The number of what it comes from; where that is hidden, so is the light. 0 for light that nothing hides."""


@dataclass(slots=True)
class GroundMask:
    """Where the ground is darker or lighter, in picture pixels; soft once it is applied."""

    image: Image.Image

    def polygon(self, points: Sequence[Point2], strength: int) -> None:
        """Mark a polygon, strength 0 to 255."""
        if len(points) > 2:
            ImageDraw.Draw(self.image).polygon(list(points), fill=strength)

    def scale(self, share: float) -> None:
        """Make all marks weaker."""
        self.image = self.image.point(lambda value: value * share)

    def join(self, other: GroundMask) -> None:
        """Add another's marks."""
        self.image = ImageChops.screen(self.image, other.image)

    def paste_on(self, canvas: Canvas, colour: Colour, *, share: float, softness: float) -> None:
        """Blend a colour over what is marked; `softness` in pixels."""
        soft = self.image.filter(ImageFilter.GaussianBlur(softness)).point(lambda value: value * share)
        canvas.image.paste(colour, mask=soft.resize(canvas.image.size, Image.Resampling.BILINEAR))


@dataclass(slots=True)
class Canvas:
    """All coordinates are pixels of the finished picture. Opaque strokes are noted in the mask while `tracing`."""

    width: int
    height: int
    image: Image.Image = field(init=False)
    glows: list[Glow] = field(init=False, default_factory=list)
    shown: npt.NDArray[np.uint16] = field(init=False)
    """Which thing each mask pixel shows, 0 for none: (height * MASK_SCALE, width * MASK_SCALE)."""
    cast: GroundMask = field(init=False)
    """Shadows that the sun casts."""
    contact: GroundMask = field(init=False)
    """The dark beneath things."""
    pools: GroundMask = field(init=False)
    """Lamplight."""
    _pen: ImageDraw.ImageDraw = field(init=False)
    _trace: ImageDraw.ImageDraw | None = field(init=False, default=None)
    _number: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Start with a black picture that shows nothing."""
        self.image = Image.new("RGB", (self.width * OVERSAMPLING, self.height * OVERSAMPLING))
        self._pen = ImageDraw.Draw(self.image, "RGBA")
        self.shown = np.zeros((self.height * MASK_SCALE, self.width * MASK_SCALE), np.uint16)
        size = (self.width, self.height)
        self.cast, self.contact, self.pools = (GroundMask(Image.new("L", size)) for _ in range(3))

    def replace(self, image: Image.Image) -> None:
        """Go on drawing on another picture of the same size."""
        self.image = image
        self._pen = ImageDraw.Draw(self.image, "RGBA")

    @contextmanager
    def tracing(self, number: int) -> Iterator[list[int]]:
        """Note what is drawn as thing `number` (from 1); the list holds its whole area afterwards, mask pixels."""
        pad_x, pad_y = self.width // 2 * MASK_SCALE, self.height // 4 * MASK_SCALE
        size = (self.width * MASK_SCALE + 2 * pad_x, self.height * MASK_SCALE + 2 * pad_y)
        mask = Image.new("L", size)
        self._trace = ImageDraw.Draw(mask)
        self._number = number
        area: list[int] = []
        yield area
        self._trace, self._number = None, 0
        left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
        whole = np.asarray(mask.crop((left, top, right, bottom))) > 0
        area.append(int(np.count_nonzero(whole)))
        x, y = max(left - pad_x, 0), max(top - pad_y, 0)
        inside = whole[y + pad_y - top :, x + pad_x - left :][
            : max(size[1] - 2 * pad_y - y, 0), : max(size[0] - 2 * pad_x - x, 0)
        ]
        self.shown[y : y + inside.shape[0], x : x + inside.shape[1]][inside] = number

    def polygon(self, points: Sequence[Point2], colour: Colour, alpha: int = 255) -> None:
        """Fill a polygon."""
        if len(points) < 3:
            return
        self._pen.polygon([(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points], fill=(*colour, alpha))
        if self._trace is not None and alpha == 255:
            self._trace.polygon(self._on_mask(points), fill=255)

    def ellipse(self, centre: Point2, rx: float, ry: float, colour: Colour, alpha: int = 255) -> None:
        """Fill an ellipse."""
        box = [
            ((centre[0] - rx) * OVERSAMPLING, (centre[1] - ry) * OVERSAMPLING),
            ((centre[0] + rx) * OVERSAMPLING, (centre[1] + ry) * OVERSAMPLING),
        ]
        self._pen.ellipse(box, fill=(*colour, alpha))
        if self._trace is not None and alpha == 255:
            x, y = centre
            self._trace.ellipse(self._on_mask([(x - rx, y - ry), (x + rx, y + ry)]), fill=255)

    def ring(self, centre: Point2, radius: float, width: float, colour: Colour) -> None:
        """Draw a circle's outline; its whole disc is what it shows."""
        box = [((centre[i] + sign * radius) * OVERSAMPLING) for sign in (-1, 1) for i in (0, 1)]
        self._pen.ellipse(box, outline=(*colour, 255), width=max(1, round(width * OVERSAMPLING)))
        if self._trace is not None:
            x, y = centre
            corners = [(x - radius, y - radius), (x + radius, y + radius)]
            self._trace.ellipse(self._on_mask(corners), fill=255)

    def stroke(self, points: Sequence[Point2], width: float, colour: Colour, alpha: int = 255) -> None:
        """Draw a line with round joints and ends."""
        thick = max(1, round(width * OVERSAMPLING))
        scaled = [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points]
        self._pen.line(scaled, fill=(*colour, alpha), width=thick)
        if alpha == 255 and thick > 2:
            for x, y in scaled:
                r = width * OVERSAMPLING / 2
                self._pen.ellipse([x - r, y - r, x + r, y + r], fill=(*colour, alpha))
        if self._trace is not None and alpha == 255:
            self._trace.line(self._on_mask(points), fill=255, width=max(1, round(width * MASK_SCALE)))
            for x, y in points:
                r = width / 2
                self._trace.ellipse(self._on_mask([(x - r, y - r), (x + r, y + r)]), fill=255)

    def glow(self, glow: Glow) -> None:
        """Add light when the picture is finished, from the thing that is being drawn."""
        self.glows.append(replace(glow, owner=self._number))

    def visible_glows(self) -> list[Glow]:
        """The lights whose middle nothing hides."""
        kept = []
        for glow in self.glows:
            x, y = round(glow.x * MASK_SCALE), round(glow.y * MASK_SCALE)
            inside = 0 <= x < self.shown.shape[1] and 0 <= y < self.shown.shape[0]
            if not glow.owner or not inside or self.shown[y, x] == glow.owner:
                kept.append(glow)
        return kept

    def _on_mask(self, points: Sequence[Point2]) -> list[Point2]:
        # A mask pixel belongs to a shape when its middle does, hence the half pixel.
        dx, dy = self.width // 2, self.height // 4
        return [((x + dx) * MASK_SCALE - 0.5, (y + dy) * MASK_SCALE - 0.5) for x, y in points]
