"""What a request holds beside the picture, and what the answer says of names that the route does not know."""

import json
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT

SEVEN = (ROOT / "digits" / "samples" / "7_stylus.png").read_bytes()
LINES = (ROOT / "digits" / "samples" / "numbers" / "two_lines.png").read_bytes()
PNG = {"content-type": "image/png"}
STROKES = [[[20, 10], [80, 10], [60, 50], [45, 100]]]


def warnings(api: str, path: str, **options: Any) -> list[str] | None:
    """The warnings of an answer; None where it has no such field."""
    response = httpx.post(api + path, timeout=30, **options)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer.get("warnings")


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/predict/", {"files": {"file": SEVEN}}),
        ("/predict/?page=1", {"content": SEVEN, "headers": PNG}),
        ("/predict/", {"files": {"file": SEVEN}, "data": {"page": "1"}}),
        ("/predict/", {"json": {"strokes": STROKES, "page": 1}}),
        ("/read/?page=1&expect=4-6", {"content": LINES, "headers": PNG}),
        ("/read/", {"files": {"file": LINES}, "data": {"page": "1", "expect": ""}}),
        ("/predict/batch/", {"files": [("files", SEVEN), ("files", SEVEN)]}),
    ],
    ids=range(7),
)
def test_a_request_of_which_all_is_used_gets_no_warnings(api: str, path: str, options: dict[str, Any]) -> None:
    assert warnings(api, path, **options) is None


@pytest.mark.parametrize(
    ("path", "options", "warning"),
    [
        (
            "/read/",
            {"files": {"file": SEVEN}, "data": {"pattern": "#"}},
            "Passed over in the form: 'pattern'. Use 'file', 'expect' and 'page'.",
        ),
        (
            "/read/?expects=%23",
            {"content": SEVEN, "headers": PNG},
            "Passed over in the query: 'expects'. Use 'expect' and 'page'.",
        ),
        (
            "/predict/?expect=%23&_=1",
            {"files": {"file": SEVEN}},
            "Passed over in the query: 'expect' and '_'. Use 'page'.",
        ),
        (
            "/predict/",
            {"files": {"file": SEVEN, "größe": b"x"}, "data": {"größe": "9"}},
            "Passed over in the form: 'größe'. Use 'file' and 'page'.",
        ),
        (
            "/predict/",
            {"files": [("file", b"none"), ("file", SEVEN)]},
            "The form has 2 fields 'file'. The last was read; many go to /predict/batch/.",
        ),
        (
            "/predict/",
            {"json": {"drawing": [[[20, 80, 60, 45], [10, 10, 50, 99]]], "word": "seven", "page": None}},
            "Passed over in the JSON: 'word'. Use 'drawing' and 'page'.",
        ),
        (
            "/predict/batch/",
            {"files": {"files": SEVEN, "file": SEVEN}},
            "Passed over in the form: 'file'. Use 'files'.",
        ),
        ("/predict/batch/?page=2", {"files": {"files": SEVEN}}, "Passed over in the query: 'page'. It takes none."),
    ],
    ids=["form", "query", "parameter of another path", "utf-8, twice", "files", "json", "batch", "batch query"],
)
def test_what_is_passed_over_is_named_with_what_would_be_used(
    api: str, path: str, options: dict[str, Any], warning: str
) -> None:
    assert warnings(api, path, **options) == [warning]


@pytest.mark.parametrize("path", ["/predict/", "/read/"])
@pytest.mark.parametrize(
    ("options", "name", "warning"),
    [
        (
            {"files": [("file", SEVEN), ("file", b"")]},
            "empty-file",
            "The form has 2 fields 'file'. The last was read; many go to /predict/batch/.",
        ),
        (
            {"files": {"file": SEVEN}, "data": {"file": "7", "page": "0"}},
            "no-such-page",
            "The form has 2 fields 'file'. The last was read; many go to /predict/batch/.",
        ),
        ({"files": {"file": b"none"}, "params": {"a": 1}}, "unsupported-format", "Passed over in the query: 'a'. Use "),
        (
            {"files": {"file": SEVEN}, "params": {"a": 1, "page": "x"}},
            "no-such-page",
            "Passed over in the query: 'a'. Use ",
        ),
        (
            {"json": {"strokes": [[["a", 1]]], "word": "7"}},
            "malformed-strokes",
            "Passed over in the JSON: 'word'. Use 'strokes'",
        ),
        ({"json": {"image": "ö", "word": "7"}}, "malformed-body", "Passed over in the JSON: 'word'. Use 'image'"),
        ({"json": {"image": 7, "word": "7"}}, "malformed-body", "Passed over in the JSON: 'word'. Use 'image'"),
        (
            {"json": {"image": "", "page": [], "word": "7"}},
            "malformed-body",
            "Passed over in the JSON: 'word'. Use 'image'",
        ),
        ({"json": {"word": "7"}}, "missing-file", "Passed over in the JSON: 'word'. Use 'image'"),
        ({"files": {"image": SEVEN}}, "missing-file", "Passed over in the form: 'image'. Use 'file'"),
        ({"data": {"file": "7"}, "files": {"image": SEVEN}}, "missing-file", "Passed over in the form: 'image'. Use "),
        (
            {"files": {}, "data": {"page": "1"}, "params": {"a": 1}},
            "unsupported-media-type",
            "Passed over in the query",
        ),
        (
            {"content": b"", "headers": {"content-type": "multipart/form-data"}, "params": {"a": 1}},
            "malformed-form",
            "Passed over in the query: 'a'. Use ",
        ),
    ],
    ids=[
        "files",
        "files and page",
        "query",
        "query and page",
        "strokes",
        "base64",
        "no base64",
        "json and page",
        "json without",
        "form without",
        "text",
        "no form",
        "form cut off",
    ],
)
def test_a_problem_names_what_was_passed_over_too(
    api: str, path: str, options: dict[str, Any], name: str, warning: str
) -> None:
    response = httpx.post(api + path, timeout=30, **options)
    problem = response.json()
    assert (response.status_code // 100, problem["type"]) == (4, f"urn:digits:problem:{name}")
    (said,) = problem["warnings"]
    assert said.startswith(warning)


@pytest.mark.parametrize(
    ("path", "options", "name", "warning"),
    [
        (
            "/read/?expect=&a=1",
            {"files": {"file": SEVEN}},
            "bad-pattern",
            "Passed over in the query: 'a'. Use 'expect' and 'page'.",
        ),
        (
            "/read/?expect=a&b=1",
            {"files": {"file": SEVEN}},
            "bad-pattern",
            "Passed over in the query: 'b'. Use 'expect' and 'page'.",
        ),
        (
            "/predict/batch/",
            {"files": {"file": SEVEN}},
            "missing-file",
            "Passed over in the form: 'file'. Use 'files'.",
        ),
        (
            "/predict/batch/?page=1",
            {"json": {}},
            "unsupported-media-type",
            "Passed over in the query: 'page'. It takes none.",
        ),
    ],
)
def test_a_problem_of_one_path_names_it_too(
    api: str, path: str, options: dict[str, Any], name: str, warning: str
) -> None:
    problem = httpx.post(api + path, timeout=30, **options).json()
    assert (problem["type"], problem.get("warnings")) == (f"urn:digits:problem:{name}", [warning])


def test_several_digits_in_the_last_of_two_files_are_not_mistaken_for_the_two_files(api: str) -> None:
    problem = httpx.post(api + "/predict/", timeout=30, files=[("file", SEVEN), ("file", LINES)]).json()
    assert problem["type"] == "urn:digits:problem:several-digits"
    assert problem["warnings"] == ["The form has 2 fields 'file'. The last was read; many go to /predict/batch/."]


def test_a_problem_of_a_request_of_which_all_is_used_has_no_warnings(api: str) -> None:
    problem = httpx.post(api + "/read/?page=2", timeout=30, files={"file": SEVEN}).json()
    assert (problem["type"], problem.get("warnings")) == ("urn:digits:problem:no-such-page", None)


@pytest.mark.parametrize(
    ("query", "data", "warning"),
    [
        ("page=1", {"page": "1"}, None),
        ("page=2", {"page": "1"}, "Passed over in the query: 'page', which the form has, too."),
        ("page=", {}, "Passed over in the query: 'page', which is empty."),
        ("expect=", {"expect": "1"}, "Passed over in the query: 'expect', which the form has, too."),
        ("expect=%23%2B", {}, None),
        # A blank in a pattern means nothing.
        ("expect=+%23", {}, None),
    ],
)
def test_a_parameter_that_does_not_count_is_named(
    api: str, query: str, data: dict[str, str], warning: str | None
) -> None:
    told = warnings(api, f"/read/?{query}", files={"file": SEVEN}, data=data)
    assert told == ([warning] if warning else None)


# What follows a plain # is never sent.
@pytest.mark.parametrize("query", ["expect=", "expect=#+", "expect=##/##/####", "page=1&expect="])
def test_a_pattern_that_was_lost_in_an_address_is_not_passed_over(api: str, query: str) -> None:
    response = httpx.post(f"{api}/read/?{query}", files={"file": SEVEN}, timeout=30)
    assert (response.status_code, response.json()["type"]) == (422, "urn:digits:problem:bad-pattern")
    assert response.json()["detail"].startswith("The query's 'expect' is empty. In an address, write # as %23;")


def test_an_empty_pattern_in_a_form_asks_for_none(api: str) -> None:
    response = httpx.post(f"{api}/read/", files={"file": SEVEN}, data={"expect": ""}, timeout=30)
    assert (response.status_code, response.json()["text"]) == (200, "7")


def test_a_plus_that_was_lost_in_an_address_is_explained_where_the_pattern_does_not_fit(api: str) -> None:
    response = httpx.post(api + "/read/?expect=%23+", files={"file": LINES}, timeout=30)
    assert response.status_code == 422
    detail = response.json()["detail"]
    assert detail.startswith("What is written does not match the pattern '#'")
    assert detail.endswith("In the query, the + of 'expect' stands for a blank. For a plus, write %2B.")


@pytest.mark.parametrize(("path", "method"), [("/predict/", "GET"), ("/read/", "PUT")])
def test_a_wrong_method_is_told_the_right_one(api: str, path: str, method: str) -> None:
    response = httpx.request(method, api + path, timeout=30)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["detail"] == f"{method} {path}: Method Not Allowed. Send POST. See /docs for what there is."


def test_form_and_query_have_a_warning_each(api: str) -> None:
    assert warnings(api, "/predict/?a=1", files={"file": SEVEN}, data={"b": "2"}) == [
        "Passed over in the form: 'b'. Use 'file' and 'page'.",
        "Passed over in the query: 'a'. Use 'page'.",
    ]


def test_a_warning_stays_short_and_printable_whatever_the_names_are(api: str) -> None:
    body = json.dumps({"strokes": STROKES, "\ud800": 1, "\x1b[2J": 2, "x" * 5000: 3} | {f"n{i}": i for i in range(50)})
    (warning,) = warnings(api, "/predict/", content=body, headers={"content-type": "application/json"}) or []
    names = ["'\\ud800'", "'\\x1b[2J'", repr("x" * 60), "'n0'", "'n1'"]
    assert warning == f"Passed over in the JSON: {', '.join(names)} and 48 more. Use 'strokes' and 'page'."


@pytest.mark.parametrize(
    ("path", "options", "detail"),
    [
        ("/predict/", {"files": {"image": SEVEN}}, "The form has no field 'file', but 'image'. Send the image in it"),
        ("/predict/batch/", {"files": {"file": SEVEN}}, "The form has no field 'files', but 'file'. Send each image"),
        ("/read/", {"json": {"picture": "", "page": 1}}, "The JSON has only 'picture' and 'page'. Send {\"image\""),
    ],
    ids=["form", "batch", "json"],
)
def test_a_request_without_the_picture_is_told_what_it_has_instead(
    api: str, path: str, options: dict[str, Any], detail: str
) -> None:
    response = httpx.post(api + path, timeout=30, **options)
    assert response.status_code == 422
    assert response.json()["detail"].startswith(detail)
