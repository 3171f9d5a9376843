"""Reloads the model under load, and tells which model gave each answer."""

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
# The temperatures of two models, whose probabilities differ clearly.
_TEMPERATURES = (2.0, 5.0)
# A model file cut to this many bytes cannot be used.
_BROKEN_BYTES = 100_000


@dataclass(frozen=True)
class Reloaded:
    """The result of many reloads.

    Args:
        replaced: the number of good files after which all workers had the new model.
        kept: the number of broken files after which all workers kept the old model.
        answers: the number of requests that were answered.
        lost: the number of requests that were not answered with 200.
        foreign: the number of answers that came from neither model, or of batches that came from both.
        stale: the number of answers of the old model to requests sent when all workers had the new one.
    """

    replaced: int
    kept: int
    answers: int
    lost: int
    foreign: int
    stale: int


@dataclass(frozen=True)
class _Span:
    """A time, by `time.monotonic`, in which all workers had the same model."""

    begin: float
    end: float
    model: int


def reload(options: Options) -> Reloaded:
    """Replaces the model file several times while clients send images and batches. Every third file is broken."""
    image = specimens()["png gray"]
    requests = [upload(image), upload_batch([image] * 5)]
    spans: list[_Span] = []
    kept = replaced = model = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = [model_of_temperature(folder / f"{temperature}.keras", temperature) for temperature in _TEMPERATURES]
        # In the precision that servers choose.
        recognizers = [Recognizer.load(file, precision="auto") for file in models]
        expected = [BatchPrediction.of(recognizer.recognize(image)).probabilities for recognizer in recognizers]
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
                outcomes = hang_up(server, folder)
                kept += broken and outcomes == {"failed"}
                replaced += not broken and outcomes == {"replaced"}
    answered = [(request, _model_of(request, expected)) for request in clients.sent if request.status == 200]
    return Reloaded(
        replaced,
        kept,
        len(answered),
        len(clients.sent) - len(answered),
        sum(source is None for _, source in answered),
        sum(
            source == 1 - span.model
            for request, source in answered
            for span in spans
            if span.begin <= request.start < span.end
        ),
    )


def model_of_temperature(path: Path, temperature: float) -> Path:
    """Writes the shipped model with another temperature, which changes its probabilities; returns `path`."""
    with zipfile.ZipFile(shipped_model()) as shipped, zipfile.ZipFile(path, "w") as changed:
        for name in shipped.namelist():
            content = shipped.read(name)
            if name == _CARD:
                card = json.loads(content)
                int8 = card["int8"] | {"temperature": temperature}
                content = json.dumps(card | {"temperature": temperature, "int8": int8}).encode()
            changed.writestr(name, content)
    return path


def _replace(path: Path, content: bytes) -> None:
    """Replaces a file in one step."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    os.replace(fresh, path)  # noqa: PTH105 - the name of what it does


def hang_up(server: Running, folder: Path) -> set[str]:
    """Sends SIGHUP, waits until each worker has tried the file, and returns the outcomes of the workers."""
    before, seen = _reloads(folder), dict[int, dict[str, Any]]()

    def all_have_tried() -> bool:
        seen.update({worker: last for worker, last in _reloads(folder).items() if last and last != before[worker]})
        return seen.keys() == before.keys()

    server.process.send_signal(signal.SIGHUP)
    wait_until(all_have_tried, "each worker has tried the file")
    return {last["outcome"] for last in seen.values()}


def _reloads(folder: Path) -> dict[int, dict[str, Any]]:
    """Returns the last reload of each worker, by process id; an empty one if there was none."""
    return {worker: state.get("last_reload") or {} for worker, state in workers(folder).items()}


def _model_of(sent: Sent, expected: Sequence[object]) -> int | None:
    """Returns the index of the model that gave an answer; None if neither did, or both in one batch."""
    answer = json.loads(sent.body)
    predictions = [item["prediction"] for item in answer["results"]] if "results" in answer else [answer]
    for model, probabilities in enumerate(expected):
        if all(prediction["probabilities"] == probabilities for prediction in predictions):
            return model
    return None
