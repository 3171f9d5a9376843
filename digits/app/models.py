"""The models of the app, each loaded once for all visitors."""

import os
from pathlib import Path

import streamlit as st

from digits.recognizer import MODEL_VARIABLE, TRAINED_MODEL, Recognizer, find_model, shipped_model

# The session key of the chosen model's name. The picker's own state ends when the visitor changes the page.
_CHOSEN = "chosen model"


def choose_recognizer() -> tuple[Recognizer, tuple[Recognizer, ...]]:
    """Shows a picker if there are several models; returns the chosen model, and the others for a second opinion.

    If `DIGITS_MODEL` names a model, it is the only one.
    """
    files = [find_model()]
    if not os.environ.get(MODEL_VARIABLE) and files[0] == TRAINED_MODEL:
        files.append(shipped_model())
    recognizers = [_load_file(file) for file in files]
    names = [recognizer.name for recognizer in recognizers]
    chosen = st.session_state.get(_CHOSEN)
    index = names.index(chosen) if chosen in names else 0
    if len(names) > 1:
        st.radio("Model", names, index=index, key="model", on_change=_keep_choice, horizontal=True)
    others = tuple(recognizer for i, recognizer in enumerate(recognizers) if i != index)
    return recognizers[index], others


def _keep_choice() -> None:
    st.session_state[_CHOSEN] = st.session_state["model"]


def _load_file(path: Path) -> Recognizer:
    """Returns the model in a file, which is loaded again after the file has changed."""
    return _load(path, path.stat().st_mtime_ns if path.exists() else 0)


@st.cache_resource(max_entries=4, show_spinner="Loading the model ...")
def _load(path: Path, changed_ns: int) -> Recognizer:
    """Loads a version of a model file once for all visitors."""
    del changed_ns  # Part of the cache key: a file that has changed is loaded again.
    return Recognizer.load(path)
