"""Each view makes an image of a picture, or nothing."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from digits.arrays import Pixels
from digits.vision.views.copy import SMALL_SIDE, Copy
from digits.vision.views.table import FIRST, LARGE_VIEWS, MNIST_VIEWS, SMALL_VIEWS, views_of

SIDES = st.integers(8, 60)


def test_views_of_one_size_have_names_of_their_own() -> None:
    for views in (MNIST_VIEWS, SMALL_VIEWS, LARGE_VIEWS):
        assert len({FIRST, *(view.name for view in views)}) == len(views) + 1


def test_the_side_of_a_picture_decides_which_views_it_has() -> None:
    assert views_of(Copy(np.zeros((SMALL_SIDE, 20), np.uint8))) is SMALL_VIEWS
    assert views_of(Copy(np.zeros((SMALL_SIDE + 1, 20), np.uint8))) is LARGE_VIEWS


@settings(max_examples=60, deadline=None)
@given(nps.arrays(np.uint8, st.tuples(SIDES, SIDES) | st.tuples(SIDES, SIDES, st.just(3)), fill=st.integers(0, 255)))
def test_a_view_of_any_picture_is_an_image_or_nothing(pixels: Pixels) -> None:
    before, copy = pixels.copy(), Copy(pixels)
    for view in views_of(copy):
        normalized = view.show(copy)
        if normalized is not None:
            assert normalized.image.dtype == np.uint8
            assert normalized.image.shape == (28, 28)
            assert [stage.image.ndim for stage in normalized.stages] == [2, 2]
    assert np.array_equal(pixels, before)
