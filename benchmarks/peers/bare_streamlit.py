"""The floor for the app: a Streamlit page with one button of its own, whose count Python keeps."""

import streamlit as st

_SCRIPT = """export default function ({ parentElement, data, setStateValue }) {
  const button = parentElement.querySelector("button")
  button.textContent = `Count ${data.count}`
  button.onclick = () => setStateValue("count", data.count + 1)
}"""
_KEY = "bare"
_COUNT = "count so far"


def _keep() -> None:
    st.session_state[_COUNT] = st.session_state[_KEY]["count"]


@st.fragment
def _page() -> None:
    button = st.components.v2.component("bare", html="<button></button>", js=_SCRIPT)
    button(key=_KEY, data={"count": st.session_state.get(_COUNT, 0)}, on_count_change=_keep)


_page()
