"""A grid of small images, each with its true digit and the digit read."""

import base64
import html
import io

import numpy as np
import numpy.typing as npt
import streamlit as st
from PIL import Image

from digits.app.language import say
from digits.explain.speech import in_per_cent
from digits.model.examples import Examples
from digits.recognizer import confidence_text

_SIDE = 72

# Enlarged without smoothing: the pixels are all that the network sees.
_STYLE = f"""
<style>
.digits-gallery {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(92px, 1fr)); gap: 0.6rem; }}
.digits-gallery figure {{ margin: 0; text-align: center; }}
.digits-gallery img {{ width: {_SIDE}px; height: {_SIDE}px; image-rendering: pixelated; border-radius: 4px; }}
.digits-gallery figcaption {{ font-size: 0.8rem; line-height: 1.2; margin-top: 0.2rem; }}
</style>
"""


def gallery(examples: Examples, places: npt.NDArray[np.intp]) -> None:
    """Shows some of a model's examples.

    Args:
        examples: the examples.
        places: the indices of those to show, in this order, of shape (k,).
    """
    figures = [_figure(examples, int(i)) for i in places]
    st.html(f'{_STYLE}<div class="digits-gallery">{"".join(figures)}</div>')


def _figure(examples: Examples, i: int) -> str:
    true, read, confidence = (
        int(examples.labels[i]),
        int(examples.read[i]),
        in_per_cent(confidence_text(float(examples.confidence[i])), say),
    )
    outcome = (
        say("{true} read as {read}", true=true, read=read)
        if true != read
        else say("{digit}, read correctly", digit=true)
    )
    file = io.BytesIO()
    Image.fromarray(examples.images[i]).save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    alt = html.escape(say("Test image: {outcome}, confidence {confidence}", outcome=outcome, confidence=confidence))
    image = f'<img src="data:image/png;base64,{data}" alt="{alt}">'
    return f"<figure>{image}<figcaption>{outcome}<br>{confidence}</figcaption></figure>"
