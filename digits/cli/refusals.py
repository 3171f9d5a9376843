"""How a command says that it could not read one of many images."""

import json
import sys

from digits.errors import ImageError


def print_refusal(name: str, error: ImageError, *, as_json: bool) -> None:
    """Prints why an image was not read.

    Args:
        name: of the image.
        error: why.
        as_json: as a JSON line among the answers; else as a line on standard error.
    """
    if as_json:
        print(json.dumps({"file": name, "error": str(error)}))
    else:
        print(f"digits: {name}: {error}", file=sys.stderr)
