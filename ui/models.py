"""The models that the app reads with, each loaded once for all visitors."""

from pathlib import Path

import streamlit as st

from digits.recognizer import Recognizer, find_model


def load_recognizer() -> Recognizer:
    """The model in use."""
    return load_file(find_model())


def load_file(path: Path) -> Recognizer:
    """The model in a file, as it is now: one that was retrained is loaded anew."""
    return _load(path, path.stat().st_mtime_ns if path.exists() else 0)


@st.cache_resource(max_entries=4, show_spinner="Loading the model ...")
def _load(path: Path, changed_ns: int) -> Recognizer:
    """Loads a model once, not at every rerun; `changed_ns` makes a retrained file a new one."""
    del changed_ns  # Only tells the cache one version of the file from the next.
    return Recognizer.load(path)
