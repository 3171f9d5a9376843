"""The models of the app, each loaded once for all visitors."""

import os
from pathlib import Path

import streamlit as st

from digits.app.language import name_of, say, say_number
from digits.recognizer import MODEL_VARIABLE, TRAINED_MODEL, Recognizer, find_model, shipped_model

# The session key of the chosen model's name.
_CHOSEN = "chosen model"
# A model is called worse than the one that ships if its test accuracy is lower by more than this.
_WORSE_BY = 0.001


def choose_model() -> None:
    """Shows a picker with the accuracy of each model, if there are several."""
    recognizers = _load_all()
    if len(recognizers) < 2:
        return
    names = [recognizer.name for recognizer in recognizers]
    by_name = dict(zip(names, recognizers, strict=True))
    st.selectbox(
        say("Model"),
        names,
        index=names.index(chosen_models()[0].name),
        format_func=lambda name: _short(by_name[name]),
        key="model",
        on_change=_keep_choice,
        label_visibility="collapsed",
        width=250,
    )


def warn_of_worse_model() -> None:
    """Says in one line if the model in use is worse than the one that ships, and offers that one."""
    recognizer, others = chosen_models()
    for other in others:
        ours, theirs = recognizer.card.test_accuracy, other.card.test_accuracy
        if recognizer.card.test_set != other.card.test_set:
            continue
        if other.path == shipped_model() and ours is not None and theirs is not None and theirs - ours > _WORSE_BY:
            with st.container(horizontal=True, vertical_alignment="center", key="worse"):
                st.markdown(
                    ":material/info: "
                    + say(
                        "{name} reads {ours} of the test images correctly; the model that ships reads {theirs}.",
                        name=name_of(recognizer),
                        ours=say_number(f"{ours:.2%}"),
                        theirs=say_number(f"{theirs:.2%}"),
                    )
                )
                st.button(say("Use the one that ships"), key="use shipped", on_click=_choose, args=(other.name,))


def chosen_models() -> tuple[Recognizer, tuple[Recognizer, ...]]:
    """Returns the model in use, and the others for a second opinion.

    If `DIGITS_MODEL` names a model, it is the only one.
    """
    recognizers = _load_all()
    chosen = st.session_state.get(_CHOSEN)
    names = [recognizer.name for recognizer in recognizers]
    index = names.index(chosen) if chosen in names else 0
    return recognizers[index], tuple(other for i, other in enumerate(recognizers) if i != index)


def _load_all() -> list[Recognizer]:
    files = [find_model()]
    if not os.environ.get(MODEL_VARIABLE) and files[0] == TRAINED_MODEL:
        files.append(shipped_model())
    return [_load_file(file) for file in files]


def _short(recognizer: Recognizer) -> str:
    accuracy = recognizer.card.test_accuracy
    name = say("Ships with Digits") if recognizer.path == shipped_model() else recognizer.path.stem
    return name if accuracy is None else f"{name} · {say_number(f'{accuracy:.2%}')}"


def _choose(name: str) -> None:
    st.session_state[_CHOSEN] = st.session_state["model"] = name


def _keep_choice() -> None:
    st.session_state[_CHOSEN] = st.session_state["model"]


def _load_file(path: Path) -> Recognizer:
    """Returns the model in a file, which is loaded again after the file has changed."""
    return _load(path, path.stat().st_mtime_ns if path.exists() else 0)


@st.cache_resource(max_entries=4, show_spinner=False)
def _load(path: Path, changed_ns: int) -> Recognizer:
    """Loads a version of a model file once for all visitors."""
    del changed_ns  # Part of the cache key: a file that has changed is loaded again.
    return Recognizer.load(path)
