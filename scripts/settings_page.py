"""Writes docs/settings.md from the settings in the code: python -m scripts.settings_page"""

import re
from collections.abc import Mapping
from pathlib import Path

from digits.errors import (
    ComputeTimeError,
    CrowdedImageError,
    DigitsError,
    ImageTooLargeError,
    TooManyFramesError,
    TooManyPagesError,
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

# For each setting that is a limit, the error of whatever exceeds it.
_CROSSED: Mapping[str, type[DigitsError]] = {
    "max_bytes": ImageTooLargeError,
    "max_pixels": TooManyPixelsError,
    "max_frames": TooManyFramesError,
    "max_pages": TooManyPagesError,
    "max_document_pixels": TooManyPixelsError,
    "max_candidates": CrowdedImageError,
    "compute_seconds": ComputeTimeError,
    "formats": UnsupportedFormatError,
    "max_batch_files": TooManyFilesError,
    "max_batch_bytes": BatchTooLargeError,
    "receive_seconds": BodyTooSlowError,
    "max_in_flight": OverloadedError,
    "queue_seconds": OverloadedError,
    "max_buffered_bytes": BuffersFullError,
    "max_decoding_bytes": BuffersFullError,
    "max_image_memory": TooManyPixelsError,
    "max_connections": OverloadedError,
    "max_connections_per_address": OverloadedError,
    "rate_limit": RateLimitedError,
}

_HEAD = """# Settings

The API's settings are environment variables, which it reads when it starts. An empty variable counts as unset. If a
variable's name is almost that of a setting, such as `DIGITS_MAX_BYTE`, the API does not start and says which one is
meant. `digits serve` prints all settings in effect, without secrets. The app and the command line use `DIGITS_MODEL`,
too.

| variable | default | meaning |
| --- | --- | --- |
"""

_LIMITS_HEAD = """
Two more variables are for the app:

| variable | default | meaning |
| --- | --- | --- |
| `DIGITS_FEEDBACK` | `feedback/feedback.sqlite3` | The file that keeps feedback; \
new pictures are refused above 1 GiB. `off` keeps none. |
| `DIGITS_API_URL` | `http://127.0.0.1:8000` | The address of the API in the calls that the app shows. |

The API also uses variables that it shares with other programs:

| variable | meaning |
| --- | --- |
| `OTEL_*` | Configure traces. |
| `XDG_RUNTIME_DIR` | The folder for files that the workers share; if unset, the system's temporary folder. |
| `FORWARDED_ALLOW_IPS` | The proxies whose `X-Forwarded-For` and (`digits serve`) `X-Forwarded-Prefix` are heeded. |

## Limits

A request that exceeds a limit gets the problem of that limit, before the API reads more of it:

| setting | problem | status |
| --- | --- | --- |
"""

_KEYS = """
## Keys

`digits key NAME` makes a key, and a line for the file that `DIGITS_API_KEYS_FILE` names. The line holds the key's
digest; the key itself is shown only once. Clients send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`. If there
are keys, every path asks for one except `/health/`, `/v2/health/`, `/docs` and `/openapi.json`. So `/metrics` asks for
one, too.

To change a key, add the new line, let the client switch to the new key, and delete the old line. The API reads the
file again within a second or two of a change. If the file cannot be read, or holds no key, the keys stay as they were
and the log has an error. So write the new file beside the old one, and rename it (`mv`).
"""


def page() -> str:
    """Returns the text of the page in Markdown."""
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
