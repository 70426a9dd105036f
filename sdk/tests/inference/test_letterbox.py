import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmill.inference.contract import Placement, Preprocessing
from pixmill.inference.letterbox import Letterbox, fit, to_image, to_input

SIDES = st.integers(1, 5000)
INPUTS = st.sampled_from([32, 320, 416, 640, 1280])


@given(SIDES, SIDES, INPUTS, INPUTS, st.sampled_from(Placement))
def test_a_box_comes_back_from_the_input_where_it_was(
    image_height: int, image_width: int, height: int, width: int, placement: Placement
) -> None:
    place = fit(image_height, image_width, height=height, width=width, placement=placement)
    box = np.array([[0.25 * image_width, 0.5 * image_height, image_width, image_height]])

    np.testing.assert_allclose(to_image(to_input(box, place), place), box, rtol=1e-9, atol=1e-6)


@given(SIDES, SIDES, INPUTS, INPUTS, st.sampled_from(Placement))
def test_the_whole_image_lies_inside_the_input(
    image_height: int, image_width: int, height: int, width: int, placement: Placement
) -> None:
    place = fit(image_height, image_width, height=height, width=width, placement=placement)

    assert 0 <= place.left <= place.left + place.width <= width
    assert 0 <= place.top <= place.top + place.height <= height


def test_a_wide_image_gets_grey_margins_above_and_below() -> None:
    letterbox = Letterbox(Preprocessing(Placement.CENTRED, unit=1.0), height=64, width=64, channels_last=False)

    tensor, (place,) = letterbox([np.full((32, 64, 3), 200, dtype=np.uint8)])

    assert (place.left, place.top) == (0, 16)
    assert tensor.shape == (1, 3, 64, 64)
    assert (tensor[0, :, :16] == 114).all()
    assert (tensor[0, :, 16:48] == 200).all()
    assert (tensor[0, :, 48:] == 114).all()


def test_a_canvas_that_is_used_again_keeps_nothing_of_the_last_image() -> None:
    letterbox = Letterbox(Preprocessing(Placement.TOP_LEFT, unit=1.0), height=64, width=64, channels_last=False)

    letterbox([np.full((64, 64, 3), 255, dtype=np.uint8)])
    tensor, _ = letterbox([np.zeros((64, 32, 3), dtype=np.uint8)])

    assert (tensor[0, :, :, 32:] == 114).all()


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("bgr", [False, True])
def test_colours_are_ordered_and_normalised_as_the_network_wants(channels_last: bool, bgr: bool) -> None:
    wants = Preprocessing(Placement.STRETCHED, bgr=bgr, mean=(0.2, 0.0, 0.0), deviation=(0.5, 1.0, 1.0))
    letterbox = Letterbox(wants, height=8, width=8, channels_last=channels_last)
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    image[...] = (102, 51, 255)

    tensor, _ = letterbox([image, image])

    red_first = [(102 - 51) / 255 / 0.5, 51 / 255, 1.0]
    pixel = tensor[1, 4, 4] if channels_last else tensor[1, :, 4, 4]
    np.testing.assert_allclose(pixel, red_first[::-1] if bgr else red_first, atol=1e-6)
