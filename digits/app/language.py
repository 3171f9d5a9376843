"""The language of the interface: that of the visitor's browser, if there is a catalogue for it, and else English."""

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from digits.app.components.browser import add_style, browser_component
from digits.errors import DigitsError, SeveralDigitsError, UnexpectedNumberError
from digits.explain.speech import later, numeral
from digits.recognizer import Recognizer, shipped_model

ENGLISH = "en"
_CATALOGUES = Path(__file__).parent / "languages"
# The languages with a catalogue, and those that are written from right to left.
LANGUAGES = tuple(sorted(file.stem for file in _CATALOGUES.glob("*.json")))
_RIGHT_TO_LEFT = {"ar"}

# The end of a sentence before the next.
_END = re.compile(r"\. |。|। ")

# What an error means, by the name of its class, for those who do not read its own English message.
_PROBLEMS = {
    "UnreadableImageError": later("This is not an image that can be read."),
    "EmptyFileError": later("The file is empty."),
    "UnsupportedFormatError": later("This is not an image that can be read."),
    "EncryptedFileError": later("The file needs a password. Save it without one."),
    "BrokenImageError": later("The file is damaged or cut off. Save it again, as PNG."),
    "ImageLimitError": later("The picture is too large or has too many parts. Make it smaller, or crop it."),
    "ComputeTimeError": later("The picture takes too long to read. Make it smaller, or crop it."),
    "NoInkError": later("No ink was found. Use a darker pen, write larger, or give it more light."),
    "NoDigitError": later(
        "No digit was found in what is written here. Crop the picture to the number, or give it more light."
    ),
    "NoSuchPageError": later("The file has no such page."),
    "SeveralDigitsError": later("{count} digits were seen, and one is expected. Crop the picture to one."),
    "UnexpectedNumberError": later(
        "What is written does not match the form that you expect: {read} was read. Change or empty the field, or give "
        "another picture."
    ),
    "ImageError": later("This picture cannot be read."),
    "PatternError": later("This form cannot be understood. Write a count such as 4 or 4-6, or # for each digit."),
    "ProcessStartError": later(
        "The picture cannot be read now, because this computer lacks room or is too busy. Try again in a moment."
    ),
    "MissingInstallError": later("This computer lacks a part that reads such files. Save the picture as PNG."),
    "DigitsError": later("Something does not work:"),
}
# Those whose own message speaks of what only programs have: a process for each file, a pattern that is asked for.
_OF_THE_APP = {"ProcessStartError", "UnexpectedNumberError"}
# The same for a drawing, to which advice for photos does not apply.
_PROBLEMS_OF_DRAWINGS = {
    "ImageLimitError": later("The drawing has too many parts. Clear it, and draw fewer."),
    "NoInkError": later("Nothing was found in the drawing that can be read. Draw it larger."),
    "NoDigitError": later("No digit was found in the drawing. Draw larger and more clearly."),
    "SeveralDigitsError": later("{count} digits were seen, and one is expected. Draw one at a time."),
}


def language() -> str:
    """Returns the language in which the page speaks, such as "es"."""
    return supported(st.context.locale)


def supported(locale: str | None) -> str:
    """Returns the language with a catalogue that a browser's locale, such as "pt-BR", asks for; else "en"."""
    code = (locale or ENGLISH).replace("_", "-").split("-")[0].lower()
    return code if code in LANGUAGES else ENGLISH


@functools.cache
def catalogue(code: str) -> Mapping[str, str]:
    """Returns a language's texts by the English ones; none for English."""
    if code == ENGLISH:
        return {}
    texts: dict[str, str] = json.loads((_CATALOGUES / f"{code}.json").read_text(encoding="utf-8"))
    return texts


def say(text: str, /, **values: object) -> str:
    """Returns a text of the interface in the visitor's language, with `values` in the place of their {names}."""
    return catalogue(language()).get(text, text).format(**values)


def say_number(text: str) -> str:
    """Returns a number that Python has formatted, such as "1,234.5%", as the visitor's language writes it."""
    return numeral(text, say)


def say_problem(error: DigitsError, *, drawn: bool = False) -> str:
    """Returns what is wrong: in English the error's own message, which knows most; else a sentence for its kind.

    Args:
        error: the error.
        drawn: whether it is about a drawing, for whose commonest errors there is a sentence in English, too.
    """
    values = {
        "count": error.count if isinstance(error, SeveralDigitsError) else "",
        "read": f"`{error.read}`" if isinstance(error, UnexpectedNumberError) else "",
    }
    kinds = [kind.__name__ for kind in type(error).__mro__]
    if drawn and (of_drawing := next((kind for kind in kinds if kind in _PROBLEMS_OF_DRAWINGS), None)) is not None:
        return say(_PROBLEMS_OF_DRAWINGS[of_drawing], **values)
    if language() == ENGLISH and isinstance(error, SeveralDigitsError):
        # Beside it, the page has a button for what its last sentence names for programs.
        return f"{str(error).rpartition('. ')[0]}."
    kind = next(kind for kind in kinds if kind in _PROBLEMS)
    if language() == ENGLISH and kind not in _OF_THE_APP:
        return str(error)
    if kind == "DigitsError":
        return f"{say(_PROBLEMS[kind])} {error}"
    return say(_PROBLEMS[kind], **values)


def short_problem(error: DigitsError, *, drawn: bool = False) -> str:
    """Returns the first sentence of what is wrong, without a full stop; arguments as for `say_problem`."""
    return _END.split(say_problem(error, drawn=drawn), maxsplit=1)[0].rstrip(".。।")


def advice(error: DigitsError, *, drawn: bool = False) -> str:
    """Returns the sentences after the first of what is wrong, which say what to do; "" if there are none.

    Arguments as for `say_problem`.
    """
    return "".join(_END.split(say_problem(error, drawn=drawn), maxsplit=1)[1:])


def name_of(recognizer: Recognizer) -> str:
    """Returns a model's name."""
    return say("the model that ships with Digits") if recognizer.path == shipped_model() else recognizer.name


def description_of(recognizer: Recognizer) -> str:
    """Returns which model reads and how good it is, in one line."""
    accuracy = recognizer.card.test_accuracy
    return say(
        "Reads with {name} (recipe {recipe}, test accuracy {accuracy}).",
        name=name_of(recognizer),
        recipe=recognizer.card.recipe,
        accuracy=say("unknown") if accuracy is None else say_number(f"{accuracy:.2%}"),
    )


# Streamlit's own buttons, whose texts it does not let an app choose, by what their text is in.
_FOREIGN = {
    ".st-key-ways [data-testid=stFileUploaderDropzone] button p": later("Upload"),
    "[data-testid=stCameraInputButton]": later("Take a photo"),
}


def set_language() -> None:
    """Tells the browser the page's language and in which direction it is read."""
    code = language()
    if code != ENGLISH:
        rules = []
        for place, text in _FOREIGN.items():
            quoted = json.dumps(say(text), ensure_ascii=False)
            rules.append(f"{place} {{ font-size: 0 }} {place}::after {{ font-size: 0.875rem; content: {quoted} }}")
        add_style(" ".join(rules))
    direction = "rtl" if code in _RIGHT_TO_LEFT else "ltr"
    browser_component("language", "<span></span>")(key="language", data={"language": code, "direction": direction})
