import numpy as np
import pytest

from digits.data.mnist import Mnist
from digits.numbers.signs.kinds import SIGNS, UNKNOWN
from digits.synthetic.glyphs import FONTS, draw_sign, draw_typed, draw_unknown
from digits.synthetic.pages import Page
from digits.synthetic.sign_forms import FORMS
from digits.synthetic.sums import write_sums


def test_every_sign_has_forms_in_which_it_is_drawn_anew() -> None:
    assert set(FORMS) == set(SIGNS)
    rng = np.random.default_rng(0)
    for sign in SIGNS:
        glyphs = [draw_sign(sign, 60.0, 0.1, 6.0, rng) for _ in range(4)]
        assert all(glyph.ink.max() > 0.9 for glyph in glyphs)
        assert all(0.9 * 60 > glyph.top > -0.6 * 60 or sign in ".,:;" for glyph in glyphs)
        assert len({glyph.ink.tobytes() for glyph in glyphs}) == 4


@pytest.mark.parametrize(("sign", "low", "high"), [(".", 0.75, 1.3), ("-", 0.25, 0.8), ("(", -0.5, 1.5)])
def test_signs_stand_where_people_put_them(sign: str, low: float, high: float) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        glyph = draw_sign(sign, 100.0, 0.0, 8.0, rng)
        assert low <= glyph.top / 100.0
        assert (glyph.top + glyph.ink.shape[0]) / 100.0 <= high


def test_what_is_no_known_sign_is_as_high_as_a_digit_or_a_small_letter() -> None:
    rng = np.random.default_rng(2)
    heights = [draw_unknown(100.0, 0.0, 8.0, rng).ink.shape[0] for _ in range(30)]
    assert max(heights) < 160
    assert min(heights) > 10


def test_a_sum_says_what_is_written_where(mnist: Mnist) -> None:
    transcripts = []
    for written in write_sums(Page(lines=2, digits=(1, 3), height=(40, 60)), mnist.x_test, mnist.y_test, 12, 3):
        shown = "".join(
            str(label) if sign is None else sign for label, sign in zip(written.labels, written.signs, strict=True)
        )
        assert written.transcript.replace(" ", "").replace("\n", "") == shown
        assert "".join(c for c in written.transcript if c.isdecimal() or c == "\n") == written.text
        assert len(written.boxes) == len(shown)
        assert set(np.unique(written.owners)) >= set(range(len(shown)))
        assert all(
            (label is None) == (sign is not None) for label, sign in zip(written.labels, written.signs, strict=True)
        )
        transcripts.append(written.transcript)
    assert any(" " in transcript for transcript in transcripts)
    assert any(UNKNOWN in transcript for transcript in transcripts)
    again = write_sums(Page(lines=2, digits=(1, 3), height=(40, 60)), mnist.x_test, mnist.y_test, 12, 3)
    assert [written.transcript for written in again] == transcripts


def test_type_has_digits_of_the_height_that_is_asked_for_and_no_glyph_that_a_font_lacks() -> None:
    for font in FONTS:
        glyph = draw_typed("0", font, 50.0)
        assert glyph is not None
        assert 46 <= glyph.ink.shape[0] <= 55
        assert abs(glyph.top) <= 2
    assert draw_typed("≠", "DejaVuSans.ttf", 50.0) is not None
    assert draw_typed("\u4e00", "cmr10.ttf", 50.0) is None
