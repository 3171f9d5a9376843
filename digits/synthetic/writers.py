"""Invented writers, each of whom writes every digit and sign in one way, again and again.

MNIST's digits are by hundreds of people: a line that is put together from them says nothing about its writer. A real
line is by one person. Whoever writes a 1 with a flag means a slash by a bare stroke, and whoever crosses each 7 means
something else by a corner without a bar.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from digits.arrays import CLASSES
from digits.synthetic.sign_forms import FORMS
from digits.synthetic.strokes import DIGITS, Form, shaken

# Width of a writer's digits beside their height: the least and the most, and by how much one digit differs at the most.
_WIDTHS, _WIDER = (0.42, 0.9), 0.15
# Points of a writer's form are away from those of the model by this standard deviation, in heights of a digit.
_OWN = 0.045
# Chance that a writer has two forms of a digit.
_TWO_FORMS = 0.15


@dataclass(frozen=True)
class Writer:
    """How somebody writes.

    Args:
        digits: the one or two forms of each digit, 0..9, in heights of a digit, y from 0 at the top to 1 on the line.
        signs: the form of each sign, in the same way.
    """

    digits: Mapping[int, tuple[Form, ...]]
    signs: Mapping[str, Form]

    def digit(self, digit: int, rng: np.random.Generator) -> Form:
        """The form of a digit, 0..9; one of two, if there are two."""
        forms = self.digits[digit]
        return forms[int(rng.integers(len(forms)))]


def invent_writer(rng: np.random.Generator) -> Writer:
    """Invents a writer; `rng` decides everything."""
    wide = rng.uniform(*_WIDTHS)

    def own_form(digit: int) -> Form:
        models = DIGITS[digit]
        form = shaken(models[int(rng.integers(len(models)))], _OWN, rng)
        across = wide * rng.uniform(1.0 - _WIDER, 1.0 + _WIDER)
        return tuple(tuple((x * across, y) for x, y in stroke) for stroke in form)

    digits = {
        digit: tuple(own_form(digit) for _ in range(2 if rng.random() < _TWO_FORMS else 1)) for digit in range(CLASSES)
    }
    return Writer(digits, {sign: form(rng) for sign, form in FORMS.items()})
