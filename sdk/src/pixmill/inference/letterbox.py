"""Lays images of any size into the network's input, and carries boxes back to the pixels of the image."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pixmill.annotations.images import RgbImage
from pixmill.inference.contract import Floats, Placement, Preprocessing

_GREY = 114
_HALF_PIXEL_DOWN = 0.1
"""Of an odd margin, the smaller half goes left and above, as networks were trained with."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Where one image lies in the input; pixels of the input."""

    scale_x: float
    scale_y: float
    left: int
    top: int
    width: int
    """Of the scaled image."""
    height: int


def fit(image_height: int, image_width: int, *, height: int, width: int, placement: Placement) -> Fit:
    """How an image is laid into an input of `height` x `width`."""
    if placement is Placement.STRETCHED:
        return Fit(width / image_width, height / image_height, left=0, top=0, width=width, height=height)
    scale = min(height / image_height, width / image_width)
    # An image thinner than a pixel once it is scaled still needs one.
    scaled_width, scaled_height = max(round(image_width * scale), 1), max(round(image_height * scale), 1)
    left = top = 0
    if placement is Placement.CENTRED:
        left = max(round((width - scaled_width) / 2 - _HALF_PIXEL_DOWN), 0)
        top = max(round((height - scaled_height) / 2 - _HALF_PIXEL_DOWN), 0)
    return Fit(scale, scale, left=left, top=top, width=scaled_width, height=scaled_height)


def to_image(boxes: Floats | NDArray[np.float64], place: Fit) -> NDArray[np.float64]:
    """(n, 4) corners in pixels of the input to corners in pixels of the image, not clipped."""
    found: NDArray[np.float64] = (boxes - _margin(place)) / _scale(place)
    return found


def to_input(boxes: NDArray[np.float64], place: Fit) -> NDArray[np.float64]:
    """The inverse of `to_image`."""
    laid: NDArray[np.float64] = boxes * _scale(place) + _margin(place)
    return laid


def _margin(place: Fit) -> NDArray[np.float64]:
    return np.array([place.left, place.top, place.left, place.top], dtype=np.float64)


def _scale(place: Fit) -> NDArray[np.float64]:
    return np.array([place.scale_x, place.scale_y, place.scale_x, place.scale_y], dtype=np.float64)


class Letterbox:
    """Fills the same tensor again and again; belongs to one thread."""

    def __init__(self, preprocessing: Preprocessing, *, height: int, width: int, channels_last: bool) -> None:
        self.height, self.width = height, width
        self._preprocessing = preprocessing
        self._channels_last = channels_last
        self._canvas = np.empty((height, width, 3), dtype=np.uint8)
        self._tensor = np.empty((0, *self._axes()), dtype=np.float32)

    def __call__(self, images: Sequence[RgbImage]) -> tuple[Floats, list[Fit]]:
        """RGB images to one float32 tensor in the network's layout, and where each lies; the next call reuses it."""
        if len(self._tensor) < len(images):
            self._tensor = np.empty((len(images), *self._axes()), dtype=np.float32)
        tensor = self._tensor[: len(images)]
        places = []
        for image, place_in_tensor in zip(images, tensor, strict=True):
            places.append(self._lay(image))
            self._write(place_in_tensor)
        return tensor, places

    def _axes(self) -> tuple[int, int, int]:
        return (self.height, self.width, 3) if self._channels_last else (3, self.height, self.width)

    def _lay(self, image: RgbImage) -> Fit:
        """Scale the image onto the canvas."""
        placement, canvas = self._preprocessing.placement, self._canvas
        place = fit(image.shape[0], image.shape[1], height=self.height, width=self.width, placement=placement)
        if (place.height, place.width) != canvas.shape[:2]:
            canvas[...] = _GREY
        inside = canvas[place.top : place.top + place.height, place.left : place.left + place.width]
        if (place.height, place.width) == image.shape[:2]:
            inside[...] = image
        else:
            inside[...] = cv2.resize(image, (place.width, place.height), interpolation=cv2.INTER_LINEAR)
        return place

    def _write(self, tensor: Floats) -> None:
        """From the canvas to the tensor, by true division: dynamic quantisation feels the last bit."""
        wants = self._preprocessing
        order = (2, 1, 0) if wants.bgr else (0, 1, 2)
        colours = cv2.split(self._canvas)
        for channel, colour in enumerate(order):
            plane = tensor[..., channel] if self._channels_last else tensor[channel]
            np.divide(colours[colour], np.float32(wants.unit), out=plane, dtype=np.float32)
            if wants.mean[colour]:
                plane -= np.float32(wants.mean[colour])
            if wants.deviation[colour] != 1:
                plane /= np.float32(wants.deviation[colour])
