"""What an operator may set, and what is said to a slip of the pen."""

import pytest

from digits.errors import SettingError
from digits.service.settings import read_settings


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        *[
            ("DIGITS_RATE_LIMIT", value, "it must be like 100/minute")
            for value in ("0/minute", "10", "10/fortnight", "-1/second", "1.5/second")
        ],
        *[
            ("DIGITS_TRUSTED_HOSTS", value, "is no host name; name it without scheme and port")
            for value in ("https://a.example", "a.example:80", "a.example,b.*.example", "*")
        ],
        *[
            ("DIGITS_CORS_ORIGINS", value, "is no origin; name scheme and host alone")
            for value in ("example.com", "https://example.com/", "https://a.example,null")
        ],
        ("DIGITS_FORMATS", "PNG,SVG", "SVG is not among PNG, JPEG"),
        ("DIGITS_MAX_BYTES", "20MB", "it should be a whole number, such as 20971520[.]$"),
        ("DIGITS_MAX_BYTES", "1.5", "it should be a whole number, such as 20971520[.]$"),
        ("DIGITS_MAX_BYTES", "-1", "it should be 1 or more[.]$"),
        ("DIGITS_MAX_FRAMES", "100001", "it should be 100000 or less[.]$"),
        ("DIGITS_COMPUTE_SECONDS", "soon", "it should be a number, such as 5.0[.]$"),
        ("DIGITS_COMPUTE_SECONDS", "0", "it should be more than 0[.]$"),
        ("DIGITS_METRICS", "maybe", "it should be true or false[.]$"),
        ("DIGITS_MAX_DECODING_BYTES", "much", "it should be a whole number[.]$"),
        ("DIGITS_LOG_LEVEL", "loud", "it should be 'debug', 'info'"),
    ],
)
def test_a_wrong_value_is_refused_by_name_with_what_is_right(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=f"^{name} is .*{said}"):
        read_settings()


@pytest.mark.parametrize(
    ("buffered", "others", "said"),
    [
        ("1000", {}, "it should be 104857600 or more, which is DIGITS_MAX_BATCH_BYTES. Raise it, or lower DIGITS_MAX"),
        (
            "700",
            {"DIGITS_MAX_BATCH_BYTES": "600", "DIGITS_MAX_BYTES": "101"},
            "it should be 707 or more, which is 7 times DIGITS_MAX_BYTES. Raise it, or lower DIGITS_MAX_BYTES.",
        ),
        ("707", {"DIGITS_MAX_BATCH_BYTES": "707", "DIGITS_MAX_BYTES": "101"}, None),
    ],
)
def test_there_is_room_for_whatever_one_request_may_send(
    monkeypatch: pytest.MonkeyPatch, buffered: str, others: dict[str, str], said: str | None
) -> None:
    for name, value in {"DIGITS_MAX_BUFFERED_BYTES": buffered, **others}.items():
        monkeypatch.setenv(name, value)
    if said is None:
        assert read_settings().max_buffered_bytes == int(buffered)
        return
    with pytest.raises(SettingError, match=f"^DIGITS_MAX_BUFFERED_BYTES is {buffered}: {said}"):
        read_settings()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DIGITS_API_KEY", "DIGITS_API_KEYS"),
        ("DIGITS_RATELIMIT", "DIGITS_RATE_LIMIT"),
        ("DIGITS_MAX_BYTE", "DIGITS_MAX_BYTES"),
        ("DIGITS_TRUSTED_HOST", "DIGITS_TRUSTED_HOSTS"),
    ],
)
def test_a_name_that_is_nearly_a_settings_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, meant: str) -> None:
    monkeypatch.setenv(name, "a-secret-word")
    with pytest.raises(SettingError, match=f"^{name} is no setting. Is {meant} meant?") as caught:
        read_settings()
    assert "secret" not in str(caught.value)


# Kubernetes makes such variables for a service that is named digits, and the app has settings of its own.
@pytest.mark.parametrize("name", ["DIGITS_PORT", "DIGITS_SERVICE_HOST", "DIGITS_FEEDBACK", "DIGITS_BROWSER"])
def test_other_names_are_somebody_elses(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "tcp://10.0.0.1:80")
    read_settings()


def test_the_precision_is_chosen_at_start_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().precision == "auto"
    monkeypatch.setenv("DIGITS_PRECISION", "float32")
    assert read_settings().precision == "float32"


def test_values_may_be_written_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_FORMATS", "png, jpg")
    monkeypatch.setenv("DIGITS_LOG_LEVEL", "WARNING")
    monkeypatch.setenv("DIGITS_PRECISION", "INT8")
    monkeypatch.setenv("DIGITS_TRUSTED_HOSTS", "*.example.com, localhost, 10.0.0.7, [::1]")
    monkeypatch.setenv("DIGITS_CORS_ORIGINS", "https://example.com, http://localhost:3000")
    settings = read_settings()
    assert settings.formats == ("PNG", "JPEG")
    assert settings.log_level == "warning"
    assert settings.precision == "int8"
    assert settings.trusted_hosts == ("*.example.com", "localhost", "10.0.0.7", "[::1]")
    assert settings.cors_origins == ("https://example.com", "http://localhost:3000")
