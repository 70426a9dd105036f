import io

import numpy as np
import pytest
from PIL import Image

from pixmill.runtime import decoding
from pixmill.runtime.decoding import Undecodable, decode

ORIENTATION = 0x0112


@pytest.fixture(params=["opencv", "pillow"], autouse=True)
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "pillow":
        monkeypatch.setattr(decoding, "HAS_OPENCV", False)
    elif not decoding.HAS_OPENCV:
        pytest.skip("OpenCV is not installed")
    return str(request.param)


def halves(mode: str = "RGB") -> Image.Image:
    """40 x 30 pixels: red on the left, blue on the right."""
    image = Image.new("RGB", (40, 30), (255, 0, 0))
    image.paste((0, 0, 255), (20, 0, 40, 30))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str, *, orientation: int = 1) -> bytes:
    written = io.BytesIO()
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image.save(written, kind, exif=exif)
    return written.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_image_is_rgb_with_height_before_width(kind: str) -> None:
    image = decode(encoded(halves(), kind), width=40, height=30)
    assert image.shape == (30, 40, 3)
    assert image.dtype == np.uint8
    assert image[15, 5, 0] > 200 > image[15, 5, 2]
    assert image[15, 35, 2] > 200 > image[15, 35, 0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_image_is_turned_as_its_exif_says(kind: str) -> None:
    image = decode(encoded(halves(), kind, orientation=6), width=30, height=40)
    assert image.shape == (40, 30, 3)
    assert image[5, 15, 0] > 200 > image[5, 15, 2]
    assert image[35, 15, 2] > 200 > image[35, 15, 0]


@pytest.mark.parametrize(
    ("mode", "kind"), [("L", "JPEG"), ("CMYK", "JPEG"), ("P", "PNG"), ("RGBA", "PNG"), ("1", "PNG")]
)
def test_whatever_the_file_holds_comes_out_as_rgb(mode: str, kind: str) -> None:
    assert decode(encoded(halves(mode), kind), width=40, height=30).shape == (30, 40, 3)


def test_sixteen_bits_of_grey_become_eight() -> None:
    grey = Image.fromarray(np.full((30, 40), 0x8000, dtype=np.uint16))
    assert np.unique(decode(encoded(grey, "PNG"), width=40, height=30)).tolist() == [0x80]


def test_a_truncated_jpeg_is_refused_and_not_filled_up() -> None:
    whole = encoded(Image.effect_noise((200, 200), 80).convert("RGB"), "JPEG")
    with pytest.raises(Undecodable, match="cannot be decoded"):
        decode(whole[: len(whole) // 2], width=200, height=200)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 not an image", b"\xff\xd8\xff"])
def test_what_is_no_image_is_refused(content: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(content, width=0, height=0)


def test_an_image_of_another_size_than_the_version_says_is_refused() -> None:
    with pytest.raises(Undecodable, match="has 40 x 30 pixels, but the version says 30 x 40"):
        decode(encoded(halves(), "PNG"), width=30, height=40)


def test_a_size_that_nobody_knows_yet_is_not_compared() -> None:
    assert decode(encoded(halves(), "PNG"), width=0, height=0).shape == (30, 40, 3)
