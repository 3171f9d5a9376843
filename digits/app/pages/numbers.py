"""The page that reads numbers: each digit gets a box, and the text can be corrected and copied."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import streamlit as st

from digits.app.components.browser import add_style
from digits.app.components.canvas import ShownPicture
from digits.app.components.samples import Sample, choose_sample
from digits.app.language import ENGLISH, description_of, language, say, say_problem
from digits.app.models import chosen_models
from digits.app.page_choice import Pages, pages_of
from digits.app.pictures import data_url
from digits.app.reading import lack_of_files_told
from digits.app.samples import SAMPLES
from digits.app.stage import OnStage, Stage
from digits.errors import DigitsError
from digits.explain.speech import in_per_cent, later
from digits.images.decode import open_image
from digits.numbers.drawing import draw_reading
from digits.numbers.reader import PAGE_SIDE, read_picture
from digits.numbers.reading import ReadDigit, Reading
from digits.numbers.signs.kinds import UNKNOWN
from digits.recognizer import Recognizer, confidence_text
from digits.vision.views.table import FIRST

NUMBERS = Stage("number", later("Draw a number here"), proportion=1.6)
_SAMPLES = {"two_lines": later("Sample: two lines, 2024 and 375-08")}
_INVITATION = later("Write a number, or give a picture of one: a house number, a date, a page of several lines.")

# The session key of the last picture and its reading, so that a click on a digit does not read all of it again.
_LAST = "last reading"
# The session key of the pattern that the visitor expects.
_EXPECTED = "number expected"
_NO_DIGIT = later("no digit")
# The margin around a digit that is shown for correction, as a share of its height.
_MARGIN = 0.25
# The longer side of a picture on the stage, in pixels.
_SHOWN_SIDE = 1000


@dataclass(frozen=True)
class _Seen:
    """A picture, and what was read on it.

    Args:
        key: tells the picture and the model from others.
        pixels: uint8 of shape (height, width) or (height, width, 3); a large picture is reduced.
        answer: the reading, with boxes in pixels of the whole picture; or why there is none.
    """

    key: str
    pixels: npt.NDArray[np.uint8]
    answer: Reading | DigitsError


def numbers_page() -> None:
    """Shows the stage, and the text that was read beside it."""
    st.html(f'<h1 class="digits-hidden">{say("Which number is this?")}</h1>')
    recognizer, _ = chosen_models()
    _stage(recognizer)
    st.caption(description_of(recognizer))


@st.fragment
def _stage(recognizer: Recognizer) -> None:
    content = NUMBERS.content()
    pages: Pages | None = None
    seen: _Seen | None = None
    answer: Reading | DigitsError | None = content.problem
    giving, answering = st.columns([11, 9], gap="medium")
    place = answering.empty()
    if content.file is not None:
        try:
            with lack_of_files_told():
                pages = pages_of(content.file, recognizer.limits)
                key = _key_of(recognizer, content.file, pages.chosen, _expected())
                if content.name and _last_seen(key) is None:
                    # Reading a file may take seconds, in which the answer to another one would stand here.
                    place.caption(say("Reading the picture …"))
                seen = _last_seen(key) or _see(recognizer, content.file, pages.chosen, _expected(), key)
            answer = _corrected(seen)
        except DigitsError as problem:
            answer = problem
    with giving:
        NUMBERS.show(_shown(content, seen, answer))
        if pages is not None:
            pages.show()
    with place.container():
        if isinstance(answer, DigitsError):
            st.error(say_problem(answer, drawn=content.file is not None and not content.name))
        elif seen is None or answer is None:
            st.header(say(_INVITATION), anchor=False)
        else:
            # Who has corrected it has looked at it.
            _show_text(answer, _doubt_of(answer, drawn=not content.name) if answer == seen.answer else "")
            _correct(seen, answer)
            if not content.name:
                boxed = say("The drawing with a box around each digit: {digits}", digits=_spoken(answer))
                st.image(draw_reading(seen.pixels, answer), alt=boxed)
    # Below the answer, which they would push out of sight on a phone.
    choosing, expecting = st.columns([11, 9], gap="medium")
    with choosing:
        _samples()
    with expecting:
        st.text_input(
            say("Expected, if you know it"),
            key=_EXPECTED,
            placeholder="4, 4-6, ##/##/####",
            help=say(
                "Write how many digits each line has, such as 4 or 4-6, or its form with # for each digit, such as "
                "##/##/#### for a date. Only what fits is then read. Leave it empty if you do not know."
            ),
            width=260,
        )


def _shown(content: OnStage, seen: _Seen | None, answer: Reading | DigitsError | None) -> ShownPicture:
    """Returns the picture, with its boxes if it was read; a drawing stays as it is."""
    if not content.name or seen is None:
        return ShownPicture(content.name)
    if not isinstance(answer, Reading):
        return ShownPicture(content.name, data_url(seen.pixels, _SHOWN_SIDE), say("The picture that you gave"))
    alt = say("The picture with a box around each digit: {digits}", digits=_spoken(answer))
    return ShownPicture(content.name, data_url(draw_reading(seen.pixels, answer), _SHOWN_SIDE), alt)


def _samples() -> None:
    samples = [Sample(SAMPLES / "numbers" / f"{name}.png", say(label)) for name, label in _SAMPLES.items()]
    choose_sample("number samples", samples, lambda sample: NUMBERS.put("sample", sample.file.read_bytes()))


def _expected() -> str | None:
    """Returns the pattern that the visitor expects, or None."""
    return str(st.session_state.get(_EXPECTED) or "").strip() or None


def _key_of(recognizer: Recognizer, image: bytes, page: int, expected: str | None) -> str:
    return hashlib.sha256(image + f"{recognizer.digest} {page} {expected or ''}".encode()).hexdigest()[:16]


def _last_seen(key: str) -> _Seen | None:
    """Returns what was read last if that has this key, and else None."""
    last: _Seen | None = st.session_state.get(_LAST)
    return last if last is not None and last.key == key else None


def _see(recognizer: Recognizer, image: bytes, page: int, expected: str | None, key: str) -> _Seen:
    """Reads a page of an image file, and keeps what was read under a key.

    Raises:
        DigitsError: the file cannot be decoded.
    """
    opened = open_image(image, recognizer.limits, page)
    pixels = opened.decode(PAGE_SIDE)
    answer: Reading | DigitsError
    try:
        answer = read_picture(recognizer, pixels, opened.upright_size, expected)
    except DigitsError as error:
        answer = error
    seen = _Seen(key, pixels, answer)
    if isinstance(answer, Reading):
        st.session_state[_LAST] = seen
    return seen


def _corrections_of(seen: _Seen) -> str:
    """Returns the session key of a picture's corrections: digits by their index, None where there is no digit."""
    return f"corrections {seen.key}"


def _corrected(seen: _Seen) -> Reading | DigitsError:
    """Returns what was read as a person has corrected it."""
    reading = seen.answer
    if not isinstance(reading, Reading):
        return reading
    corrections: dict[int, int | None] = st.session_state.get(_corrections_of(seen), {})

    def correct(read_digit: ReadDigit, digit: int | None) -> ReadDigit:
        if digit is None:
            return replace(read_digit, accepted=False)
        return replace(read_digit, digit=digit, accepted=True)

    digits = (correct(digit, corrections[i]) if i in corrections else digit for i, digit in enumerate(reading.digits))
    return replace(reading, digits=tuple(digits))


def _lines(reading: Reading) -> list[str]:
    """Returns the lines as they are shown: with their signs and blanks if there are signs, and else the digits."""
    # What a person has said to be no digit is left out.
    kept = replace(reading, digits=tuple(digit for digit in reading.digits if digit.accepted or digit.sign))
    has_signs = any(not digit.accepted for digit in kept.digits)
    return [line.strip() for line in (kept.transcript_lines if has_signs else kept.lines) if line]


def _spoken(reading: Reading) -> str:
    return ", ".join(_lines(reading)) or say("none")


def _show_text(reading: Reading, doubt: str) -> None:
    """Shows what was read as large as it fits, with a button that copies it.

    Args:
        reading: what was read.
        doubt: why it should not be acted on; "" if it may be.
    """
    lines = _lines(reading)
    spoken = say("Digits read: {digits}", digits=_spoken(reading))
    st.html(f'<div class="digits-hidden" role="status">{" ".join(filter(None, (spoken, doubt)))}</div>')
    if not lines:
        st.info(say("No digit is left."))
        return
    # A digit is somewhat more than half as wide as it is high.
    size = f"clamp(1.2rem, {round(130 / max(map(len, lines)))}cqw, 5rem)"
    add_style(f".st-key-number-text code {{ font-size: {size} !important; }}")
    with st.container(key="number-text"), st.container(key="number-doubted" if doubt else "number-sure"):
        st.code("\n".join(lines), language=None)
    if doubt:
        st.warning(doubt)
    unknown = sum(digit.shown == UNKNOWN for digit in reading.digits)
    signs = sum(not digit.accepted for digit in reading.digits) - unknown
    colors = [say("Blue boxes: digits.")] if any(digit.accepted for digit in reading.digits) else []
    st.caption(" ".join([*colors, *_gray_boxes(signs, unknown)]))
    if reading.view != FIRST:
        how = f": {reading.view}" if language() == ENGLISH else ""
        st.caption(say("Read in another view of the picture, which shows the digits better{how}.", how=how))
    if reading.line_confidences:
        whole = in_per_cent(confidence_text(reading.confidence), say)
        sentences = [say("All of it is right with a probability of {confidence}.", confidence=whole)]
        if alone := [line for line in reading.lines if line and signs + unknown]:
            sentences.append(say("Digits alone: {text}", text=f"`{', '.join(alone)}`"))
        st.caption(" ".join(sentences))


def _gray_boxes(signs: int, unknown: int) -> list[str]:
    """Returns what the gray boxes are around: so many known signs, and so many things that are not known."""
    if signs and unknown:
        return [
            say(
                "Gray boxes: other signs: {signs}; neither digit nor known sign: {unknown}.",
                signs=signs,
                unknown=unknown,
            )
        ]
    if unknown == 1:
        return [say("Gray boxes: 1 thing that is no digit or known sign.")]
    if unknown:
        return [say("Gray boxes: {count} things that are no digit or known sign.", count=unknown)]
    if signs == 1:
        return [say("Gray boxes: 1 other sign.")]
    return [say("Gray boxes: {count} other signs.", count=signs)] if signs else []


def _doubt_of(reading: Reading, *, drawn: bool) -> str:
    """Returns why a reading should not be acted on, much as the page of one digit says it; "" if it may be."""
    if reading.reason == "not_a_digit":
        if drawn:
            return say(
                "Not everything here looks like a digit or a known sign: ? stands for what does not. Write it more "
                "clearly."
            )
        return say(
            "Not everything here looks like a digit or a known sign: ? stands for what does not. Write it more "
            "clearly, or crop the picture."
        )
    if reading.reason is not None:
        return say("Not sure: this is more likely wrong than right. Check each digit, or write more clearly.")
    return ""


def _correct(seen: _Seen, reading: Reading) -> None:
    """Lets a person choose a digit or sign, and say what it is."""
    chosen = st.pills(
        say("Is one of them wrong? Choose it."),
        range(len(reading.digits)),
        format_func=lambda i: reading.digits[i].shown,
        key=f"wrong {seen.key}",
    )
    if chosen is None:
        return
    digit = reading.digits[chosen]
    key = _corrections_of(seen)
    with st.container(horizontal=True, vertical_alignment="top"):
        shows = say("another sign") if digit.shown == UNKNOWN else say("read as {digit}", digit=digit.shown)
        st.image(
            _cut_out(seen, digit, reading), width=90, alt=say("Sign {number}, {shows}", number=chosen + 1, shows=shows)
        )
        # A container is as wide as its content, unless it is given a width.
        with st.container(width=320):
            label = f"right {key} {chosen}"
            st.pills(
                say("What is it?"),
                [*"0123456789", _NO_DIGIT],
                format_func=lambda label: say(label) if label == _NO_DIGIT else label,
                default=str(digit.digit) if digit.accepted else _NO_DIGIT,
                key=label,
                on_change=_keep_correction,
                args=(key, chosen, label),
            )


def _keep_correction(key: str, index: int, label: str) -> None:
    chosen = st.session_state.get(label)
    if chosen is not None:
        corrections = dict(st.session_state.get(key, {}))
        st.session_state[key] = corrections | {index: None if chosen == _NO_DIGIT else int(chosen)}


def _cut_out(seen: _Seen, digit: ReadDigit, reading: Reading) -> npt.NDArray[np.uint8]:
    x, y, width, height = digit.box
    margin = _MARGIN * height
    down, across = seen.pixels.shape[0] / reading.height, seen.pixels.shape[1] / reading.width
    rows = slice(max(0, round((y - margin) * down)), round((y + height + margin) * down))
    return seen.pixels[rows, max(0, round((x - margin) * across)) : round((x + width + margin) * across)]
