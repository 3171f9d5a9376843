"""The moving picture of the README."""

import io

import numpy as np
from PIL import Image, ImageSequence

from scripts.reading_gif import TARGET, frames, read_sample, write

MOST_BYTES = 2_000_000


def test_the_picture_shows_what_the_shipped_model_reads_and_is_the_same_in_every_run() -> None:
    pixels, reading = read_sample()
    assert reading.transcript == "2024\n375-08"
    made = list(frames(pixels, reading))
    # It begins with empty paper and ends with all that was read.
    first, last = (np.asarray(made[place][0]) for place in (0, -1))
    assert np.abs(first.astype(int) - last).max() > 100
    assert first[-100:].min() == 255
    assert last[-100:].min() < 60
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        assert write(file) == len(made)
    assert files[0].getvalue() == files[1].getvalue()
    assert len(files[0].getvalue()) < MOST_BYTES


def test_the_committed_picture_moves_and_is_small() -> None:
    assert TARGET.stat().st_size < MOST_BYTES
    with Image.open(TARGET) as image:
        assert len(list(ImageSequence.Iterator(image))) > 20
