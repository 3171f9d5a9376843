"""The page that shows how to call the API from a program."""

import json
import os
import urllib.error
import urllib.request
from typing import Literal

import streamlit as st

from digits.answers import BatchPrediction
from digits.app.calls import API_URL_VARIABLE, DEFAULT_API_URL, calls, is_address
from digits.app.language import name_of, say
from digits.app.last_picture import LastPicture, last_picture
from digits.app.models import chosen_models
from digits.app.pictures import for_display
from digits.app.samples import SAMPLES
from digits.errors import ImageError
from digits.images.decode import decode
from digits.recognizer import Recognizer

_PICTURE_WIDTH = 120
_PATIENCE_SECONDS = 1.0
_SECONDS_REMEMBERED = 5.0


def api_page() -> None:
    """Shows calls of the API for the picture that was tried last, and their answer."""
    st.title(say("Ask from a program"))
    picture = last_picture()
    st.write(
        say("Here is the picture that you tried last, as a call to the API.")
        if picture
        else say("Here is a sample as a call to the API. What you try on the first page takes its place.")
    )
    picture = picture or LastPicture.of((SAMPLES / "7_stylus.png").read_bytes())
    recognizer, _ = chosen_models()
    _picture(recognizer, picture)
    set_up = os.environ.get(API_URL_VARIABLE) or DEFAULT_API_URL
    address = st.text_input(say("Address of the API"), set_up, key="api address", type="url", persist_state="session")
    address = (address or "").strip()
    if not is_address(address):
        st.error(
            say("This is no address: {text}. It looks like {example}.", text=address or "–", example=DEFAULT_API_URL)
        )
        return
    # The app asks only the address that its operator has set, never one that a visitor types.
    state = _ask(set_up) if address == set_up else "unknown"
    with_key = st.checkbox(say("It asks for a key"), value=state == "key", key=f"api key {state}")
    # A container, so that what follows keeps its position.
    with st.container():
        if state == "none":
            st.info(
                say("As far as this page can see, nothing answers there yet. `digits run` starts API and app together.")
            )
    st.write(f"**2.** {say('In the folder with {name}, run one of these:', name=picture.name)}")
    languages = calls(address, picture.name, picture.media_type, with_key=with_key)
    for tab, call in zip(st.tabs([call.name for call in languages]), languages, strict=True):
        with tab:
            st.code(call.text, call.language, wrap_lines=True)
            st.caption(say(call.how))
    _answer(recognizer, picture)
    st.write(say("All that the API can do is on [its own page]({address}).", address=f"{address.rstrip('/')}/docs"))


def _picture(recognizer: Recognizer, picture: LastPicture) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(
            for_display(decode(picture.file, recognizer.limits)),
            width=_PICTURE_WIDTH,
            alt=say("The picture that the calls send"),
        )
        with st.container(width="content"):
            st.write(f"**1.** {say('Save the picture:')}")
            st.download_button(
                say("Download {name}", name=picture.name),
                picture.file,
                picture.name,
                picture.media_type,
                icon=":material/download:",
                on_click="ignore",
            )


def _answer(recognizer: Recognizer, picture: LastPicture) -> None:
    try:
        answer = BatchPrediction.of(recognizer.recognize(picture.file)).model_dump(exclude_unset=True)
    except ImageError as error:
        st.write(f"**3.** {say('The answer is a problem with status 422, and says why:')}")
        st.code(str(error), None, wrap_lines=True)
        return
    st.write(f"**3.** {say('The answer, if the API reads with {name}:', name=name_of(recognizer))}")
    st.code(json.dumps(answer), "json", wrap_lines=True)
    st.caption(
        say(
            "The API adds prediction_time_ms. `accepted` is false where the network cannot tell; `reason` says why. "
            "`view` says how the picture was seen; docs/views.md explains it."
        )
    )


@st.cache_data(ttl=_SECONDS_REMEMBERED, show_spinner=False)
def _ask(address: str) -> Literal["open", "key", "none"]:
    """Returns whether an API answers at an address without a key ("open"), asks for a key, or does not answer."""
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/model", timeout=_PATIENCE_SECONDS):
            return "open"
    except urllib.error.HTTPError as error:
        return "key" if error.code == 401 else "none"
    except (OSError, ValueError):
        return "none"
