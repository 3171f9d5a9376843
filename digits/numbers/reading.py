"""What was read in a picture of numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadDigit:
    """A digit of a number, or a sign beside it.

    Args:
        digit: the most likely digit, 0..9.
        confidence: its probability, 0..1.
        accepted: whether it looks like a digit.
        box: (x, y, width, height) in pixels of the upright picture.
        line: on which line it stands, from 0.
    """

    digit: int
    confidence: float
    accepted: bool
    box: tuple[int, int, int, int]
    line: int


@dataclass(frozen=True)
class Reading:
    """What was read in a picture.

    Args:
        digits: in reading order, and other signs among them, which are not accepted.
        width: of the upright picture in which boxes are measured, in pixels.
        height: of it.
    """

    digits: tuple[ReadDigit, ...]
    width: int
    height: int

    @property
    def lines(self) -> tuple[str, ...]:
        """The accepted digits of each line, which `ReadDigit.line` counts; "" where a line holds only signs."""
        count = 1 + max((digit.line for digit in self.digits), default=-1)
        return tuple(
            "".join(str(digit.digit) for digit in self.digits if digit.accepted and digit.line == i)
            for i in range(count)
        )

    @property
    def text(self) -> str:
        """The lines that hold digits, with line breaks between them."""
        return "\n".join(line for line in self.lines if line)
