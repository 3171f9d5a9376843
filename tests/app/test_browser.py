import base64
from pathlib import Path

import pytest

from digits.app.components.browser import image_of


def test_a_picture_is_taken_out_of_its_data_url(sample: Path) -> None:
    file = sample.read_bytes()
    for kind in ("image/png", "image/jpeg", "image/svg+xml"):
        assert image_of(f"data:{kind};base64," + base64.b64encode(file).decode()) == file


@pytest.mark.parametrize(
    "url", ["", "data:text/html;base64,AAAA", "data:image/png;base64,###", "http://127.0.0.1/7.png"]
)
def test_what_is_no_picture_is_none(url: str) -> None:
    assert image_of(url) is None
