"""JPEG files are decoded by OpenCV to the pixels that Pillow gives, and refused where Pillow refuses them."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import ExifTags, Image, ImageOps

from digits.errors import BrokenImageError
from digits.images.codecs.jpeg import decode_jpeg, turn_upright
from digits.images.decode import decode

Array = npt.NDArray[np.uint8]


def picture(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """Colored noise on a slope, so that no two pixels are alike."""
    width, height = size
    rng = np.random.default_rng(width * height)
    slope = np.linspace(0, 180, width)[None, :, None] + rng.integers(0, 76, (height, width, 3))
    return Image.fromarray(slope.astype(np.uint8)).convert(mode)


def file_of(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def by_opencv(data: bytes, enough: int) -> Array | None:
    with Image.open(io.BytesIO(data)) as image:
        return decode_jpeg(image, data, enough)


def by_pillow(data: bytes, scale: int) -> Array:
    with Image.open(io.BytesIO(data)) as image:
        if scale > 1:
            image.draft(None, (image.width // scale, image.height // scale))
        return np.asarray(image)


@pytest.mark.parametrize("size", [(64, 48), (161, 203)])
@pytest.mark.parametrize("scale", [1, 2, 4, 8])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_colors_are_those_of_pillow(size: tuple[int, int], scale: int, subsampling: str) -> None:
    data = file_of(picture(size), subsampling=subsampling, quality=83)
    pixels = by_opencv(data, max(size) // scale)
    assert pixels is not None
    np.testing.assert_array_equal(pixels, by_pillow(data, scale))


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
def test_grays_are_those_of_pillow(scale: int) -> None:
    data = file_of(picture((90, 75), "L"))
    pixels = by_opencv(data, 90 // scale)
    assert pixels is not None
    np.testing.assert_array_equal(pixels, by_pillow(data, scale))


@pytest.mark.parametrize("orientation", [None, 0, *range(1, 9), 77])
def test_every_orientation_is_turned_as_by_pillow(orientation: int | None) -> None:
    image = picture((30, 20))
    image.getexif()[ExifTags.Base.Orientation] = orientation or 0
    expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(turn_upright(np.asarray(image), orientation), expected)


@pytest.mark.parametrize("enough", [10, 18])
def test_a_picture_that_is_to_be_reduced_by_more_than_eight_is_left_to_pillow(enough: int) -> None:
    assert by_opencv(file_of(picture((320, 40))), enough) is None


def test_cmyk_several_passes_and_other_formats_are_left_to_pillow() -> None:
    assert by_opencv(file_of(picture((64, 48), "CMYK")), 64) is None
    assert by_opencv(file_of(picture((64, 48)), progressive=True), 64) is None
    file = io.BytesIO()
    picture((64, 48)).save(file, "PNG")
    assert by_opencv(file.getvalue(), 64) is None


@pytest.mark.parametrize("where", [0.3, 0.6, 0.95])
def test_what_pillow_refuses_is_refused(where: float) -> None:
    data = file_of(picture((200, 160)))
    at = round(len(data) * where)
    # Cut off; cut off with an end behind it, which counts as whole, as before; with a marker among the pixels.
    for damaged in (data[:at], data[:at] + b"\xff\x36" + data[at + 2 :]):
        with pytest.raises(BrokenImageError):
            decode(damaged)
    ended = data[:at] + b"\xff\xd9"
    np.testing.assert_array_equal(decode(ended), by_pillow(ended, 1))


def test_what_follows_the_end_of_the_picture_does_not_count() -> None:
    data = file_of(picture((64, 48)))
    np.testing.assert_array_equal(by_opencv(data + b"\xff\xd8 a second picture", 64), by_pillow(data, 1))


def test_a_marker_between_two_pieces_of_the_file_is_found() -> None:
    from digits.images.codecs import jpeg

    data = b"\x00" * (jpeg._PIECE + 1) + b"\xff\x36\xff\xd9"
    assert jpeg._first_marker(data, 2) == 0x36
    assert jpeg._first_marker(data, jpeg._PIECE) == 0x36
    assert jpeg._first_marker(b"\xff\x00\xff\xd3\xff\xff\xff", 0) is None


# What a segment of EXIF data may hold by chance: the markers before and behind the pixels.
SEGMENT = b"\xff\xe1" + (2 + 6 + 4 + 40).to_bytes(2) + b"Exif\0\0" + b"\xff\xda\xff\xd9" + bytes(40)


@pytest.mark.parametrize("before", [b"", b"\xff\xff"])
def test_markers_inside_a_segment_do_not_hide_damage_behind_it(before: bytes) -> None:
    data = file_of(picture((160, 120)))
    longer = data[:2] + SEGMENT + before + data[2:]
    pixels = by_opencv(longer, 1000)
    assert pixels is not None
    np.testing.assert_array_equal(pixels, by_pillow(data, 1))
    middle = len(longer) // 2
    damaged = longer[:middle] + b"\xff\xe5" + longer[middle + 2 :]
    assert by_opencv(damaged, 1000) is None
