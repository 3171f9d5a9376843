"""How the app starts."""

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
