import base64
from pathlib import Path

import pytest

from ui.canvas import png_of


def test_a_drawing_is_taken_out_of_its_data_url(sample: Path) -> None:
    png = sample.read_bytes()
    assert png_of("data:image/png;base64," + base64.b64encode(png).decode()) == png


@pytest.mark.parametrize(
    "url", ["", "data:text/html;base64,AAAA", "data:image/png;base64,###", "http://127.0.0.1/7.png"]
)
def test_what_is_no_drawing_is_none(url: str) -> None:
    assert png_of(url) is None
