"""How sentences for people get into their language."""

from typing import Protocol


class Say(Protocol):
    """Returns an English text in the language of whoever reads it.

    Raises:
        KeyError: a {name} of the text has no value.
    """

    def __call__(self, text: str, /, **values: object) -> str:
        """Returns the text in another language, with `values` in the place of their {names}."""
        ...


def english(text: str, /, **values: object) -> str:
    """Returns an English text with `values` in the place of their {names}."""
    return text.format(**values)


def later(text: str) -> str:
    """Returns a text as it is. Marks it as one that is said later, so that the catalogues have to hold it."""
    return text


def with_article(digit: int | str, say: Say = english) -> str:
    """Returns a digit with its article, such as "a 7" or "an 8"."""
    return say("an {digit}", digit=digit) if str(digit) == "8" else say("a {digit}", digit=digit)


def numeral(text: str, say: Say = english) -> str:
    """Returns a number as the reader's language writes it, such as "1.234,5 %" in German.

    Args:
        text: the number as Python formats it, such as "1,234.5%".
        say: puts it into the reader's language.
    """
    # A catalogue holds this number as an example of its marks.
    example = say("1,234.5%")
    return text.translate({ord(","): example[1], ord("."): example[5], ord("%"): example[7:]})


def in_per_cent(text: str, say: Say = english) -> str:
    """Returns a confidence such as "97.1%" or "over 99.9%", as `digits.recognizer.confidence_text` gives it."""
    share = text.removeprefix("over ")
    said = numeral(share, say)
    return said if share == text else say("over {share}", share=said)
