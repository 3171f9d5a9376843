import numpy as np
import pytest
from PIL import Image

from benchmarks.hostile.specimens import encode, specimens
from digits.images.decode import open_image

FILES = specimens()


@pytest.mark.parametrize("name", FILES)
def test_memory_is_told_for_every_kind_of_file_and_is_enough_for_its_pixels(name: str) -> None:
    opened = open_image(FILES[name])
    told = opened.decoding_bytes()
    assert opened.decode().nbytes <= told <= 60 * opened.width * opened.height
    assert opened.decoding_bytes() == told


def test_a_photo_that_is_decoded_at_a_quarter_takes_a_sixteenth_and_one_in_passes_takes_all() -> None:
    photo = Image.new("RGB", (2900, 2900))
    at_once, in_passes = (open_image(encode(photo, "JPEG", progressive=passes)) for passes in (False, True))
    assert at_once.decoding_bytes() < 2900**2 * 2.5
    assert in_passes.decoding_bytes() > 2900**2 * 6


def test_larger_samples_take_more() -> None:
    gray, deep = (encode(Image.fromarray(np.zeros((300, 300), kind)), "TIFF") for kind in (np.uint8, np.float32))
    assert open_image(deep).decoding_bytes() > open_image(gray).decoding_bytes()
