"""Prints the names of image files, and why an image was not read."""

import json
import sys

from digits.errors import DigitsError


def print_refusal(name: str, error: DigitsError, *, as_json: bool) -> None:
    """Prints why an image was not read.

    Args:
        name: name of the image.
        error: the reason.
        as_json: print a JSON line among the answers, not a line on standard error.
    """
    if as_json:
        print(json.dumps({"file": name, "error": str(error)}), flush=True)
    else:
        print(f"digits: {printable(name)}: {error}", file=sys.stderr)


def printable(name: str) -> str:
    """Returns the name of a file as a terminal may get it: control characters, which could move its cursor, escaped."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in name
    )
