"""Reloads under load: which model answered what."""

import json
import os
import shutil
import signal
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.hostile.specimens import specimens
from benchmarks.support.client import address_of, upload, upload_batch
from benchmarks.support.clients import Sent, busy
from benchmarks.support.operating import Options, serving, wait_until, workers
from benchmarks.support.servers import Running
from digits.answers import BatchPrediction
from digits.recognizer import Recognizer, shipped_model

_CARD = "digits/card.json"
# Two models that are as sure of a digit as can be told apart.
_TEMPERATURES = (2.0, 5.0)
# So much of a model file cannot be used.
_BROKEN_BYTES = 100_000


@dataclass(frozen=True)
class Reloaded:
    """What came of many reloads.

    Args:
        replaced: reloads of a good file, after each of which all workers had the new model.
        kept: reloads of a broken file, after each of which all workers had the old one.
        answers: how many requests were answered.
        lost: requests sent whole and not answered, or refused.
        foreign: answers of neither model, or of both in one batch.
        stale: answers of the old model to requests sent when all workers had the new one.
    """

    replaced: int
    kept: int
    answers: int
    lost: int
    foreign: int
    stale: int


@dataclass(frozen=True)
class _Span:
    """A time in which all workers had one model, by `time.monotonic`."""

    begin: float
    end: float
    model: int


def reload(options: Options) -> Reloaded:
    """Replaces the model file while clients send single images and batches, every third time with a broken one."""
    image = specimens()["png gray"]
    requests = [upload(image), upload_batch([image] * 5)]
    spans: list[_Span] = []
    kept = replaced = model = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = [model_of_temperature(folder / f"{one}.keras", one) for one in _TEMPERATURES]
        expected = [BatchPrediction.of(Recognizer.load(one).recognize(image)).probabilities for one in models]
        current = folder / "model.keras"
        shutil.copy(models[0], current)
        with (
            serving(options, folder, current) as server,
            busy(address_of(server.url), requests, options.clients) as clients,
        ):
            for number in range(options.rounds + 1):
                begin = time.monotonic()
                time.sleep(options.seconds)
                spans.append(_Span(begin, time.monotonic(), model))
                if number == options.rounds:
                    break
                broken = number % 3 == 2
                model = model if broken else 1 - model
                _replace(current, models[model].read_bytes()[: _BROKEN_BYTES if broken else None])
                outcomes = _hang_up(server, folder)
                kept += broken and outcomes == {"failed"}
                replaced += not broken and outcomes == {"replaced"}
    answered = [(one, _model_of(one, expected)) for one in clients.sent if one.status == 200]
    return Reloaded(
        replaced,
        kept,
        len(answered),
        len(clients.sent) - len(answered),
        sum(which is None for _, which in answered),
        sum(which == 1 - span.model for one, which in answered for span in spans if span.begin <= one.start < span.end),
    )


def model_of_temperature(path: Path, temperature: float) -> Path:
    """The shipped model with another temperature in its card, so that its probabilities are others."""
    with zipfile.ZipFile(shipped_model()) as shipped, zipfile.ZipFile(path, "w") as changed:
        for name in shipped.namelist():
            content = shipped.read(name)
            if name == _CARD:
                content = json.dumps(json.loads(content) | {"temperature": temperature}).encode()
            changed.writestr(name, content)
    return path


def _replace(path: Path, content: bytes) -> None:
    """Puts another file in its place, at once."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    os.replace(fresh, path)  # noqa: PTH105 - the name of what it does


def _hang_up(server: Running, folder: Path) -> set[str]:
    """Sends SIGHUP and waits until every worker has tried the file; what came of it."""
    before, seen = _reloads(folder), dict[int, dict[str, Any]]()

    def all_have_tried() -> bool:
        seen.update({worker: one for worker, one in _reloads(folder).items() if one and one != before[worker]})
        return seen.keys() == before.keys()

    server.process.send_signal(signal.SIGHUP)
    wait_until(all_have_tried, "every worker has tried the file")
    return {one["outcome"] for one in seen.values()}


def _reloads(folder: Path) -> dict[int, dict[str, Any]]:
    """The last reload of each worker; an empty one if there was none."""
    return {worker: state.get("last_reload") or {} for worker, state in workers(folder).items()}


def _model_of(sent: Sent, expected: Sequence[object]) -> int | None:
    """Which of the models gave an answer; None if neither did, or both in one batch."""
    answer = json.loads(sent.body)
    found = [one["prediction"] for one in answer["results"]] if "results" in answer else [answer]
    for model, probabilities in enumerate(expected):
        if all(one["probabilities"] == probabilities for one in found):
            return model
    return None
