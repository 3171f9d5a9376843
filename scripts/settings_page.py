"""Writes docs/settings.md, the operator's table of settings, from the code: python -m scripts.settings_page"""

import re
from pathlib import Path

from api.settings import Settings, text_of, variable_of

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

_HEAD = """# Settings

The API's settings are environment variables; it reads them when it starts. `digits serve` prints what they come to,
without secrets. An empty variable counts as none. The first is the app's and the command line's, too.

| variable | default | |
| --- | --- | --- |
"""

_TAIL = """
Three more variables that other programs share are heeded: `OTEL_*` configure traces, `XDG_RUNTIME_DIR` is where a
server keeps what its workers share (else the system's folder for temporary files), and `FORWARDED_ALLOW_IPS` names the
proxies whose `X-Forwarded-For` tells the client's address.

## Limits

Whatever crosses one is answered with a problem of its own, before more of it is taken:

| setting | problem | status |
| --- | --- | --- |
| `DIGITS_MAX_BYTES` | `image-too-large` | 413 |
| `DIGITS_MAX_PIXELS` | `too-many-pixels` | 413 |
| `DIGITS_MAX_FRAMES` | `too-many-frames` | 413 |
| `DIGITS_FORMATS` | `unsupported-format` | 415 |
| `DIGITS_MAX_BATCH_FILES` | `too-many-files` | 413 |
| `DIGITS_MAX_BATCH_BYTES` | `batch-too-large` | 413 |
| `DIGITS_RECEIVE_SECONDS` | `body-too-slow` | 408 |
| `DIGITS_MAX_IN_FLIGHT` | `overloaded` | 503, `Retry-After` |
| `DIGITS_MAX_BUFFERED_BYTES` | `buffers-full` | 503, `Retry-After` |
| `DIGITS_RATE_LIMIT` | `rate-limited` | 429, `Retry-After` |

## Keys

`digits key NAME` makes a key, and a line for the file that `DIGITS_API_KEYS_FILE` names. The line holds the key's
digest; the key itself is shown once. Clients send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`. To rotate one,
add the new line, let the client change over, and delete the old line: the file is read again within a second or two of
a change, and if it cannot be read the keys stay as they were. With keys, everything asks for one but `/health/`,
`/docs` and `/openapi.json`; `/metrics` does, too.
"""


def page() -> str:
    """The page's text."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = text_of(field.default)
        description = re.sub(r"\|", r"\\|", field.description or "")
        rows.append(f"| `{variable_of(name)}` | {f'`{default}`' if default else ''} | {description} |\n")
    return _HEAD + "".join(rows) + _TAIL


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
