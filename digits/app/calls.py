"""The API's call for one picture, as a program or a person at a terminal would write it."""

import json
import re
import shlex
from dataclasses import dataclass

KEY = "YOUR_KEY"

_ADDRESS = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")


@dataclass(frozen=True)
class Call:
    """A call in one language, ready to be pasted.

    Args:
        name: of the language, for people.
        language: whose colors its text gets.
        text: the call.
        how: where it runs; a sentence.
    """

    name: str
    language: str
    text: str
    how: str


def is_address(text: str) -> bool:
    """Whether a text can be the API's address, such as http://127.0.0.1:8000."""
    return _ADDRESS.fullmatch(text) is not None


def calls(address: str, file_name: str, media_type: str, *, with_key: bool) -> tuple[Call, ...]:
    """The call in each language; each prints the API's answer as JSON.

    Args:
        address: of the API.
        file_name: of the picture, in the folder in which the call is run.
        media_type: of the picture, such as image/png.
        with_key: whether the API asks for a key; `YOUR_KEY` stands for it.
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
        "In a terminal; in PowerShell on Windows write curl.exe.",
    )


def _python(url: str, file_name: str, headers: dict[str, str]) -> Call:
    # Without a block, after which Python's prompt would want an empty line.
    text = f"""\
import json
from pathlib import Path
from urllib.request import Request, urlopen

image = Path({json.dumps(file_name)}).read_bytes()
request = Request({json.dumps(url)}, image, {json.dumps(headers)})
answer = json.load(urlopen(request))
print(json.dumps(answer))
"""
    return Call("Python", "python", text, "Needs nothing but Python.")


def _javascript(url: str, file_name: str, headers: dict[str, str]) -> Call:
    # An import statement would not work in Node's prompt.
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
    how = (
        "In Node 18 or later: pasted at its prompt, or as a file whose name ends in .mjs. In a web page the body is "
        "the file of an `<input>`, and the API must be started with the page's origin in `DIGITS_CORS_ORIGINS`."
    )
    return Call("JavaScript", "javascript", text, how)
