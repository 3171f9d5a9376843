"""A table of the answers to several pictures."""

import base64
import hashlib
import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st
from PIL import Image
from streamlit.runtime.uploaded_file_manager import UploadedFile

from digits.app.language import language, say, say_number, say_problem
from digits.app.reading import lack_of_files_told
from digits.errors import DigitsError, ImageError
from digits.explain.wording import word
from digits.images.decode import open_image
from digits.recognizer import Recognizer
from digits.vision.reduction import shrink

# The session key of the last table, so that a click on a row does not read every picture again.
_LAST = "last table"
# The column for the other model's answers, if there is another model.
_SECOND = "second opinion"
# What an empty cell shows.
_NONE = "–"
_THUMBNAIL_SIDE = 96
_ROW_HEIGHT = 56
# The last four are full-width characters, which start a formula in Chinese and Japanese spreadsheets.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def show_table(recognizer: Recognizer, uploads: Sequence[UploadedFile], others: tuple[Recognizer, ...]) -> None:
    """Shows the answers to several image files in a table that can be sorted and downloaded.

    Args:
        recognizer: the model that answers.
        uploads: the image files.
        others: models whose answers fill a column of their own.
    """
    which = _identity(recognizer, uploads, others)
    last, table = st.session_state.get(_LAST, (None, None))
    if last != which or table is None:
        table, is_lasting = _read(recognizer, uploads, others)
        if is_lasting:
            st.session_state[_LAST] = (which, table)
    accepted = int(table["accepted"].sum())
    st.subheader(say("{accepted} of {count} accepted", accepted=accepted, count=len(table)), anchor=False)
    st.dataframe(
        # Formatted here: the browser would write numbers as its own language does, which may not be that of the page.
        # The name is the same in each run, so that a selected row stays selected.
        table.style.set_uuid("table").format({"confidence": lambda share: say_number(f"{share:.2%}")}, na_rep=_NONE),
        hide_index=True,
        row_height=_ROW_HEIGHT,
        placeholder=_NONE,
        on_select="rerun",
        selection_mode="single-row",
        # The selection belongs to these files and does not carry over to others.
        key=_key_of(which),
        column_config={
            "picture": st.column_config.ImageColumn(say("Picture"), width="small"),
            "file": st.column_config.TextColumn(say("File")),
            "digit": st.column_config.NumberColumn(say("Digit"), width="small"),
            "confidence": st.column_config.NumberColumn(say("Confidence"), width="small"),
            "accepted": st.column_config.CheckboxColumn(say("Accepted"), width="small"),
            "answer": st.column_config.TextColumn(say("Answer"), width="medium" if others else "large"),
            _SECOND: st.column_config.TextColumn(say("Second opinion")),
        },
        alt=say("A row for each picture: digit, confidence, and whether the answer is accepted"),
    )
    st.download_button(
        say("Download as CSV"),
        as_csv(table.drop(columns="picture")),
        file_name="digits.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    st.caption(say("Click on the left end of a row to see its answer above, and on a column's name to sort by it."))


def chosen_file(
    recognizer: Recognizer, uploads: Sequence[UploadedFile], others: tuple[Recognizer, ...]
) -> UploadedFile:
    """Returns the file whose row is selected in the table, or the first file; arguments as for `show_table`."""
    state = st.session_state.get(_key_of(_identity(recognizer, uploads, others))) or {}
    rows = [row for row in state.get("selection", {}).get("rows", []) if row < len(uploads)]
    return uploads[rows[0] if rows else 0]


def _identity(
    recognizer: Recognizer, uploads: Sequence[UploadedFile], others: tuple[Recognizer, ...]
) -> tuple[str, ...]:
    """Returns what tells a table from others: its language, models and files."""
    models = (name for model in (recognizer, *others) for name in (model.digest, model.name))
    return (language(), *models, *(upload.file_id for upload in uploads))


def _key_of(identity: Sequence[str]) -> str:
    return f"table {hashlib.sha256(chr(10).join(identity).encode()).hexdigest()[:16]}"


def as_csv(table: pd.DataFrame) -> bytes:
    """Returns a table as a CSV file that spreadsheets show as text.

    The file starts with a byte order mark, without which Excel does not expect UTF-8. A cell that a spreadsheet would
    run as a formula is preceded by an apostrophe, since anyone can choose the name of a file (OWASP, "CSV Injection").
    """
    safe = table.copy()
    for column in safe.select_dtypes(exclude=["number", "bool"]):
        safe[column] = safe[column].map(lambda cell: f"'{cell}" if str(cell).startswith(_FORMULA_STARTS) else cell)
    return safe.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def _read(
    recognizer: Recognizer, uploads: Sequence[UploadedFile], others: tuple[Recognizer, ...]
) -> tuple[pd.DataFrame, bool]:
    """Returns the table, and whether a second reading would give the same."""
    rows, is_lasting = [], True
    progress = st.progress(0.0, say("Reading …"))
    for i, upload in enumerate(uploads, 1):
        try:
            with lack_of_files_told():
                cells = _read_one(recognizer, upload.getvalue(), others)
        except DigitsError as error:
            # That is none of the picture's, and may pass: it is asked again.
            cells, is_lasting = {"accepted": False, "answer": say_problem(error)}, False
        rows.append({"file": upload.name} | cells)
        progress.progress(i / len(uploads), say("Reading … {number} of {count}", number=i, count=len(uploads)))
    progress.empty()
    columns = ["picture", "file", "digit", "confidence", "accepted", "answer", *([_SECOND] if others else [])]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"digit": "Int64", "confidence": "Float64", "accepted": bool}), is_lasting


def _read_one(recognizer: Recognizer, file: bytes, others: tuple[Recognizer, ...]) -> dict[str, object]:
    """Returns the cells of a picture's row by column, without those that have no value.

    Raises:
        DigitsError: it cannot be read on this machine now.
    """
    cells: dict[str, object] = {"accepted": False}
    try:
        opened = open_image(file, recognizer.limits)
        pixels = opened.decode()
        cells["picture"] = _thumbnail(pixels)
        if others:
            cells[_SECOND] = _sentences(pixels, others)
        prediction = recognizer.recognize_pixels(pixels)
    except ImageError as error:
        return cells | {"answer": say_problem(error)}
    if prediction.reason != "not_a_digit":
        cells |= {"digit": prediction.digit}
    # Never rounded up to 100%.
    confidence = min(round(prediction.confidence, 4), 0.9999)
    return cells | {
        "confidence": confidence,
        "accepted": prediction.accepted,
        "answer": word(prediction, say).sentence,
    }


def _sentences(pixels: npt.NDArray[np.uint8], others: tuple[Recognizer, ...]) -> str:
    """Returns the other models' answers to a picture."""
    try:
        return "; ".join(word(other.recognize_pixels(pixels), say).sentence for other in others)
    except ImageError:
        return say("No answer")


def _thumbnail(pixels: npt.NDArray[np.uint8]) -> str:
    """Returns a reduced picture as a data URL."""
    file = io.BytesIO()
    Image.fromarray(shrink(pixels, _THUMBNAIL_SIDE)).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
