"""The page that reads numbers: each digit gets a box, and the text can be corrected and copied."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import streamlit as st

from digits.app.components.paste import paste_zone
from digits.app.models import chosen_models
from digits.app.pictures import BLUE, for_display
from digits.app.samples import SAMPLES
from digits.errors import ImageError
from digits.images.decode import open_image
from digits.images.formats import SUFFIXES
from digits.numbers.drawing import draw_reading
from digits.numbers.reader import PAGE_SIDE, read_picture
from digits.numbers.reading import ReadDigit, Reading
from digits.recognizer import Recognizer

UPLOAD_TYPES = [suffix.removeprefix(".") for suffix in SUFFIXES]
SAMPLE_NUMBER = SAMPLES / "numbers" / "two_lines.png"

# A visitor's last picture and what was read: so that a click on a digit does not read all of it again.
_LAST = "last reading"
_WAY = "read way"
_NO_DIGIT = "no digit"
# Paper that is shown around a digit, as a share of its height.
_AROUND = 0.25


@dataclass(frozen=True)
class _Read:
    """A picture and what was read on it.

    Args:
        which: tells it from others.
        pixels: uint8 of shape (height, width) or (height, width, 3); a large picture is reduced.
        reading: of it; boxes are in pixels of the whole picture.
    """

    which: str
    pixels: npt.NDArray[np.uint8]
    reading: Reading


def numbers_page() -> None:
    """Shows the ways to give a picture, and the text that was read."""
    st.title("Which number is this?")
    upload, paste, camera = st.tabs(["Upload", "Paste", "Camera"], key=_WAY, on_change="rerun")
    with upload:
        st.write("Upload a picture of handwritten digits: a house number, a date, a page of several lines.")
        st.file_uploader("Image", type=UPLOAD_TYPES, key="read upload", on_change=_choose, args=("read upload",))
    with paste:
        st.write("Copy a picture of handwritten digits, and press Ctrl+V (on a Mac ⌘V) anywhere on this page.")
        paste_zone("read paste", _keep_pasted)
    # Only when it is opened, since the browser then asks whether the page may use it.
    if camera.open:
        camera.camera_input("Photo of a number", key="read camera", on_change=_choose, args=("read camera",))
    # Above the sample, so that on a phone the answer to a click is in sight.
    answer = st.container()
    st.write("Nothing at hand? Try this one:")
    with st.container(width=200):
        st.image(str(SAMPLE_NUMBER), width="stretch", alt="Two lines: 2024, and 375-08")
        st.button("two lines", key="read sample", on_click=_choose, args=("read sample",), width="stretch")
    recognizer, _ = chosen_models()
    with answer:
        if (image := st.session_state.get("read image")) is not None:
            _show(recognizer, image)
    st.caption(f"Reads with {recognizer.description}.")


def take_picture(file: bytes) -> None:
    """Has the page read a picture when it is opened next.

    Args:
        file: the image file.
    """
    st.session_state["read image"] = file


def _choose(source: str) -> None:
    """Keeps the picture at hand when its tab is closed, or the page is left."""
    if source == "read sample":
        st.session_state["read image"] = SAMPLE_NUMBER.read_bytes()
    else:
        chosen = st.session_state.get(source)
        st.session_state["read image"] = None if chosen is None else chosen.getvalue()


def _keep_pasted(picture: bytes) -> None:
    st.session_state["read image"] = picture
    st.session_state[_WAY] = "Paste"


def _show(recognizer: Recognizer, image: bytes) -> None:
    try:
        read = _read(recognizer, image)
    except ImageError as error:
        st.error(str(error))
        return
    key = f"corrections {read.which}"
    reading = _corrected(read.reading, st.session_state.get(key, {}))
    _show_text(reading)
    st.image(
        for_display(draw_reading(read.pixels, reading), _shown_side(read.pixels)),
        width="stretch",
        alt=f"The picture with a box around each digit: {_spoken(reading)}",
    )
    others = sum(not one.accepted for one in reading.digits)
    more = f" Gray boxes: {others} other {'sign' if others == 1 else 'signs'}, not in the text." if others else ""
    st.caption(f"Blue boxes: digits, each with the one that was read.{more}")
    _correct(read, reading, key)


def _read(recognizer: Recognizer, image: bytes) -> _Read:
    which = hashlib.sha256(image + recognizer.digest.encode()).hexdigest()[:16]
    last: _Read | None = st.session_state.get(_LAST)
    if last is None or last.which != which:
        with st.spinner("Reading ..."):
            opened = open_image(image, recognizer.limits)
            pixels = opened.decode(PAGE_SIDE)
            reading = read_picture(recognizer, pixels, opened.upright_size)
            last = st.session_state[_LAST] = _Read(which, pixels, reading)
    return last


def _corrected(reading: Reading, corrections: dict[int, int | None]) -> Reading:
    """A reading as a person has corrected it: digits by their index, None where there is no digit."""

    def right(one: ReadDigit, digit: int | None) -> ReadDigit:
        return replace(one, accepted=False) if digit is None else replace(one, digit=digit, accepted=True)

    digits = (right(one, corrections[i]) if i in corrections else one for i, one in enumerate(reading.digits))
    return replace(reading, digits=tuple(digits))


def _lines(reading: Reading) -> list[str]:
    return [line for line in reading.lines if line]


def _spoken(reading: Reading) -> str:
    return ", ".join(_lines(reading)) or "none"


def _show_text(reading: Reading) -> None:
    """The digits as large as they fit, and once more to be copied."""
    lines = _lines(reading)
    if not lines:
        st.info("No digit is left.")
        return
    text = "\n".join(lines)
    # Streamlit's largest heading is a third of the first; a digit is somewhat more than half as wide as it is high.
    size = f"clamp(1.2rem, {round(140 / max(map(len, lines)))}cqw, 6rem)"
    st.html(
        f'<div style="container-type: inline-size"><div role="img" aria-label="Digits read: {_spoken(reading)}" '
        f'style="font-size: {size}; line-height: 1.1; font-weight: 700; color: {BLUE}; overflow-wrap: anywhere; '
        f'white-space: pre-wrap">{text}</div></div>'
    )
    # A finger does not hover: the button that copies is to be seen at once.
    st.html("<style>[data-testid=stCode] > div { opacity: 1; visibility: visible; }</style>")
    st.code(text, language=None)


def _correct(read: _Read, reading: Reading, key: str) -> None:
    """Lets a person choose one thing that was read, and say what it is."""
    st.subheader("Is one of them wrong?", anchor=False)
    chosen = st.pills(
        "Choose it, in reading order; ? is a sign that is not in the text.",
        range(len(reading.digits)),
        format_func=lambda i: str(reading.digits[i].digit) if reading.digits[i].accepted else "?",
        key=f"wrong {read.which}",
    )
    if chosen is None:
        return
    one = reading.digits[chosen]
    with st.container(horizontal=True, vertical_alignment="top"):
        st.image(
            _cut_out(read, one),
            width=90,
            alt=f"Number {chosen + 1}, read as {one.digit}" if one.accepted else f"Number {chosen + 1}, another sign",
        )
        # Its width is that of what it holds, unless it is given one.
        with st.container(width=320):
            label = f"right {key} {chosen}"
            st.pills(
                "What is it?",
                [*"0123456789", _NO_DIGIT],
                default=str(one.digit) if one.accepted else _NO_DIGIT,
                key=label,
                on_change=_keep_correction,
                args=(key, chosen, label),
            )


def _keep_correction(key: str, index: int, label: str) -> None:
    said = st.session_state.get(label)
    if said is not None:
        corrections = dict(st.session_state.get(key, {}))
        st.session_state[key] = corrections | {index: None if said == _NO_DIGIT else int(said)}


def _cut_out(read: _Read, one: ReadDigit) -> npt.NDArray[np.uint8]:
    x, y, width, height = one.box
    around = _AROUND * height
    down, across = read.pixels.shape[0] / read.reading.height, read.pixels.shape[1] / read.reading.width
    rows = slice(max(0, round((y - around) * down)), round((y + height + around) * down))
    return read.pixels[rows, max(0, round((x - around) * across)) : round((x + width + around) * across)]


def _shown_side(pixels: npt.NDArray[np.uint8]) -> int:
    """Never larger than it is: text on it stays sharp."""
    return min(max(pixels.shape[:2]), PAGE_SIDE)
