"""How the app starts."""

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from tests.conftest import ROOT, run_python

SCRIPT = """
import sys
from streamlit.testing.v1 import AppTest
assert not AppTest.from_file("app.py", default_timeout=60).run().exception
print(sorted({"altair", "pydantic"} & set(sys.modules)))
"""


def test_the_first_page_loads_no_package_that_only_other_pages_need() -> None:
    done = run_python(["-c", SCRIPT], cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("code", ["en", "de"])
def test_no_style_lies_among_the_notes_where_the_next_note_would_replace_it(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digits.app.language.language", lambda: code)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception
    notes = app._tree.children[2]
    assert isinstance(notes, Block)
    assert (notes.type, dict(notes.children)) == ("event", {})
