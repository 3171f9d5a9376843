"""Readings of pages, made by hand."""

from digits.numbers.reading import ReadDigit, Reading


def line_of(text: str, number: int) -> tuple[ReadDigit, ...]:
    return tuple(
        ReadDigit(int(one), 0.9, True, (10 + 20 * i, 10 + 50 * number, 16, 30), number)
        if one.isdecimal()
        else ReadDigit(0, 0.1, False, (10 + 20 * i, 10 + 50 * number, 16, 30), number, sign=one, sign_confidence=0.9)
        for i, one in enumerate(text)
    )


def page_of(*lines: tuple[str, float]) -> Reading:
    digits = [digit for number, (text, _) in enumerate(lines) for digit in line_of(text, number)]
    return Reading(tuple(digits), 400, 400, tuple(confidence for _, confidence in lines))
