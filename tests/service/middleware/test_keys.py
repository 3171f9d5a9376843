import hashlib
from pathlib import Path

import pytest

from digits.errors import SettingError
from digits.service.middleware import keys
from digits.service.middleware.keys import Keyring, make_key

FIRST, SECOND = "a-key-of-some-length", "another-key-of-some-length"


def test_each_key_has_its_name_and_others_have_none() -> None:
    ring = Keyring(f"till {FIRST}, phone {SECOND}")
    assert [ring.name_of(key) for key in (FIRST, SECOND)] == ["till", "phone"]
    assert [ring.name_of(key) for key in (FIRST[:-1], "", "\udcff")] == [None, None, None]


def test_a_digest_stands_for_its_key_and_is_none_itself() -> None:
    digest = "sha256:" + hashlib.sha256(FIRST.encode()).hexdigest()
    ring = Keyring(f"till {digest}")
    assert ring.name_of(FIRST) == "till"
    assert ring.name_of(digest) is None


def test_a_made_key_opens_with_its_line() -> None:
    key, line = make_key("till")
    assert key not in line
    assert Keyring(line).name_of(key) == "till"
    with pytest.raises(SettingError, match="cannot be named 'a b'"):
        make_key("a b")


def test_a_changed_file_is_read_again_and_a_broken_one_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keys, "_LOOK_SECONDS", 0.0)
    file = tmp_path / "keys"
    file.write_text(f"# of the shop\ntill {FIRST}\n\n")
    ring = Keyring(file=file)
    assert ring.name_of(FIRST) == "till"
    file.write_text(f"till {FIRST}\ntill-2026 {SECOND}\n")
    assert (ring.name_of(FIRST), ring.name_of(SECOND)) == ("till", "till-2026")
    file.write_text(f"till-2026 {SECOND}\n")
    assert (ring.name_of(FIRST), ring.name_of(SECOND)) == (None, "till-2026")
    for broken in ("nonsense", "", "# nobody\n", "till short", "\0"):
        file.write_text(broken)
        caplog.clear()
        assert (ring.name_of(FIRST), ring.name_of(SECOND)) == (None, "till-2026"), broken
        assert "The API keys stay as they were" in caplog.text, broken
    file.write_bytes(b"\xff\xfe")
    assert ring.name_of(SECOND) == "till-2026"
    file.unlink()
    assert (ring.name_of(FIRST), ring.name_of(SECOND)) == (None, "till-2026")
    file.write_text(f"till {FIRST}\n")
    assert (ring.name_of(FIRST), ring.name_of(SECOND)) == ("till", None)


@pytest.mark.parametrize("text", ["till", "till short", f"till {FIRST} xyzzy", "till sha256:12", "till sha256:xyz"])
def test_what_is_no_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(SettingError, match="entry 1 cannot be read") as caught:
        Keyring(text)
    assert text.split()[-1] not in str(caught.value).replace("till", "")


def test_no_key_at_all_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# nobody yet\n")
    with pytest.raises(SettingError, match="holds no key"):
        Keyring(file=file)
