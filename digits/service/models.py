"""The model in use, and how a new one replaces it while requests are answered."""

import asyncio
import json
import logging
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio.to_thread

from digits.errors import DigitsError, ModelError, ModelFileError
from digits.model.artifact import Artifact, read
from digits.recognizer import Recognizer, find_model
from digits.service.metrics import Metrics
from digits.service.process.runtime import Runtime, whereabouts
from digits.service.schemas import ModelInUse, Outcome, Reload
from digits.service.settings import Settings

_log = logging.getLogger("digits")

# A card of more bytes as JSON is refused; those of Digits have about 7,000.
_MOST_OF_CARD = 256 * 1024
# A copy of the model in use, in the folder that the workers share.
_ACCEPTED = "accepted.keras"


class Models:
    """Holds the model in use.

    A request reads `recognizer` once and keeps it, so that one model answers it whole.

    Args:
        settings: name the model file and the limits of images.
        metrics: record which model is used; None if none are kept.
        runtime: the folder that the workers share; None if there is none.

    Raises:
        ModelError: there is no usable model.
    """

    def __init__(self, settings: Settings, metrics: Metrics | None, runtime: Runtime | None) -> None:
        self._settings, self._metrics, self._runtime = settings, metrics, runtime
        self._reloading = asyncio.Lock()
        self.previous: ModelInUse | None = None
        self.last_reload: Reload | None = None
        self._not_announced: OSError | None = None
        self.recognizer = self._load_first()
        self.in_use = _describe(self.recognizer)
        if metrics:
            metrics.model(self.recognizer)

    def _load(self) -> Recognizer:
        path = self._settings.model or find_model()
        if path.exists() and not path.is_file():
            # Reading a pipe would wait without end for somebody who writes to it.
            raise ModelFileError(f"{path} is no regular file. Name a model file, such as models/mnist_model.keras.")
        if self._runtime is None or not self._runtime.has_siblings or not path.is_file():
            return self._recognizer_of(path, path)
        # Load a copy: the file may change meanwhile, and the copy that is kept must be the one that was checked.
        copy = self._runtime.folder / f"{os.getpid()}.keras"
        try:
            try:
                shutil.copyfile(path, copy)
            except OSError as error:
                _log.warning("The model is read without a copy for other workers (%s)", error)
                return self._recognizer_of(path, path)
            recognizer = self._recognizer_of(copy, path)
            copy.replace(self._runtime.folder / _ACCEPTED)
        finally:
            copy.unlink(missing_ok=True)
        return recognizer

    def _load_first(self) -> Recognizer:
        """Returns the model for a new worker: that of the other workers if the file cannot be used."""
        try:
            return self._load()
        except ModelError as error:
            accepted = self._runtime.folder / _ACCEPTED if self._runtime else None
            if accepted is None or not accepted.exists():
                raise
            _log.error("This worker takes the model that the others use: %s", error)
            self._note("failed", str(error))
            return self._recognizer_of(accepted, self._settings.model or find_model())

    def _recognizer_of(self, file: Path, path: Path) -> Recognizer:
        """Returns the model in `file`, under the name of `path`, of which it is a copy."""
        try:
            artifact = replace(read(file), path=path)
        except ModelError as error:
            raise type(error)(str(error).replace(str(file), str(path))) from error
        _check_card(artifact)
        recognizer = Recognizer(artifact, self._settings.limits, precision=self._settings.precision)
        if recognizer.precision_note:
            _log.warning("%s", recognizer.precision_note)
        # The first request must not wait for libraries to initialize.
        recognizer.warm_up()
        return recognizer

    async def reload(self) -> Reload:
        """Reads the model file anew; keeps the model in use if the file cannot be used."""
        async with self._reloading:
            try:
                # In a thread, so that requests are answered meanwhile.
                fresh = await anyio.to_thread.run_sync(self._load)
            except DigitsError as error:
                return self._done("failed", str(error))
            except Exception as error:  # noqa: BLE001 - the service goes on with the model that it has
                _log.exception("The model was not replaced: an unexpected error")
                return self._done("failed", f"An unexpected error, {type(error).__name__}; the log has its trace.")
            before = self.recognizer
            if fresh.digest == before.digest and fresh.name == before.name:
                return self._done("unchanged", f"The file holds the model in use: {fresh.description}.")
            self.recognizer, self.in_use, self.previous = fresh, _describe(fresh), self.in_use
            if self._metrics:
                self._metrics.model(fresh, before)
            return self._done("replaced", f"{before.description} was replaced by {fresh.description}.")

    def _done(self, outcome: Outcome, detail: str) -> Reload:
        reload = self._note(outcome, detail)
        self.announce()
        level = logging.ERROR if outcome == "failed" else logging.INFO
        before = f", before {self.previous.digest[:12]}" if self.previous else ""
        _log.log(level, "Reload %s: %s (model %s%s)", outcome, detail, self.in_use.digest[:12], before)
        return reload

    def _note(self, outcome: Outcome, detail: str) -> Reload:
        # Clients may read it: they learn nothing of the folders of this machine.
        path = self._settings.model or find_model()
        self.last_reload = Reload(outcome=outcome, detail=detail.replace(str(path), _shown(path)), at=_now())
        if self._metrics:
            self._metrics.reload(outcome)
        return self.last_reload

    def announce(self) -> None:
        """Tells the other processes of this machine which model answers here."""
        self._announce()
        if self._not_announced:
            _log.error("digits reload does not find this worker: its state cannot be written (%s)", self._not_announced)

    def announce_again(self) -> None:
        """Does so if it could not be done before, as on a disk that was full."""
        if self._not_announced:
            self._announce()
            if not self._not_announced:
                _log.info("digits reload finds this worker again")

    def _announce(self) -> None:
        if self._runtime:
            reload = self.last_reload and self.last_reload.model_dump()
            try:
                self._runtime.note({"model": self.in_use.model_dump(), "last_reload": reload} | whereabouts())
                self._not_announced = None
            except OSError as error:
                self._not_announced = error


def _check_card(artifact: Artifact) -> None:
    """Refuses a card that is too large for each answer of `/model` and for the metrics.

    Raises:
        ModelFileError: it is.
    """
    size = len(json.dumps(artifact.card.to_json()))
    if size > _MOST_OF_CARD:
        raise ModelFileError(
            f"The card of the model file {artifact.path} has {size:,} bytes, more than the {_MOST_OF_CARD:,} allowed. "
            "Train or convert the model again."
        )


def _shown(path: Path) -> str:
    """Returns the name of a file for clients: without the folders of this machine."""
    return path.name if path.is_absolute() else path.as_posix()


def _describe(recognizer: Recognizer) -> ModelInUse:
    return ModelInUse(
        name=recognizer.name.replace(recognizer.path.as_posix(), _shown(recognizer.path)),
        digest=recognizer.digest,
        recipe=recognizer.card.recipe,
        test_accuracy=recognizer.card.test_accuracy,
        precision=recognizer.precision,
        loaded_at=_now(),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
