"""Writes docs/settings.md, the operator's table of settings, from the code: python -m scripts.settings_page"""

import re
from collections.abc import Mapping
from pathlib import Path

from digits.errors import (
    ComputeTimeError,
    CrowdedImageError,
    DigitsError,
    ImageTooLargeError,
    TooManyFramesError,
    TooManyPixelsError,
    UnsupportedFormatError,
)
from digits.service.errors import (
    BatchTooLargeError,
    BodyTooSlowError,
    BuffersFullError,
    OverloadedError,
    RateLimitedError,
    TooManyFilesError,
)
from digits.service.problems import PROBLEMS
from digits.service.settings import Settings, text_of, variable_of

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

# What crosses the limit that a setting sets.
_CROSSED: Mapping[str, type[DigitsError]] = {
    "max_bytes": ImageTooLargeError,
    "max_pixels": TooManyPixelsError,
    "max_frames": TooManyFramesError,
    "max_candidates": CrowdedImageError,
    "compute_seconds": ComputeTimeError,
    "formats": UnsupportedFormatError,
    "max_batch_files": TooManyFilesError,
    "max_batch_bytes": BatchTooLargeError,
    "receive_seconds": BodyTooSlowError,
    "max_in_flight": OverloadedError,
    "queue_seconds": OverloadedError,
    "max_buffered_bytes": BuffersFullError,
    "max_connections": OverloadedError,
    "rate_limit": RateLimitedError,
}

_HEAD = """# Settings

The API's settings are environment variables; it reads them when it starts. `digits serve` prints what they come to,
without secrets. An empty variable counts as none; a name that is nearly a setting's stops the start. The first is the
app's and the command line's, too.

| variable | default | |
| --- | --- | --- |
"""

_LIMITS_HEAD = """
Two more are the app's alone: `DIGITS_FEEDBACK` names the file in which it keeps feedback
(`feedback/feedback.sqlite3` if it is empty), or is `off`, and `DIGITS_API_URL` is the address of the API in the calls
that it shows (`http://127.0.0.1:8000` if it is empty).

Three more variables that other programs share are heeded: `OTEL_*` configure traces, `XDG_RUNTIME_DIR` is where a
server keeps what its workers share (else the system's folder for temporary files), and `FORWARDED_ALLOW_IPS` names the
proxies whose `X-Forwarded-For` tells the client's address.

## Limits

Whatever crosses one is answered with a problem of its own, before more of it is taken:

| setting | problem | status |
| --- | --- | --- |
"""

_KEYS = """
## Keys

`digits key NAME` makes a key, and a line for the file that `DIGITS_API_KEYS_FILE` names. The line holds the key's
digest; the key itself is shown once. Clients send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`. To rotate one,
add the new line, let the client change over, and delete the old line: the file is read again within a second or two of
a change. If it cannot be read, or holds no key, the keys stay as they were, with an error in the log: write it beside
and rename it (`mv`). With keys, everything asks for one but `/health/`,
`/docs` and `/openapi.json`; `/metrics` does, too.
"""


def page() -> str:
    """The page's text."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = text_of(field.default)
        description = re.sub(r"\|", r"\\|", field.description or "")
        rows.append(f"| `{variable_of(name)}` | {f'`{default}`' if default else ''} | {description} |\n")
    limits = []
    for name, error in _CROSSED.items():
        problem = PROBLEMS[error]
        wait = ", `Retry-After`" if problem.retry_after is not None else ""
        limits.append(f"| `{variable_of(name)}` | `{problem.name}` | {problem.status}{wait} |\n")
    return "".join([_HEAD, *rows, _LIMITS_HEAD, *limits, _KEYS])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
