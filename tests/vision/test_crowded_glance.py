"""A glance is taken while others wait, so it gives up at once where it would take long."""

import time

import numpy as np

from digits.vision.normalize import glance


def test_a_glance_gives_up_at_once_on_a_small_picture_full_of_edges() -> None:
    grid = np.full((300, 300), 255, np.uint8)
    grid[::12] = grid[:, ::12] = 0
    glance(grid)
    start = time.thread_time()
    assert glance(grid) is None
    # To look for its lines takes some 30 ms.
    assert time.thread_time() - start < 0.01
