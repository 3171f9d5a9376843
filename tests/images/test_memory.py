import numpy as np
import pytest
from PIL import Image

from benchmarks.hostile.specimens import encode, specimens
from digits.images.codecs.heif import open_heif
from digits.images.decode import open_image
from digits.images.formats import is_installed
from digits.images.reducing import load_reduced
from digits.images.screening.boxes import screen_boxes
from digits.images.screening.jpeg import screen_jpeg

FILES = specimens()


@pytest.mark.parametrize("name", FILES)
def test_memory_is_told_for_every_kind_of_file_and_is_enough_for_its_pixels(name: str) -> None:
    opened = open_image(FILES[name])
    told = opened.decoding_bytes()
    # Text is much longer than its pixels.
    of_text = 6 * len(FILES[name]) if name.startswith("ppm text") else 0
    assert opened.decode().nbytes <= told <= 60 * opened.width * opened.height + of_text
    assert opened.decoding_bytes() == told


def test_a_photo_that_is_decoded_at_a_quarter_takes_a_sixteenth_and_one_in_passes_takes_all() -> None:
    photo = Image.new("RGB", (2900, 2900))
    at_once, in_passes = (
        open_image(encode(photo, "JPEG", progressive=passes, subsampling=0)) for passes in (False, True)
    )
    assert at_once.decoding_bytes() < 2900**2 * 2.5
    assert in_passes.decoding_bytes() > 2900**2 * 6


def test_larger_samples_take_more() -> None:
    gray, deep = (encode(Image.fromarray(np.zeros((300, 300), kind)), "TIFF") for kind in (np.uint8, np.float32))
    assert open_image(deep).decoding_bytes() > open_image(gray).decoding_bytes()


def test_a_jpeg_file_in_passes_takes_as_much_as_it_has_samples() -> None:
    photo = Image.new("RGB", (2900, 2900))
    full, halved, quartered = (
        open_image(encode(photo, "JPEG", progressive=True, subsampling=kind)).decoding_bytes() for kind in (0, 1, 2)
    )
    assert full - halved == 2 * 2900**2
    assert full - quartered == 3 * 2900**2


def test_a_jpeg_file_whose_first_scan_has_one_channel_alone_is_in_passes() -> None:
    file = encode(Image.new("RGB", (300, 300)), "JPEG")
    at = file.index(b"\xff\xda")
    apart = file[: at + 4] + b"\1" + file[at + 5 :]
    assert not screen_jpeg(file).is_in_passes
    assert screen_jpeg(apart).is_in_passes
    assert screen_jpeg(encode(Image.new("RGB", (300, 300)), "JPEG", progressive=True)).is_in_passes


@pytest.mark.skipif(not is_installed("HEIF"), reason="pillow-heif is not installed")
def test_a_large_heif_image_takes_as_much_as_it_has_samples() -> None:
    sheet = Image.new("RGBA", (1500, 1500))
    halved, full, transparent = (
        open_image(encode(sheet.convert(mode), "HEIF", chroma=chroma)).decoding_bytes()
        for mode, chroma in (("RGB", "420"), ("RGB", "444"), ("RGBA", "444"))
    )
    assert full - halved == round(1.5 * 1500**2)
    # A plane and an output more.
    assert transparent - full == 2 * 1500**2


@pytest.mark.skipif(not is_installed("HEIF"), reason="pillow-heif is not installed")
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_large_heif_image_has_the_pixels_that_pillow_would_make_of_it(mode: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (9, 13, 4), dtype=np.uint8)
    picture = Image.fromarray(pixels, "RGBA").resize((801, 623), Image.Resampling.BICUBIC).convert(mode)
    file = encode(picture, "HEIF")
    whole = open_heif(file)
    whole.load()
    reduced = load_reduced(open_heif(file), screen_boxes(file), 400)
    assert reduced.mode == whole.mode
    np.testing.assert_array_equal(np.asarray(reduced), np.asarray(whole.reduce(2)))
