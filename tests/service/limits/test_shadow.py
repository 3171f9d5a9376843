"""A shadow model sees what was answered, counts where it disagrees, and changes no answer."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from digits.budget import MemoryBound
from digits.images.limits import ImageLimits
from digits.recognizer import Recognizer, shipped_model
from digits.service.limits.shadow import Shadow
from tests.conftest import ROOT, serve
from tests.model_files import with_card

SEVEN = (ROOT / "digits" / "samples" / "7_stylus.png").read_bytes()


def counts(url: str) -> Mapping[str, float]:
    lines = httpx.get(url + "/metrics").text.splitlines()
    start = 'digits_shadow_pictures_total{outcome="'
    return {
        line[len(start) :].partition('"')[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(start)
    }


def wait_for(url: str, outcome: str, count: float) -> Mapping[str, float]:
    for _ in range(600):
        if (seen := counts(url)).get(outcome, 0.0) >= count:
            return seen
        time.sleep(0.05)
    raise AssertionError(counts(url))


@pytest.mark.parametrize(
    ("thresholds", "outcome"), [(None, "same"), ({"confidence": 1.0, "digit": 0.0}, "other_acceptance")]
)
def test_agreement_and_disagreement_are_counted(
    tmp_path: Path, thresholds: Mapping[str, float] | None, outcome: str
) -> None:
    model = with_card(tmp_path, thresholds=thresholds) if thresholds else shipped_model()
    server = serve(tmp_path, DIGITS_SHADOW_MODEL=str(model))
    try:
        for _ in range(3):
            answer = httpx.post(server.url + "/predict/", content=SEVEN, headers={"content-type": "image/png"}).json()
            assert (answer["predicted_digit"], answer["accepted"]) == (7, True)
            time.sleep(0.2)
        seen = wait_for(server.url, outcome, 3)
        assert seen == dict.fromkeys(seen, 0.0) | {outcome: 3.0}
        assert len(seen) == 6
    finally:
        server.stop()


@pytest.mark.parametrize("content", [None, b"no model"])
def test_a_shadow_model_that_cannot_be_used_breaks_nothing(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "shadow.keras"
    if content is not None:
        path.write_bytes(content)
    server = serve(tmp_path, DIGITS_SHADOW_MODEL=str(path))
    try:
        for _ in range(3):
            assert httpx.post(server.url + "/predict/", files={"file": SEVEN}).json()["predicted_digit"] == 7
        server.wait_for_output("There is no shadow model")
        assert set(counts(server.url).values()) == {0.0}
    finally:
        server.stop()


def test_without_a_shadow_model_there_are_no_counts(tmp_path: Path) -> None:
    server = serve(tmp_path)
    try:
        assert counts(server.url) == {}
    finally:
        server.stop()


def test_while_requests_are_answered_pictures_are_skipped_and_few_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digits.service.limits.shadow._PATIENCE_SECONDS", 0.02)
    outcomes: list[str] = []
    shadow = Shadow(shipped_model(), ImageLimits(), 5.0, MemoryBound(10**9, 0.0), lambda: True, outcomes.append)
    prediction = Recognizer.load().recognize(SEVEN)

    async def hand_over() -> None:
        for _ in range(100):
            await shadow.after(SEVEN, 1, prediction)()

    start = time.monotonic()
    asyncio.run(hand_over())
    assert time.monotonic() - start < 2.0
    for _ in range(600):
        if len(outcomes) == 100:
            break
        time.sleep(0.05)
    shadow.close()
    assert outcomes == ["skipped"] * 100
