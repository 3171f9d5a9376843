"""The app's settings are the same however it is started."""

from tests.conftest import ROOT


def test_the_clone_and_the_package_have_the_same_settings() -> None:
    copies = [ROOT / ".streamlit" / "config.toml", ROOT / "digits" / "app" / "script" / ".streamlit" / "config.toml"]
    first, second = (copy.read_text(encoding="utf-8") for copy in copies)
    assert first == second
