from collections.abc import Callable

import cv2
import numpy as np
import pytest

from digits.data.mnist import Images, Labels, Mnist
from digits.synthetic import outliers
from digits.synthetic.icons import ICONS
from digits.synthetic.outliers import draw_icon, draw_outlier
from digits.synthetic.strokes import LETTERS, draw_form

Draw = Callable[[int, Images, Labels, np.random.Generator], Images]

KINDS: dict[str, Draw] = {
    "draw_symbol": lambda side, images, labels, rng: outliers.draw_symbol(side, rng),
    "draw_form": lambda side, images, labels, rng: draw_form(LETTERS, side, rng),
    "draw_icon": lambda side, images, labels, rng: draw_icon(side, rng),
    "_silhouette": lambda side, images, labels, rng: outliers._silhouette(side, rng),
    "_scribble": lambda side, images, labels, rng: outliers._scribble(side, rng),
    "_several": lambda side, images, labels, rng: outliers._several(side, images, rng),
    "_texture": lambda side, images, labels, rng: outliers._texture(side, rng),
    "_turned": lambda side, images, labels, rng: outliers._turned(side, images, labels, rng),
    "_line": lambda side, images, labels, rng: outliers._line(side, rng),
}


@pytest.mark.parametrize("side", [40, 72, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_draws_white_on_black_and_is_not_cut_off(mnist: Mnist, kind: str, side: int) -> None:
    images, labels = mnist.x_train[:1000], mnist.y_train[:1000]
    rng = np.random.default_rng(0)
    for _ in range(100):
        canvas = KINDS[kind](side, images, labels, rng)
        assert canvas.shape == (side, side)
        assert canvas.dtype == np.uint8
        assert canvas.max() >= 128
        # Of MNIST's digits a few reach the edge of their field.
        assert canvas[1:-1, 1:-1].sum() > 0.9 * canvas.sum()


def test_every_kind_is_drawn(mnist: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    for name in KINDS:
        draw = getattr(outliers, name)

        def noted(*arguments: object, name: str = name, draw: Callable[..., Images] = draw) -> Images:
            drawn.append(name)
            return draw(*arguments)

        monkeypatch.setattr(outliers, name, noted)
    rng = np.random.default_rng(0)
    for _ in range(300):
        draw_outlier(40, mnist.x_train[:100], mnist.y_train[:100], rng)
    assert set(drawn) == set(KINDS)
    assert len(drawn) == 300


def test_the_same_state_gives_the_same_outliers_and_the_digits_stay(mnist: Mnist) -> None:
    images, labels = mnist.x_train[:100].copy(), mnist.y_train[:100]

    def draw(seed: int) -> Images:
        rng = np.random.default_rng(seed)
        return np.stack([draw_outlier(72, images, labels, rng) for _ in range(60)])

    first = draw(1)
    assert np.array_equal(first, draw(1))
    assert not np.array_equal(first, draw(2))
    # Hardly one is like another.
    assert len({canvas.tobytes() for canvas in first}) > 50
    assert np.array_equal(images, mnist.x_train[:100])


def test_no_sign_could_pass_for_a_digit() -> None:
    look_alikes = "0123456789OoQDIilj|!/\\SsZzBbGgqОоЗзЧчБбЭэΟο°¹²³¼½¾"
    assert set(outliers._SIGNS).isdisjoint(look_alikes)
    assert len(set(outliers._SIGNS)) == len(outliers._SIGNS)


def test_every_sign_is_in_a_font_and_none_is_the_box_of_a_missing_one() -> None:
    signs = outliers._signs(72)
    assert len(outliers._SIGNS) <= len(signs) <= len(outliers._SIGNS) * len(outliers._FONTS)
    assert all(canvas.max() > 200 for canvas in signs)
    # In a font without it a sign would be the same box as all the others that are missing.
    assert len({canvas.tobytes() for canvas in signs}) > 0.95 * len(signs)


def test_a_drawing_does_not_change_the_sign_that_later_ones_are_made_of() -> None:
    before = [canvas.copy() for canvas in outliers._signs(40)]
    rng = np.random.default_rng(0)
    for _ in range(200):
        outliers.draw_symbol(40, rng)
    assert all(np.array_equal(now, then) for now, then in zip(outliers._signs(40), before, strict=True))


def test_several_digits_stand_in_a_row(mnist: Mnist) -> None:
    rng = np.random.default_rng(0)
    wider = 0
    for _ in range(100):
        canvas = outliers._several(72, mnist.x_train[:1000], rng)
        _, _, width, height = cv2.boundingRect((canvas > 64).astype(np.uint8))
        wider += width > height
    assert wider > 80


def test_only_digits_that_are_none_when_turned_are_turned(mnist: Mnist) -> None:
    # Each digit's image is of one gray, by which a turned one is told.
    grays = np.arange(10, dtype=np.uint8) * 20 + 20
    images = np.broadcast_to(grays[:, None, None], (10, 28, 28)).copy()
    labels = np.arange(10, dtype=np.uint8)
    rng = np.random.default_rng(0)
    turned = {int(outliers._turned(28, images, labels, rng).max()) for _ in range(200)}
    # A 0, 1 or 8 is none the less one, and a 6 and a 9 are each other's.
    assert turned == {int(grays[digit]) for digit in (2, 3, 4, 7)}


@pytest.mark.parametrize("name", ICONS)
def test_a_thing_is_drawn_inside_the_canvas_and_never_twice_the_same(name: str) -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_icon(72, rng, (name,)) for _ in range(6)]
    for icon in drawn:
        assert icon.shape == (72, 72)
        assert icon.dtype == np.uint8
        assert (icon > 127).sum() > 72
        assert not icon[[0, -1]].any()
        assert not icon[:, [0, -1]].any()
    assert len({icon.tobytes() for icon in drawn}) == 6


@pytest.mark.parametrize("name", ["heart", "star", "sun", "clock"])
def test_closed_outlines_are_filled_in_some_drawings(name: str) -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_icon(72, rng, (name,)) for _ in range(60)]
    # A square that fits into the outline and lies away from its lines.
    filled = sum(bool((icon[41:44, 32:36] > 127).all()) for icon in drawn)
    assert 8 < filled < 35


def test_what_lies_on_a_filled_outline_is_left_out_and_what_lies_beside_it_is_drawn() -> None:
    rng = np.random.default_rng(0)
    faces = [draw_icon(100, rng, ("smiley",)) > 127 for _ in range(60)]
    # Eyes and mouth are holes of a filled face, and parts beside the ring of one that is not.
    filled = [face for face in faces if face[50, 50]]
    assert len(filled) > 8
    assert all(60 < (face[30:70, 30:70]).sum() < 1500 for face in filled)
    # The rays of a sun lie beside its disc.
    suns = [draw_icon(100, rng, ("sun",)) > 127 for _ in range(60)]
    assert all((sun.any(axis=0).sum() > 40) for sun in suns)
