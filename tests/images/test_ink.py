"""Strokes of a pen in the forms of ink SDKs, and what else may stand in their place."""

import json
import re
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digits.errors import InkError
from digits.images.ink import MAX_POINTS, MAX_STROKES, _quoted, draw_strokes, read_strokes
from digits.recognizer import Recognizer

SEVEN = [(20.0, 10.0), (80.0, 10.0), (60.0, 50.0), (45.0, 100.0)]


@pytest.mark.parametrize(
    ("value", "columns"),
    [
        ([[[x, y] for x, y in SEVEN]], False),
        ([[[x, y, 5 * i, 0.5] for i, (x, y) in enumerate(SEVEN)]], False),
        ([[{"x": x, "y": y, "t": 1700000000000} for x, y in SEVEN]], False),
        ([[{"X": x, "Y": y} for x, y in SEVEN]], False),
        ([{"points": [{"x": x, "y": y, "time": 1, "pressure": 0.5} for x, y in SEVEN], "penColor": "black"}], False),
        ([{"id": 1, "language": "en", "points": ",".join(f"{x},{y}" for x, y in SEVEN)}], False),
        ([{"type": "stroke", "x": [x for x, _ in SEVEN], "y": [y for _, y in SEVEN], "t": [0, 1, 2, 3]}], False),
        ([[[x for x, _ in SEVEN], [y for _, y in SEVEN], [0, 1, 2, 3]]], True),
    ],
    ids=[
        "lists",
        "lists-with-times",
        "objects",
        "capitals",
        "signature-pad",
        "ink-recognizer",
        "myscript",
        "quickdraw",
    ],
)
def test_each_usual_form_gives_the_same_strokes(value: Any, columns: bool) -> None:
    assert read_strokes(value, columns=columns) == [SEVEN]


@pytest.mark.parametrize("scale", [1e-6, 0.01, 1.0, 37.0, 1e6])
@pytest.mark.parametrize("offset", [-1000.0, 0.0, 1e5])
def test_a_seven_is_read_in_any_unit_and_place(scale: float, offset: float) -> None:
    strokes = [[(scale * (x + offset), scale * (y + offset)) for x, y in SEVEN]]
    prediction = Recognizer.load().recognize_pixels(draw_strokes(strokes)[0])
    assert (prediction.digit, prediction.accepted) == (7, True)


def test_a_point_is_drawn_and_so_is_a_stroke_that_does_not_move() -> None:
    for strokes in ([[(5.0, 5.0)]], [[(5.0, 5.0), (5.0, 5.0)]]):
        assert (draw_strokes(strokes)[0] < 128).sum() > 50


def test_far_apart_strokes_are_drawn_small_and_in_bounds() -> None:
    picture, _ = draw_strokes([[(0.0, 0.0), (1.0, 1.0)], [(1e9, 1e9), (-1e9, 1e9)]])
    assert max(picture.shape) <= 1600


def test_the_largest_ink_is_drawn_in_little_time() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1000, (MAX_POINTS, 2)).tolist()
    start = time.process_time()
    draw_strokes([[(x, y) for x, y in points]])
    assert time.process_time() - start < 5.0


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "The strokes are null"),
        ({"a": 1}, "The strokes are an object with 'a'"),
        ("M 0 0 L 1 1", "The strokes are a text"),
        ([5], "Stroke 1 is a number"),
        ([[5, 6]], "^Point 1 of stroke 1 is 5; x and y must be numbers. Send a list of strokes, each a list of points"),
        ([[["a", 10]]], r'^Point 1 of stroke 1 is \["a", 10\]; x and y must be numbers.$'),
        ([[[1, 2]], [[1, 2], [True, 1]]], r"^Point 2 of stroke 2 is \[true, 1\]; x and y must be numbers.$"),
        ([{"x": [1, None], "y": [2, 3]}], r"^Point 2 of stroke 1 is \[null, 3\]; x and y must be numbers. Send "),
        ([[[1]]], r"^Point 1 of stroke 1 is \[1\]; x and y must be numbers. Send a list"),
        ([[{"x": 1}]], r'^Point 1 of stroke 1 is \{"x": 1\}; x and y must be numbers. Send a list'),
        ([[[5, 6], [float("nan"), 1.0]]], "^Point 2 of stroke 1 is too far away"),
        ([[[float("inf"), 1.0]]], "too far away"),
        ([[[10**400, 1]]], "too far away"),
        ([{"x": [1, 2], "y": [1]}], "has 2 values of x and 1 of y"),
        ([{"points": {"x": 1}}], "Stroke 1 is an object"),
        ([[[1, 2]]] * (MAX_STROKES + 1), "more than the 2,000 allowed"),
        ([[[1, 2]] * (MAX_POINTS + 1)], "more than the 20,000 points allowed"),
        ([{"points": "1,2," * (MAX_POINTS + 5)}], "more than the 20,000 points allowed"),
    ],
)
def test_anything_else_is_refused_with_what_was_found(value: Any, said: str) -> None:
    with pytest.raises(InkError, match=said):
        read_strokes(value)


@pytest.mark.parametrize(
    "point",
    ["x" * 1_000_000, ["\ud800\x1b[2J\x7f\u202e\n", 5], [[[]] * 100_000, 1], json.loads("[" * 900 + "]" * 900)],
    ids=["long", "not printable", "wide", "deep"],
)
def test_a_wrong_point_is_quoted_short_and_printable(point: Any) -> None:
    with pytest.raises(InkError) as refused:
        read_strokes([[point]])
    said = re.match(r"Point 1 of stroke 1 is (.{1,63}); x and y must be numbers\.", str(refused.value))
    assert said, str(refused.value)[:200]
    assert said[1].isascii()
    assert said[1].isprintable()


@pytest.mark.parametrize(
    "strokes",
    [
        [["ä" * 5_000_000]],
        [[["ä" * 5_000_000, 5]]],
        [[{"x": {"ä" * 5_000_000: 1}, "y": 5}]],
        {"ä\n" * 2_500_000: 1},
    ],
    ids=["point", "within", "name within", "name"],
)
def test_quoting_a_long_text_costs_what_is_shown_of_it(strokes: Any) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InkError):
            read_strokes(strokes)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500_000


NESTED: list[Any] = []
for _ in range(99):
    NESTED = [NESTED]


@example(NESTED)
@example([[[], [1]]] * 9)
@example({"a": {"b": [NESTED]}})
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_what_is_quoted_is_json(value: Any) -> None:
    whole = json.dumps(value)
    assert _quoted(value) == (whole if len(whole) <= 60 else f"{whole[:60]}...")


@pytest.mark.parametrize(
    ("strokes", "said"),
    [
        (dict.fromkeys("abcde", 1), "an object with 'a', 'b', 'c', 'd', 'e'"),
        (dict.fromkeys("abcdef", 1), "an object with 'a', 'b', 'c', 'd', 'e' and others"),
        ({"a" * 58: 1}, f"an object with '{'a' * 58}'"),
        ({"a" * 61: 1, "b": 2}, f"an object with '{'a' * 59}..., 'b'"),
        ({c * 50: 1 for c in "abc"}, f"an object with '{'a' * 50}', '{'b' * 50}..."),
    ],
)
def test_what_is_cut_from_the_names_of_an_object_is_told(strokes: dict[str, int], said: str) -> None:
    with pytest.raises(InkError, match=re.escape(f"The strokes are {said}. Send a list")):
        read_strokes(strokes)


LONG = [[10 * i, i * i] for i in range(9)]
SHORT = [[5, 5], [6, 7]]


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("form", [[LONG, SHORT], [SHORT, LONG]])
def test_a_stroke_of_many_points_tells_columns_from_points_for_all(form: Any, columns: bool) -> None:
    points = [[(float(x), float(y)) for x, y in stroke] for stroke in form]
    assert read_strokes(form, columns=columns) == points
    in_columns = [
        [[x for x, _ in stroke], [y for _, y in stroke], [9 * i for i in range(len(stroke))]] for stroke in form
    ]
    assert read_strokes(in_columns, columns=columns) == points


@pytest.mark.parametrize(("unit", "left", "top"), [(1.0, 0.0, 0.0), (0.01, -3.5, 2e5), (26.45, 1e6, -1e6), (1e6, 0, 0)])
def test_a_box_of_the_picture_is_known_in_the_unit_of_the_strokes(unit: float, left: float, top: float) -> None:
    strokes = [
        [(left, top), (left + 100 * unit, top)],
        [(left + 200 * unit, top), (left + 200 * unit, top + 90 * unit)],
    ]
    picture, frame = draw_strokes(strokes)
    rows, columns = np.nonzero(picture < 128)
    box = [int(columns.min()), int(rows.min()), int(np.ptp(columns)), int(np.ptp(rows))]
    # The pen is a few units wide.
    expected = [left, top, 200 * unit, 90 * unit]
    assert np.allclose(frame.box_of(box), expected, atol=12 * unit)
    assert frame.box_of([0, 0, 1, 1])[2] == pytest.approx(1 / frame.scale, rel=0.2)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("xyt") | st.text(max_size=6), inner),
    max_leaves=15,
)


@given(value=json_values, columns=st.booleans())
def test_no_json_value_is_a_surprise(value: Any, columns: bool) -> None:
    try:
        strokes = read_strokes(value, columns=columns)
    except InkError:
        return
    if strokes:
        assert max(draw_strokes(strokes)[0].shape) <= 1600


@pytest.mark.parametrize("tiny", [5e-324, 1e-310, 1e-12])
def test_a_stroke_of_hardly_any_extent_is_a_dot(tiny: float) -> None:
    picture, _ = draw_strokes(read_strokes([[[0.0, 0.0], [tiny, 0.0]]]))
    assert max(picture.shape) < 200
    assert (picture < 128).any()


def test_a_text_of_many_points_is_read_up_to_the_limit() -> None:
    with pytest.raises(InkError):
        read_strokes([{"points": "11 " * (2 * MAX_POINTS + 4)}])
