"""The data set of the sign classifier."""

import numpy as np

from digits.arrays import CLASSES
from digits.data.mnist import Mnist
from digits.numbers.segments.windows import CHANNELS, SIDE
from digits.numbers.signs.kinds import PIECE, SIGNS, UNKNOWN_CLASS
from digits.numbers.window_network import Shipped, shipped_network
from digits.synthetic.pages import Page, write_numbers
from digits.synthetic.sums import write_sums
from digits.synthetic.symbols import draw_symbols
from digits.training.segmenter.sign_dataset import draw_chunk, target_of
from digits.training.segmenter.signs import measure_network


def test_it_tells_digits_from_signs_and_names_these(mnist: Mnist) -> None:
    windows, targets = draw_chunk(mnist.x_test, mnist.y_test, 5, 0, count=300)
    assert windows.shape == (300, SIDE, SIDE, CHANNELS)
    measured = measure_network(shipped_network(Shipped.SIGNS), windows, targets)
    assert measured["auroc_digit"] > 0.97
    assert measured["accuracy"] > 0.85
    assert measured["accuracy_signs"] > 0.8
    assert measured["accuracy_pieces"] > 0.8


def test_what_is_right_for_a_sign_that_is_not_known_is_any_that_is_no_digit(mnist: Mnist) -> None:
    symbols = draw_symbols(5, np.random.default_rng(0))
    (number,) = write_numbers(Page(signs=1.0), mnist.x_test, mnist.y_test, 1, 0, symbols)
    (written,) = write_sums(Page(), mnist.x_test, mnist.y_test, 1, 8)
    owner = number.labels.index(None)
    assert target_of(number, owner)[CLASSES:PIECE].all()
    assert not target_of(number, owner)[PIECE]
    assert not target_of(number, owner)[:CLASSES].any()
    for owner, (label, sign) in enumerate(zip(written.labels, written.signs, strict=True)):
        (right,) = np.flatnonzero(target_of(written, owner))
        expected = label if sign is None else CLASSES + SIGNS.index(sign) if sign in SIGNS else UNKNOWN_CLASS
        assert right == expected
