"""The interface's languages: every text has a translation, and nothing is shown that has none."""

import ast
import json
import re
import string
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import digits
from digits.app.calls import calls
from digits.app.components.details import STAGES
from digits.app.language import (
    ENGLISH,
    LANGUAGES,
    advice,
    catalogue,
    say_number,
    say_problem,
    short_problem,
    supported,
)
from digits.app.pages.classroom import COUNTED, Counted
from digits.app.pages.numbers import NUMBERS
from digits.app.pages.recognize import STAGE
from digits.app.stage import OnStage
from digits.errors import (
    CrowdedImageError,
    NoDigitError,
    NoInkError,
    NoSuchPageError,
    PutAsideError,
    SeveralDigitsError,
    UnexpectedNumberError,
)
from digits.explain.model_card import DESCRIPTIONS
from digits.training.recipes import RECIPES
from tests.conftest import ROOT, SAMPLES, encode_png

_PACKAGE = Path(digits.__file__).parent
_SAID = {"say", "later"}


def said() -> dict[str, str]:
    """Every text that is marked to be said in another language, and where."""
    texts = {}
    for folder in ("app", "explain"):
        for file in sorted((_PACKAGE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                for text in _texts_of(node):
                    texts[text] = f"{file.relative_to(_PACKAGE)}:{getattr(node, 'lineno', 0)}"
    return texts


def _texts_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SAID and node.args:
        text = node.args[0]
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            yield text.value
        else:
            # A text that is put together cannot be found in a catalogue.
            assert not isinstance(text, ast.JoinedStr | ast.BinOp), ast.dump(text)


def names_in(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_catalogue_holds_every_text_and_no_other(code: str) -> None:
    texts, translated = said(), catalogue(code)
    assert {text: place for text, place in texts.items() if text not in translated} == {}
    assert [text for text in translated if text not in texts] == []
    for text, other in translated.items():
        assert names_in(other) == names_in(text), text
        assert other.strip() == other, text
        assert other[:1], text
    # The digits of the interface are 0 to 9.
    assert [other for other in translated.values() if any(c.isdigit() and not c.isascii() for c in other)] == []


@pytest.mark.parametrize("code", ["", *LANGUAGES])
def test_a_problem_is_short_in_every_language(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digits.app.language.language", lambda: code or ENGLISH)
    short = short_problem(NoInkError("No ink was found: the image is blank. Write the digit with a darker pen."))
    assert short
    assert not any(stop in short for stop in (". ", "。", "।"))


def test_a_page_without_digits_is_not_taken_for_one_without_ink(monkeypatch: pytest.MonkeyPatch) -> None:
    for code in LANGUAGES:
        monkeypatch.setattr("digits.app.language.language", lambda code=code: code)
        assert short_problem(NoDigitError("")) != short_problem(NoInkError(""))


def test_a_problem_of_a_drawing_is_said_without_what_helps_a_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = (NoInkError("Light."), NoDigitError("Crop."), SeveralDigitsError(2), CrowdedImageError("Many."))
    for code in (ENGLISH, *LANGUAGES):
        monkeypatch.setattr("digits.app.language.language", lambda code=code: code)
        drawn = [say_problem(problem, drawn=True) for problem in problems]
        assert len({*drawn, *(say_problem(problem) for problem in problems)}) == 8
        assert all(advice(problem, drawn=True) for problem in problems)
        assert "2" in drawn[2]
        # Of others there is nothing else to say.
        assert say_problem(NoSuchPageError("No page."), drawn=True) == say_problem(NoSuchPageError("No page."))


@pytest.mark.parametrize("code", ["", *LANGUAGES])
def test_a_problem_is_told_in_the_words_of_the_app(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digits.app.language.language", lambda: code or ENGLISH)
    unexpected = say_problem(UnexpectedNumberError("It does not match the pattern: '37/5' was read.", "37/5"))
    assert "`37/5`" in unexpected
    assert "pattern" not in unexpected
    passing = say_problem(PutAsideError("No process can be started."))
    assert "process" not in passing
    assert advice(PutAsideError(""))


def test_what_recipes_say_of_themselves_is_translated() -> None:
    assert {recipe.description for recipe in RECIPES.values()} == set(DESCRIPTIONS)


def test_a_browsers_locale_chooses_the_language() -> None:
    assert LANGUAGES == ("ar", "de", "es", "fr", "hi", "pt", "zh")
    asked = {"pt-BR": "pt", "zh_TW": "zh", "ES": "es", "ar-EG": "ar", "en-GB": "en", "ja": "en", "": "en", None: "en"}
    assert {locale: supported(locale) for locale in asked} == asked


class Marked(dict[str, str]):
    """A catalogue that puts every text in brackets, without its numbers, and writes other numbers in its own way."""

    def get(self, text: str, default: object = None) -> str:
        return "1_234·5‰" if text == "1,234.5%" else f"⟦{re.sub('[0-9]', '', text)}⟧"


# A number as only English writes it; a version has two points.
_ENGLISH_NUMBER = re.compile(r"(?<![\d.])\d+(?:\.\d+(?![\d.])|,\d{3}|%)")


# The fields of Streamlit's elements, and of the data of the app's own components, that people see or hear.
SEEN = {
    *("label", "help", "placeholder", "body", "content", "value", "caption", "alt", "title", "text", "options"),
    *("sentence", "confidence", "announcement", "spoken_digit", "spoken_bars", "labels", "corner", "steps"),
    *("skip", "next", "done"),
}
# Shown as it is: names, code and formats.
_AS_IT_IS = re.compile(
    r"<style>.*?</style>|<[^>]*>|:material/\w+:|`[^`]*`|https?://[^\s)⟧]+|Digits|digit\.png|curl|Python|JavaScript",
    re.DOTALL,
)


def seen(message: Any, field: str = "") -> Iterator[str]:
    """Every text that people see or hear, in an element's message or a component's data."""
    if isinstance(message, str):
        if field == "json":
            yield from seen(json.loads(message))
        elif field in SEEN:
            yield from re.findall(r'(?:alt|aria-label|title)="([^"]*)"', message)
            yield message
    elif isinstance(message, dict):
        for name, value in message.items():
            yield from seen(value, name)
    elif hasattr(message, "ListFields"):
        for descriptor, value in message.ListFields():
            yield from seen(value, descriptor.name)
    elif isinstance(message, Iterable) and not isinstance(message, bytes):
        for item in message:
            yield from seen(item, field)


def texts_of(app: AppTest) -> list[str]:
    assert not app.exception
    texts = [text for element in app.main for text in seen(getattr(element, "proto", None)) if element.type != "code"]
    assert len(texts) > 5
    return texts


def without_translation(app: AppTest) -> list[str]:
    left = []
    for text in texts_of(app):
        # A first sentence that was cut off has no end.
        whole = text + "⟧" * (text.count("⟦") - text.count("⟧"))
        # What follows it has no beginning.
        whole = "⟦" * (whole.count("⟧") - whole.count("⟦")) + whole
        bare, before = _AS_IT_IS.sub("", whole), None
        while bare != before:
            bare, before = re.sub("⟦[^⟦⟧]*⟧", "", bare), bare
        if re.search("[A-Za-z]{2}", bare):
            left.append(text)
    return left


def with_counted(app: AppTest) -> None:
    app.session_state[COUNTED] = (Counted(4, 4), Counted(4, 9), Counted(7, None))


def with_all_of_an_answer(app: AppTest) -> None:
    for part in ("saw", "why"):
        app.session_state[part] = True
    (file,) = (file for file in SAMPLES if file.name.startswith("4"))
    app.session_state[STAGE.key] = OnStage("sample", file.read_bytes())


def with_a_blank(app: AppTest) -> None:
    app.session_state[STAGE.key] = OnStage("sample", encode_png(np.full((60, 60), 255, np.uint8)))


def with_two_lines(app: AppTest) -> None:
    file = ROOT / "digits" / "samples" / "numbers" / "two_lines.png"
    app.session_state[NUMBERS.key] = OnStage("sample", file.read_bytes())
    app.session_state["number expected"] = "@"


def with_nothing(app: AppTest) -> None:
    pass


@pytest.mark.parametrize(
    ("page", "prepare"),
    [
        ("recognize.recognize_page", with_nothing),
        ("recognize.recognize_page", with_all_of_an_answer),
        ("recognize.recognize_page", with_a_blank),
        ("numbers.numbers_page", with_nothing),
        ("numbers.numbers_page", with_two_lines),
        ("classroom.class_page", with_counted),
        ("model.model_page", with_nothing),
        ("api.api_page", with_nothing),
    ],
)
def test_no_text_is_left_out(
    page: str, prepare: Callable[[AppTest], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIGITS_MODEL", raising=False)
    module, name = page.split(".")
    # English messages of errors are not the catalogue's.
    monkeypatch.setattr("digits.app.language.language", lambda: "xx")
    monkeypatch.setattr("digits.app.language.catalogue", lambda code: Marked())
    script = f"from digits.app.pages.{module} import {name}\n{name}()"
    app = AppTest.from_string(script, default_timeout=60)
    prepare(app)
    assert without_translation(app.run()) == []
    assert [text for text in texts_of(app) if _ENGLISH_NUMBER.search(_AS_IT_IS.sub("", text))] == []


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("en", ["99.60%", "132,930"]),
        ("zh", ["99.60%", "132,930"]),
        ("de", ["99,60\u00a0%", "132.930"]),
        ("es", ["99,60\u00a0%", "132.930"]),
        ("fr", ["99,60\u202f%", "132\u202f930"]),
        ("pt", ["99,60%", "132.930"]),
    ],
)
def test_numbers_have_the_marks_of_the_visitors_language(
    code: str, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digits.app.language.language", lambda: code)
    assert [say_number(number) for number in ("99.60%", "132,930")] == shown


def test_where_to_run_a_call_is_said_in_every_language() -> None:
    for call in calls("http://127.0.0.1:8000", "digit.png", "image/png", with_key=False):
        assert all(call.how in catalogue(code) for code in LANGUAGES)


def test_a_text_that_is_no_translation_is_found() -> None:
    app = AppTest.from_string("import streamlit as st\nfor i in range(6): st.write('⟦Undo⟧')\nst.button('Undo')").run()
    assert without_translation(app) == ["Undo"]


def test_the_stages_of_a_picture_have_the_names_that_are_translated() -> None:
    calls = (
        node
        for file in (_PACKAGE / "vision").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Stage"
    )
    names = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    # The other views of a picture have one name together, but for English.
    assert names == set(STAGES)
