"""Files that hold more than one image: animations and documents."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from digits.errors import (
    BrokenImageError,
    NoSuchPageError,
    TooManyPixelsError,
)
from digits.images.decode import decode, open_image
from digits.images.limits import ImageLimits
from tests.pictures import ORIENTATION, PICTURE, encode


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_an_animation_gives_its_first_frame(form: str) -> None:
    frames = [Image.fromarray(PICTURE), Image.new("RGB", (30, 40), (255, 0, 0))]
    pixels = decode(encode(frames[0], form, save_all=True, append_images=frames[1:], duration=100))
    assert np.abs(pixels.astype(int) - PICTURE).mean() < 8


def webp_animation(frame_size: tuple[int, int], left: int, top: int, color: tuple[int, ...]) -> bytes:
    """An animation on a canvas of 60 x 80 pixels whose first frame stands where it is asked to."""
    frame = Image.new("RGBA", frame_size, color)
    still = encode(frame, "WEBP", lossless=True, exact=True)
    chunks = still[still.index(b"VP8L") :]
    place = b"".join(n.to_bytes(3, "little") for n in (left // 2, top // 2, frame.width - 1, frame.height - 1, 50))
    content = place + b"\2" + chunks
    frames = (b"ANMF" + struct.pack("<I", len(content)) + content) * 2
    canvas = (59).to_bytes(3, "little") + (79).to_bytes(3, "little")
    header = b"VP8X" + struct.pack("<I", 10) + b"\x12\0\0\0" + canvas + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    body = b"WEBP" + header + frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("color", [(0, 0, 0, 255), (200, 100, 0, 255), (0, 0, 0, 90)])
@pytest.mark.parametrize("place", [(60, 80, 0, 0), (20, 30, 10, 40), (2, 2, 58, 78)])
def test_the_first_frame_of_a_webp_animation_stands_on_its_canvas_as_a_viewer_shows_it(
    place: tuple[int, int, int, int], color: tuple[int, ...]
) -> None:
    width, height, left, top = place
    data = webp_animation((width, height), left, top, color)
    with Image.open(io.BytesIO(data)) as image:
        shown = encode(Image.fromarray(np.asarray(image.convert("RGBA"))))
    opened = open_image(data)
    assert (opened.width, opened.height) == (60, 80)
    assert np.array_equal(opened.decode(), decode(shown))
    # Reduced to a quarter, the frame is where it was.
    assert opened.decode(20).shape[:2] == (20, 15)


@pytest.mark.parametrize("place", [(20, 30, 42, 40), (20, 30, 10, 52)])
def test_a_frame_that_hangs_over_its_canvas_is_broken(place: tuple[int, int, int, int]) -> None:
    width, height, left, top = place
    with pytest.raises(BrokenImageError):
        decode(webp_animation((width, height), left, top, (0, 0, 0, 255)))


def test_a_webp_animation_without_a_frame_or_with_half_of_one_is_broken() -> None:
    data = webp_animation((60, 80), 0, 0, (0, 0, 0, 255))
    first = data.index(b"ANMF")
    for damaged in (data[:first], data[: first + 20], data[: first + 30], data[:first] + data[first + 4 :]):
        with pytest.raises(BrokenImageError):
            decode(damaged)


def test_an_animation_is_turned_upright_by_its_exif() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    frames = [Image.fromarray(PICTURE), Image.new("RGB", (30, 40), (255, 0, 0))]
    data = encode(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, exif=exif)
    assert np.array_equal(decode(data), np.rot90(PICTURE, -1))


def test_each_page_of_a_document_may_be_read_and_has_its_own_size() -> None:
    pages = [np.full((40 + 10 * number, 30, 3), (number, 100, 200), np.uint8) for number in range(3)]
    first, *others = map(Image.fromarray, pages)
    data = encode(first, "TIFF", save_all=True, append_images=others)
    for number, pixels in enumerate(pages, 1):
        opened = open_image(data, page=number)
        assert opened.pages == 3
        assert (opened.width, opened.height) == (30, 30 + 10 * number)
        for _ in range(2):
            assert np.array_equal(opened.decode(), pixels)
    for number in (-1, 0, 4):
        with pytest.raises(NoSuchPageError, match=f"has 3 pages, and page {number} was asked for"):
            open_image(data, page=number)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "AVIF"])
def test_any_other_file_has_one_page_though_it_moves(form: str) -> None:
    frames = [Image.fromarray(PICTURE), Image.new("RGB", (30, 40), (255, 0, 0))]
    options = {} if form == "JPEG" else {"save_all": True, "append_images": frames[1:]}
    data = encode(frames[0], form, **options)
    assert open_image(data).pages == 1
    with pytest.raises(NoSuchPageError, match="has one page, and page 2 was asked for"):
        open_image(data, page=2)


def test_pages_are_turned_one_after_the_other_and_each_is_turned_upright() -> None:
    turned, straight = Image.fromarray(PICTURE), Image.fromarray(PICTURE[:20])
    data = encode(turned, "TIFF", save_all=True, append_images=[straight], tiffinfo={ORIENTATION: 6})
    opened = open_image(data)
    assert np.array_equal(opened.decode(), np.rot90(PICTURE, -1))
    assert opened.upright_size == (40, 30)
    opened.turn_to(2)
    assert opened.decode().shape[:2] in ((20, 30), (30, 20))
    opened.turn_to(1)
    assert np.array_equal(opened.decode(), np.rot90(PICTURE, -1))
    with pytest.raises(NoSuchPageError):
        opened.turn_to(3)


@pytest.mark.parametrize("kind", [1, 4, 5])
def test_previews_and_masks_in_a_tiff_file_are_no_pages(kind: int) -> None:
    file = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(file, True) as writer:
        for number, kind_of_image in ((1, kind), (2, 0), (3, 2)):
            Image.fromarray(PICTURE[: 10 * number]).save(writer, "TIFF", tiffinfo={254: kind_of_image})
            writer.newFrame()
    opened = open_image(file.getvalue())
    heights = []
    for number in range(1, opened.pages + 1):
        opened.turn_to(number)
        heights.append(opened.height)
    assert heights == [20, 30]


def test_a_page_that_was_cut_off_is_counted_and_broken() -> None:
    pages = [Image.fromarray(np.full((60, 60), value, np.uint8)) for value in (10, 20)]
    data = encode(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    opened = open_image(data[: len(data) - 3700])
    assert opened.pages == 2
    assert opened.decode().max() == 10
    with pytest.raises(BrokenImageError):
        opened.turn_to(2)


def test_each_page_is_checked_for_its_size() -> None:
    pages = [Image.new("L", (20, 20)), Image.new("L", (50, 50))]
    data = encode(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    opened = open_image(data, ImageLimits(max_pixels=2_000))
    assert opened.pages == 2
    with pytest.raises(TooManyPixelsError, match="50 x 50"):
        opened.turn_to(2)
