"""The problems of a route, as /docs shows them."""

from collections.abc import Mapping
from typing import Any

from digits.errors import DigitsError
from digits.service.problems import MEDIA_TYPE, PROBLEMS

PROBLEM_SCHEMA = {"$ref": "#/components/schemas/ProblemDetails"}


def documented(
    *groups: type[DigitsError],
    without: tuple[type[DigitsError], ...] = (),
    examples: Mapping[type[DigitsError], str] | None = None,
) -> dict[int | str, dict[str, Any]]:
    """Returns the `responses` of a route for /docs, by status, with an example of each problem.

    Args:
        groups: base classes of the errors that the route can raise.
        without: base classes of the errors among them that it cannot raise.
        examples: `detail` of the errors that this route words in its own way.
    """
    responses: dict[int | str, dict[str, Any]] = {}
    for error, problem in PROBLEMS.items():
        if not issubclass(error, groups) or issubclass(error, without):
            continue
        response = responses.setdefault(
            problem.status,
            {
                "description": "",
                "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA, "examples": {}}},
            },
        )
        response["content"][MEDIA_TYPE]["examples"][problem.name] = {
            "summary": problem.title,
            "value": problem.details((examples or {}).get(error, problem.example)).model_dump(exclude_unset=True),
        }
        response["description"] = "; ".join(filter(None, (response["description"], problem.title)))
    return dict(sorted(responses.items()))
