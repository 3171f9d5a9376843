import numpy as np
import pytest

from digits.images.transparency import flatten_transparency


def blended(colors: np.ndarray, alpha: np.ndarray, ground: int) -> np.ndarray:
    """The definition, in exact fractions."""
    share = alpha.astype(np.float64)[..., None] / 255.0
    return np.rint(colors * share + ground * (1.0 - share)).astype(np.uint8)


def test_an_opaque_picture_keeps_every_pixel() -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (20, 30, 4), dtype=np.uint8)
    rgba[..., 3] = 255
    assert np.array_equal(flatten_transparency(rgba), rgba[..., :3])


@pytest.mark.parametrize(("darkest", "ground"), [(0, 255), (200, 0)])
def test_every_color_at_every_transparency_is_blended_as_defined(darkest: int, ground: int) -> None:
    values, alpha = np.meshgrid(np.arange(56) + darkest, np.arange(256))
    rgba = np.dstack([values, values, values, alpha]).astype(np.uint8)
    # A wide empty margin: most of the picture is transparent.
    rgba = np.pad(rgba, ((0, 200), (0, 200), (0, 0)))
    flat = flatten_transparency(rgba)
    assert np.array_equal(flat, blended(rgba[..., :3], rgba[..., 3], ground))
