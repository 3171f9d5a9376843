"""Lines of all that people write with digits."""

import re

import numpy as np

from digits.data.mnist import Mnist
from digits.numbers.signs.kinds import SIGNS, UNKNOWN
from digits.synthetic.lines import write_lines
from digits.synthetic.pages import Page

_PAGE = Page(digits=(1, 3), height=(30, 60))


def transcripts(mnist: Mnist, count: int, seed: int) -> list[str]:
    return [one.transcript for one in write_lines(_PAGE, mnist.x_test, mnist.y_test, count, seed)]


def test_a_line_says_what_is_written_where(mnist: Mnist) -> None:
    for written in write_lines(_PAGE, mnist.x_test, mnist.y_test, 40, 3):
        shown = "".join(
            str(label) if sign is None else sign for label, sign in zip(written.labels, written.signs, strict=True)
        )
        assert written.transcript.replace(" ", "") == shown
        assert set(np.unique(written.owners)) >= set(range(len(shown)))
        assert set(shown) <= {*"0123456789", *SIGNS, UNKNOWN}


def test_every_kind_of_line_is_written(mnist: Mnist) -> None:
    lines = transcripts(mnist, 150, 5)
    for kind in (
        r"\d{5,9}",  # a number
        r"\d{1,2}/\d{1,2}/(\d{2}|\d{4})",  # a date
        r"\d{1,2}:\d{2}(:\d{2})?",  # a time
        r"[€$]? ?\d{1,4}[.,]\d{1,2} ?[€$%]?",  # a price
        r"\d{3,4}/\d{4,6}",  # a telephone number
    ):
        assert any(re.fullmatch(kind, line) for line in lines), kind


def test_the_same_seed_writes_the_same_and_a_hand_may_be_alone(mnist: Mnist) -> None:
    assert transcripts(mnist, 8, 1) == transcripts(mnist, 8, 1) != transcripts(mnist, 8, 2)
    eights, fives = (np.flatnonzero(mnist.y_test == label)[:20] for label in (8, 5))
    chosen = np.concatenate([eights, fives])
    texts = [
        one.text
        for one in write_lines(_PAGE, mnist.x_test[chosen], mnist.y_test[chosen], 30, 4, of_one=len(fives))
        if len(one.text) > 3
    ]
    assert any(set(text) == {"5"} for text in texts)
    assert any(set(text) == {"5", "8"} for text in texts)
