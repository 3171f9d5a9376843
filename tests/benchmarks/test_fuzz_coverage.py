"""What the coverage-guided fuzzer calls, on its first inputs and on damaged ones, and how it reports."""

import json
import random

import pytest

from benchmarks.hostile.fuzz_coverage import report
from benchmarks.hostile.fuzz_inside import INSTRUMENTED
from benchmarks.hostile.fuzz_targets import SLOW, TARGETS, Target, attempt, changed_json
from benchmarks.hostile.mutations import flip_bits

ROUNDS = 3


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_its_first_inputs_and_what_becomes_of_them(name: str) -> None:
    target, rng = TARGETS[name], random.Random(0)
    seeds = target.seeds()
    assert seeds
    for data in seeds:
        assert attempt(target, data) is None
        for _round in range(ROUNDS):
            changed = changed_json(data, rng) if target.is_json else flip_bits(rng, data, {})
            assert attempt(target, changed) is None, changed


def test_each_target_has_modules_whose_branches_count() -> None:
    assert INSTRUMENTED.keys() == TARGETS.keys()


def test_an_exception_and_a_slow_call_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_data: bytes) -> None:
        raise KeyError("x")

    finding = attempt(Target(fails, list), b"")
    assert finding is not None
    assert "KeyError at " in finding.place
    assert __file__ in finding.place
    times = iter((0.0, 2 * SLOW))
    monkeypatch.setattr("time.process_time", lambda: next(times))
    slow = attempt(Target(lambda _data: None, list), b"")
    assert slow is not None
    assert slow.place == "slow"


def test_json_is_changed_into_other_json() -> None:
    data, rng = json.dumps({"a": [1, {"b": "c"}], "d": None}).encode(), random.Random(0)
    changed = {changed_json(data, rng) for _ in range(50)}
    assert len(changed) > 10
    for text in changed:
        json.loads(text)
    assert changed_json(b"no JSON", rng) == b"no JSON"


def test_findings_and_lost_processes_make_the_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    end = "#7 INITED cov: 12 ft: 3\n#90 DONE cov: 34 ft: 9\nstat::number_of_executed_units: 1234\n"
    assert report("forms", 5, end, 0) == 0
    assert "| forms | 5 | 1,234 | 12, 34 | 0 |" in capsys.readouterr().out
    assert report("forms", 5, f"FINDING KeyError at x.py:1: bad\n{end}", 0) == 1
    assert "- KeyError at x.py:1: bad" in capsys.readouterr().out
    assert report("forms", 5, "Segmentation fault", -11) == 1
    assert "the process ended with -11" in capsys.readouterr().out
