"""The models that the app reads with, each loaded once for all visitors."""

import os
from pathlib import Path

import streamlit as st

from digits.recognizer import MODEL_VARIABLE, TRAINED_MODEL, Recognizer, find_model, shipped_model

# Outlives the picker, which is drawn anew on each page.
_CHOSEN = "chosen model"


def choose_recognizer() -> tuple[Recognizer, tuple[Recognizer, ...]]:
    """The model in use, and the others that there are, for a second opinion; draws a picker if there are any.

    A model that `DIGITS_MODEL` names is meant, and there is no other.
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
    """The model in a file, as it is now: one that was retrained is loaded anew."""
    return _load(path, path.stat().st_mtime_ns if path.exists() else 0)


@st.cache_resource(max_entries=4, show_spinner="Loading the model ...")
def _load(path: Path, changed_ns: int) -> Recognizer:
    """Loads a model once, not at every rerun; `changed_ns` makes a retrained file a new one."""
    del changed_ns  # Only tells the cache one version of the file from the next.
    return Recognizer.load(path)
