import numpy as np
import pytest

from digits.images import transparency


def flatten_transparency(rgba: np.ndarray) -> np.ndarray:
    """The picture in RGB; gray ones come back in one channel."""
    flat = transparency.flatten_transparency(rgba)
    return np.dstack([flat] * 3) if flat.ndim == 2 else flat


def test_a_picture_whose_channels_are_equal_comes_back_in_one() -> None:
    rgba = np.zeros((20, 30, 4), np.uint8)
    for alpha in (0, 255):
        rgba[..., 3] = alpha
        assert transparency.flatten_transparency(rgba).shape == (20, 30)
        rgba[5:10, 5:10, 3] = 255
        assert transparency.flatten_transparency(rgba).shape == (20, 30)
        rgba[..., :3] = 0
    rgba[6, 6, 0] = 9
    assert transparency.flatten_transparency(rgba).shape == (20, 30, 3)


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


INK_ON_PAPER = [((30, 30, 30), (235, 235, 235)), ((250, 250, 250), (20, 40, 30)), ((20, 40, 160), (240, 230, 200))]


def cutout(ink: tuple[int, ...], paper: tuple[int, ...], margin: int, *, is_round: bool = False) -> np.ndarray:
    """A picture of a seven on paper, cut out with a transparent margin around it."""
    side = 100
    picture = np.zeros((side, side, 4), np.uint8)
    picture[..., :3], picture[..., 3] = paper, 255
    picture[20:28, 30:70, :3] = ink
    picture[28:80, 60:68, :3] = ink
    if is_round:
        y, x = np.mgrid[:side, :side] - side / 2
        picture[np.hypot(y, x) > side / 2] = 0
    return np.pad(picture, ((margin, margin), (margin, margin), (0, 0)))


@pytest.mark.parametrize("is_round", [False, True])
@pytest.mark.parametrize("margin", [2, 10, 40, 150])
@pytest.mark.parametrize(("ink", "paper"), INK_ON_PAPER)
def test_the_paper_of_a_cut_out_picture_goes_on_in_its_margin(
    ink: tuple[int, ...], paper: tuple[int, ...], margin: int, is_round: bool
) -> None:
    flat = flatten_transparency(cutout(ink, paper, margin, is_round=is_round))
    assert np.abs(flat[0, 0].astype(int) - paper).max() <= 1
    assert np.array_equal(np.unique(flat.reshape(-1, 3), axis=0), np.unique([ink, paper], axis=0))


def test_an_uneven_paper_goes_on_as_it_is_at_the_nearest_edge() -> None:
    rgba = np.zeros((80, 120, 4), np.uint8)
    rgba[..., :3] = np.linspace(40, 250, 120, dtype=np.uint8)[None, :, None]
    rgba[10:70, 10:110, 3] = 255
    flat = flatten_transparency(rgba)
    assert np.array_equal(flat[10:70, 10:110], rgba[10:70, 10:110, :3])
    assert np.abs(flat[2, 10:110].astype(int) - rgba[2, 10:110, :3]).max() <= 2
    assert np.abs(flat[40, :10].astype(int) - rgba[40, 10, :3]).max() <= 2


@pytest.mark.parametrize("thickness", [1, 3, 12, 40])
@pytest.mark.parametrize("ink", [(0, 0, 0), (255, 255, 255), (200, 30, 30)])
def test_strokes_get_a_ground_that_contrasts_however_thick_they_are(ink: tuple[int, ...], thickness: int) -> None:
    rgba = np.zeros((100, 100, 4), np.uint8)
    rgba[10:90, 50 - thickness // 2 : 51 + thickness // 2] = (*ink, 255)
    flat = flatten_transparency(rgba).astype(int)
    assert np.abs(flat[0, 0] - ink).max() >= 150


def test_a_digit_cut_out_of_a_sheet_contrasts_with_it() -> None:
    rgba = np.full((100, 100, 4), 255, np.uint8)
    rgba[20:80, 45:55, 3] = 0
    flat = flatten_transparency(rgba)
    assert flat[50, 50].max() == 0


def test_a_blank_sheet_with_round_corners_is_blank() -> None:
    rgba = np.full((100, 100, 4), 255, np.uint8)
    for corner in (np.s_[:7, :7], np.s_[:7, -7:], np.s_[-7:, :7], np.s_[-7:, -7:]):
        rgba[corner] = 0
    assert np.unique(flatten_transparency(rgba)).tolist() == [255]
