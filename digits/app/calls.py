"""Writes calls of the API for one picture, in the languages in which people call it."""

import json
import re
import shlex
from dataclasses import dataclass

from digits.explain.speech import later

# Names the API's address for the app; `digits run` sets it.
API_URL_VARIABLE = "DIGITS_API_URL"
DEFAULT_API_URL = "http://127.0.0.1:8000"
# Stands for the client's key in a call.
KEY = "YOUR_KEY"

_ADDRESS = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")


@dataclass(frozen=True)
class Call:
    """A call in one language, ready to be pasted.

    Args:
        name: the language's name, for people.
        language: the language's name for the highlighter.
        text: the call.
        how: a sentence in English that says where to run it.
    """

    name: str
    language: str
    text: str
    how: str


def is_address(text: str) -> bool:
    """Returns whether a text can be the address of an API, such as http://127.0.0.1:8000."""
    return _ADDRESS.fullmatch(text) is not None


def calls(address: str, file_name: str, media_type: str, *, with_key: bool) -> tuple[Call, ...]:
    """Returns the call in each language. Each call prints the API's answer as JSON.

    Args:
        address: the API's address.
        file_name: the picture's name in the folder in which the call is run.
        media_type: the picture's type, such as image/png.
        with_key: whether to send a key, for which `YOUR_KEY` stands.
    """
    url = f"{address.rstrip('/')}/predict/"
    headers = {"Content-Type": media_type} | ({"X-API-Key": KEY} if with_key else {})
    return (_curl(url, file_name, with_key), _python(url, file_name, headers), _javascript(url, file_name, headers))


def _curl(url: str, file_name: str, with_key: bool) -> Call:
    key = f'-H "X-API-Key: {KEY}" ' if with_key else ""
    return Call(
        "curl",
        "bash",
        f"curl {key}-F file=@{shlex.quote(file_name)} {shlex.quote(url)}",
        later("In a terminal; in PowerShell on Windows write curl.exe."),
    )


def _python(url: str, file_name: str, headers: dict[str, str]) -> Call:
    # No block, so that the text can be pasted at Python's prompt, which expects an empty line after a block.
    text = f"""\
import json
from pathlib import Path
from urllib.request import Request, urlopen

image = Path({json.dumps(file_name)}).read_bytes()
request = Request({json.dumps(url)}, image, {json.dumps(headers)})
answer = json.load(urlopen(request))
print(json.dumps(answer))
"""
    return Call("Python", "python", text, later("Needs nothing but Python."))


def _javascript(url: str, file_name: str, headers: dict[str, str]) -> Call:
    # `await import`, because Node's prompt takes no import statement.
    text = f"""\
const {{ readFile }} = await import("node:fs/promises")

const image = await readFile({json.dumps(file_name)})
const response = await fetch({json.dumps(url)}, {{
  method: "POST",
  headers: {json.dumps(headers)},
  body: image,
}})
const answer = await response.json()
console.log(JSON.stringify(answer))
"""
    how = later(
        "In Node 18 or later: pasted at its prompt, or as a file whose name ends in .mjs. In a web page the body is "
        "the file of an `<input>`, and the API must be started with the page's origin in `DIGITS_CORS_ORIGINS`."
    )
    return Call("JavaScript", "javascript", text, how)
