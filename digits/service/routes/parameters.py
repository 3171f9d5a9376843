"""The parameters of the recognition routes, which may stand in the query or in fields of the form."""

import contextlib
import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from starlette.requests import Request

from digits.errors import DigitsError, NoSuchPageError, PatternError
from digits.service.request_context import noted

EXPECT_FIELD, PAGE_FIELD = "expect", "page"

# The schemas of the parameters, for /docs. They have no examples: /docs would fill the form in with them.
EXPECT: dict[str, Any] = {
    "type": "string",
    "description": "What must come on each line: a count of digits (`4`, `4-6`), or a mask in which `#` is a digit, "
    "`#+` one digit or more, and anything else stands for itself (`####`, `##/##/####`, `#+.##`). "
    "In an address, `#` is written as `%23` and `+` as `%2B`.",
}
PAGE: dict[str, Any] = {
    "type": "integer",
    "minimum": 1,
    "description": "Which page of a TIFF or PDF file to read, from 1. An animation has one page, its first frame.",
}
PAGE_TO_PREDICT = PAGE | {"description": f"{PAGE['description']} Without it, page 1 is read."}
PAGE_TO_READ = PAGE | {"description": f"{PAGE['description']} Without it, all pages are read."}

# A warning names no more than so many names, nor more than so many characters of one.
_MOST_NAMES, _MOST_CHARACTERS = 5, 60
# A plus in an address is a blank. Between two digits of a mask it may be meant as one, elsewhere it is of a `#+`.
_PLAIN_PLUS = re.compile(rb"(?:^|&)expect=[^&]*%23\+(?!%23|\d)")
# A page's number has no more digits than this.
_MOST_DIGITS = 9


def in_query(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an optional query parameter, as OpenAPI describes it."""
    rest = {key: value for key, value in schema.items() if key != "description"}
    return {"name": name, "in": "query", "required": False, "description": schema["description"], "schema": rest}


def chosen(request: Request, texts: Mapping[str, str], name: str) -> str | None:
    """Returns a parameter's text; None if it is empty or not there. A field of the form comes before the query.

    Args:
        request: the request.
        texts: the text fields of its form.
        name: the parameter's name.
    """
    return texts.get(name) or request.query_params.get(name) or None


def chosen_pattern(request: Request, texts: Mapping[str, str]) -> str | None:
    """Returns the pattern that a request expects; None if it expects none.

    Raises:
        PatternError: the pattern in the query is empty. Without it, the answer would hold to nothing.
    """
    pattern = chosen(request, texts, EXPECT_FIELD)
    if pattern is None and EXPECT_FIELD in request.query_params:
        # Whatever follows a plain # is not sent at all.
        raise PatternError(
            f"The query's {EXPECT_FIELD!r} is empty. In an address, write # as %23; or leave out {EXPECT_FIELD!r}."
        )
    return pattern


def chosen_page(request: Request, texts: Mapping[str, str]) -> int | None:
    """Returns the page that a request asks for; None if it asks for none.

    Raises:
        NoSuchPageError: what it asks for is no page's number.
    """
    text = chosen(request, texts, PAGE_FIELD)
    if text is None:
        return None
    number = text.strip()
    if not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS) or int(number) < 1:
        raise NoSuchPageError(f"page is {number[:60]!r}. Send the number of a page, from 1, such as page=2.")
    return int(number)


def in_quotes(names: Collection[str]) -> str:
    """Returns names as a sentence has them: the first few, cut where they are long."""
    shown = [repr(name[:_MOST_CHARACTERS]) for name in itertools.islice(names, _MOST_NAMES)]
    if len(names) > _MOST_NAMES:
        shown.append(f"{len(names) - _MOST_NAMES} more")
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def passed_over(where: str, names: Collection[str], known: Sequence[str]) -> tuple[str, ...]:
    """Returns the warning that a request used names that its route does not know; nothing if there are none.

    Args:
        where: the part of the request, such as "form".
        names: the unknown names.
        known: the names that the route knows there.
    """
    if not names:
        return ()
    use = f"Use {in_quotes(known)}." if known else "It takes none."
    return (f"Passed over in the {where}: {in_quotes(names)}. {use}",)


def passed_over_in_query(request: Request, texts: Mapping[str, str], known: Sequence[str]) -> tuple[str, ...]:
    """Returns what of a request's query was passed over, or may not have arrived as it was meant: a sentence each.

    Args:
        request: the request.
        texts: the text fields of its form, which come before the query.
        known: the parameters that its route knows.
    """
    raw: bytes = request.scope.get("query_string", b"")
    if not raw:
        return ()
    query = request.query_params
    warnings = list(passed_over("query", [name for name in query if name not in known], known))
    for name in known:
        if texts.get(name) and query.get(name) not in (None, texts[name]):
            warnings.append(f"Passed over in the query: {name!r}, which the form has, too.")
        elif query.get(name) == "" and name != EXPECT_FIELD:
            # An empty pattern is a problem of its own, unless the form has one.
            warnings.append(f"Passed over in the query: {name!r}, which is empty.")
    if _PLAIN_PLUS.search(raw):
        warnings.append(f"In the query, the + of {EXPECT_FIELD!r} stands for a blank. For a plus, write %2B.")
    return noted(tuple(warnings))


@contextlib.contextmanager
def told_of_query(request: Request, known: Sequence[str]) -> Iterator[None]:
    """Has a problem that comes of the request's body name what was passed over in the query, too.

    Args:
        request: the request.
        known: the parameters that its route knows.
    """
    try:
        yield
    except DigitsError:
        passed_over_in_query(request, {}, known)
        raise
