import errno
import io
import struct
import zlib
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from digits.errors import (
    BrokenImageError,
    EmptyFileError,
    ImageError,
    ImageTooLargeError,
    SettingError,
    UnsupportedFormatError,
)
from digits.images.decode import decode, open_image
from digits.images.formats import FORMATS
from digits.images.limits import MAX_BYTES, MAX_PIXELS, ImageLimits
from tests.pictures import ORIENTATION, PICTURE, encode


def png_that_claims(width: int, height: int) -> bytes:
    """A black-and-white PNG that ends where its pixels should begin."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 100) + b"IDAT"


@pytest.mark.parametrize("form", FORMATS)
def test_every_supported_format_is_read(form: str) -> None:
    pixels = decode(encode(PICTURE, form))
    assert pixels.dtype == np.uint8
    assert pixels.shape == PICTURE.shape
    assert np.abs(pixels.astype(int) - PICTURE).mean() < 8


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "GIF", "JPEG2000", "PPM", "ICO", "TGA", "PCX"])
def test_lossless_formats_keep_every_pixel(form: str) -> None:
    assert np.array_equal(decode(encode(PICTURE, form)), PICTURE)


@pytest.mark.parametrize("mode", ["L", "1"])
def test_a_gray_image_has_no_color_axis(mode: str) -> None:
    gray = Image.fromarray(PICTURE).convert(mode)
    assert np.array_equal(decode(encode(gray)), np.asarray(gray.convert("L")))


def test_other_color_spaces_become_rgb() -> None:
    image = Image.fromarray(PICTURE)
    lab = Image.merge("LAB", [image.convert("L"), *[Image.new("L", image.size, 128)] * 2])
    spaces = [(image.convert(mode), form) for mode, form in (("P", "GIF"), ("CMYK", "JPEG"), ("YCbCr", "TIFF"))]
    for picture, form in [*spaces, (lab, "TIFF")]:
        pixels = decode(encode(picture, form))
        assert pixels.shape[:2] == PICTURE.shape[:2]
        assert pixels[30, 20].min() > 200
        assert pixels[10, 6].max() < 130


@pytest.mark.parametrize("top", [255, 1023, 65535])
@pytest.mark.parametrize(
    ("form", "kind"), [("PNG", np.uint16), ("TIFF", np.uint16), ("TIFF", np.int32), ("TIFF", np.float32)]
)
def test_deep_samples_are_stretched_from_the_range_they_use(form: str, kind: type[np.generic], top: int) -> None:
    deep = np.full((20, 20), top, kind)
    deep[5:15, 8:12] = 0
    pixels = decode(encode(deep, form))
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, np.where(deep > 0, 255, 0))


def test_samples_that_are_no_numbers_do_no_harm() -> None:
    deep = np.ones((20, 20), np.float32)
    deep[0, :3] = (np.nan, np.inf, -np.inf)
    assert set(np.unique(decode(encode(deep, "TIFF")))) == {0, 255}


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("orientation", "turn"), [(1, 0), (3, 180), (6, 270), (8, 90)])
def test_a_photo_is_turned_upright_by_its_exif(form: str, orientation: int, turn: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    pixels = decode(encode(PICTURE, form, exif=exif))
    upright = np.asarray(Image.fromarray(PICTURE).rotate(turn, expand=True))
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).mean() < 8


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("size", "orientation"), [((300, 299), 1), ((300, 299), 6), ((299, 300), 3), ((299, 300), 8)])
def test_the_size_of_an_upright_picture_is_known_though_reducing_makes_it_square(
    form: str, size: tuple[int, int], orientation: int
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    opened = open_image(encode(Image.new("RGB", size), form, exif=exif))
    for _ in range(2):
        pixels = opened.decode(20)
        assert pixels.shape[0] == pixels.shape[1] < 40
        assert opened.upright_size == (size if orientation < 5 else size[::-1])


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_an_intact_image_with_damaged_exif_is_read(form: str) -> None:
    assert decode(encode(PICTURE, form, exif=b"Exif\x00\x00garbage")).shape == PICTURE.shape


@pytest.mark.parametrize("ink", [(0, 0, 0), (255, 255, 255), (200, 0, 0)])
@pytest.mark.parametrize("hidden", [0, 255])
@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_ink_on_a_transparent_ground_shows(form: str, hidden: int, ink: tuple[int, int, int]) -> None:
    rgba = np.full((40, 30, 4), hidden, np.uint8)
    rgba[..., 3] = 0
    rgba[5:35, 12:16] = (*ink, 255)
    options = {"lossless": True} if form == "WEBP" else {}
    pixels = decode(encode(rgba, form, **options)).astype(int)
    assert np.abs(pixels[20, 13] - ink).max() <= 1
    assert np.abs(pixels[20, 13] - pixels[0, 0]).max() > 150


def test_a_see_through_hole_in_a_picture_takes_its_ground() -> None:
    rgba = np.full((40, 30, 4), 255, np.uint8)
    rgba[:4, :4] = 0
    rgba[5:35, 12:16, :3] = 0
    pixels = decode(encode(rgba))
    assert pixels[0, 0].min() > 200


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA"])
def test_a_picture_of_equal_channels_is_gray_however_it_is_stored(mode: str) -> None:
    gray = np.random.default_rng(0).integers(0, 2, (40, 30), dtype=np.uint8) * 255
    image = Image.fromarray(gray).convert("RGB").convert(mode)
    assert np.array_equal(decode(encode(image)), gray)


def test_one_colored_pixel_makes_a_picture_colored() -> None:
    pixels = np.full((40, 30, 3), 200, np.uint8)
    pixels[3, 4] = (200, 200, 199)
    assert np.array_equal(decode(encode(pixels, "BMP")), pixels)


def test_a_wholly_transparent_image_is_blank() -> None:
    assert np.unique(decode(encode(np.zeros((9, 9, 4), np.uint8)))).size == 1


def test_transparency_of_a_palette_is_honored() -> None:
    palette = Image.new("P", (9, 9), 0)
    palette.putpalette([0, 0, 0, 10, 10, 10])
    palette.paste(1, (3, 3, 6, 6))
    pixels = decode(encode(palette, transparency=0))
    assert pixels[0, 0].min() - pixels[4, 4].max() > 200


def test_a_phones_multi_picture_jpeg_is_read() -> None:
    image = Image.fromarray(PICTURE)
    assert decode(encode(image, "MPO", save_all=True, append_images=[image])).shape == PICTURE.shape


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_phones_photo_is_decoded_with_fewer_pixels_and_the_same_look(mode: str) -> None:
    # The format allows to decode a half, a quarter or an eighth of each side: a quarter leaves enough.
    photo = Image.fromarray(PICTURE).resize((3000, 4000), Image.Resampling.BICUBIC).rotate(90, expand=True)
    pixels = decode(encode(photo.convert(mode), "JPEG", quality=90))
    assert 800 <= pixels.shape[1] <= 1100
    assert pixels.shape[1] * 3 == pytest.approx(pixels.shape[0] * 4, abs=4)
    expected = photo.convert("L" if mode == "L" else "RGB").resize((pixels.shape[1], pixels.shape[0]))
    assert np.abs(pixels.astype(int) - np.asarray(expected)).mean() < 4


@pytest.mark.parametrize(("side", "left"), [(1439, 1439), (1440, 720), (1600, 800), (2160, 720), (2870, 957)])
@pytest.mark.parametrize("form", ["PNG", "BMP"])
def test_an_image_is_reduced_from_twice_the_side_that_is_enough(form: str, side: int, left: int) -> None:
    assert decode(encode(Image.new("RGB", (side, 40)), form)).shape[1] == left


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "I;16"])
def test_a_small_png_or_jpeg_is_plain_whatever_its_mode_and_a_larger_one_is_not(mode: str) -> None:
    assert open_image(encode(Image.new(mode, (64, 64)))).is_plain
    assert not open_image(encode(Image.new(mode, (310, 300), None))).is_plain or mode in ("L", "RGB")
    if mode in ("L", "RGB"):
        assert open_image(encode(Image.new(mode, (64, 64)), "JPEG")).is_plain
        assert not open_image(encode(Image.new(mode, (310, 300)), "JPEG")).is_plain
        assert not open_image(encode(Image.new(mode, (64, 64)), "JPEG", progressive=True)).is_plain


@pytest.mark.parametrize("form", ["WEBP", "GIF", "TIFF", "BMP"])
def test_other_formats_are_not_plain(form: str) -> None:
    assert not open_image(encode(PICTURE, form)).is_plain


def test_an_opened_image_tells_its_size_and_may_be_decoded_twice() -> None:
    for form in ("PNG", "BMP"):
        opened = open_image(encode(PICTURE, form))
        assert (opened.width, opened.height) == (30, 40)
        assert np.array_equal(opened.decode(), PICTURE)
        assert np.array_equal(opened.decode(), PICTURE)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_a_truncated_image_is_a_broken_image_error(form: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    data = encode(noise, form)
    with pytest.raises(BrokenImageError, match=r"damaged or cut off.* use the new file"):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    "data",
    [
        b"only text",
        b"\x00" * 100,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        *(encode(PICTURE, form) for form in ("SGI", "DDS", "DIB")),
        b"qoif" + struct.pack(">IIBB", 64, 64, 3, 0) + bytes(100),
    ],
    ids=["text", "zeros", "svg", "sgi", "dds", "dib", "qoi"],
)
def test_anything_else_is_an_unsupported_format_error_that_names_the_formats(data: bytes) -> None:
    with pytest.raises(UnsupportedFormatError, match=r"PNG, JPEG, .* AVIF, HEIC, JPEG 2000, PNM, ICO, PDF, PCX or TGA"):
        decode(data)


def test_no_bytes_are_an_empty_file_error() -> None:
    with pytest.raises(EmptyFileError, match="0 bytes"):
        decode(b"")


def test_a_file_may_have_as_many_bytes_as_the_limit_and_no_more() -> None:
    data = encode(PICTURE)
    decode(data, ImageLimits(max_bytes=len(data)))
    with pytest.raises(ImageTooLargeError, match=f"more than the {len(data) - 1:,} bytes"):
        decode(data, ImageLimits(max_bytes=len(data) - 1))


def test_an_image_may_have_as_many_pixels_as_the_limit_and_no_more() -> None:
    decode(encode(PICTURE), ImageLimits(max_pixels=1200))
    with pytest.raises(ImageTooLargeError, match="30 x 40 pixels, more than the 1,199 allowed"):
        decode(encode(PICTURE), ImageLimits(max_pixels=1199))


@pytest.mark.parametrize("side", [8_000, 12_000, 60_000])
def test_a_decompression_bomb_is_refused_on_its_header(side: int) -> None:
    # There are no pixels: had decoding begun, it would be a broken image.
    with pytest.raises(ImageTooLargeError, match="50,000,000"):
        decode(png_that_claims(side, side))


@pytest.mark.parametrize(("limit", "most"), [("max_bytes", MAX_BYTES), ("max_pixels", MAX_PIXELS)])
def test_a_limit_out_of_range_is_a_setting_error_that_names_it(limit: str, most: int) -> None:
    for value in (0, -1, most + 1):
        with pytest.raises(SettingError, match=f"{limit} is {value}; it must be from 1 to {most}"):
            ImageLimits(**cast(Any, {limit: value}))
    ImageLimits(**cast(Any, {limit: most}))


FILES = [encode(PICTURE, form) for form in FORMATS] + [encode(np.full((9, 9), 700, np.uint16), "TIFF")]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_damaged_files_give_pixels_or_an_image_error_and_nothing_else(data: st.DataObject) -> None:
    file = bytearray(data.draw(st.sampled_from(FILES)))
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=5)):
        file[at % len(file)] = value
    try:
        pixels = decode(bytes(file[: data.draw(st.integers(0, len(file)))]), ImageLimits(max_pixels=10_000))
    except ImageError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim in (2, 3)
    assert pixels.size > 0


def test_a_tiff_whose_tiles_are_far_larger_than_its_image_is_refused_before_it_is_decoded() -> None:
    file = io.BytesIO()
    tiff = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in ((256, 64), (257, 64), (258, 8), (259, 8), (262, 1), (277, 1), (322, 32_768), (323, 32_768)):
        tiff[tag] = value
    pixels = zlib.compress(bytes(4096))
    tiff[325], tiff[324] = (len(pixels),), (0,)
    # The header, then the directory, then the tile.
    file.write(b"II*\0\x08\0\0\0")
    tiff.save(file)
    file.write(pixels)
    with pytest.raises(ImageTooLargeError, match="tiles of 1,073,741,824 pixels"):
        open_image(file.getvalue())


@pytest.mark.parametrize("wrap", [bytearray, memoryview])
def test_bytes_may_come_in_a_buffer(wrap: Any) -> None:
    assert open_image(wrap(encode(PICTURE, "PNG"))).decode().shape == open_image(encode(PICTURE, "PNG")).decode().shape


@pytest.mark.parametrize("name", ["digit.png", Path("digit.png"), None])
def test_the_name_of_a_file_is_not_taken_for_its_bytes(name: object) -> None:
    with pytest.raises(TypeError, match=r"read_bytes\(\), not as a"):
        open_image(cast(Any, name))


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "Too many open files"), ImportError("libtiff"), MemoryError()])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_an_image_is_neither_damaged_nor_upright_where_its_reader_cannot_be_loaded(
    form: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_image: Image.Image) -> Image.Exif:
        raise error

    # Of plain PNG files, nothing but the pixels is read.
    file = encode(np.dstack([PICTURE, PICTURE[..., :1] | 255]), form)
    monkeypatch.setattr(Image.Image, "getexif", fail)
    with pytest.raises(type(error)):
        decode(file)
