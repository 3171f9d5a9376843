"""The parts of a job, read on a Ray cluster whose nodes share the folders of sources and answers."""

import logging
import os
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from digits import errors
from digits.bulk.job import Job, part_at
from digits.bulk.scoring import Scorer, temporary_file
from digits.bulk.workers import Counts
from digits.errors import DigitsError, MissingInstallError, SettingError, WorkerDiedError
from digits.installation import install_command
from digits.model.artifact import read
from digits.recognizer import Recognizer

# Nothing but numbers passes through what the processes of a node share.
_SHARED_BYTES = 200_000_000
# Components that are kept track of one by one; of more, several are one task.
_MOST_TASKS = 5_000
# The longest that the head of a cluster may take to answer.
_ANSWER_SECONDS = 10.0


def require_ray() -> None:
    """Raises `MissingInstallError` unless Ray is there."""
    try:
        import ray.data  # noqa: F401
    except ImportError as error:
        raise MissingInstallError(
            "--engine ray needs Ray, which the other installs leave out. Install it with: "
            f"{install_command('ray')} (Ray has no packages for Intel Macs)"
        ) from error


def score_all_on_ray(job: Job, model: Path) -> Iterator[Counts]:
    """Reads parts on all cores of the cluster that `RAY_ADDRESS` names; without it, of one that lives as long as this.

    Args:
        job: that was begun.
        model: the model file.

    Yields:
        Rows and errors of each part, when its file is written.

    Raises:
        DataMismatchError: a source is damaged or was changed since the job began.
        DataUnavailableError: a file cannot be written.
        WorkerDiedError: Ray does not start, the cluster is lost, or a part ends each process that reads it.
        SettingError: `RAY_ADDRESS` is no address, or nothing answers there.
        MissingInstallError: Ray is not installed.
    """
    # It would report its use to its makers.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    require_ray()
    import ray
    from ray.exceptions import RayError

    items = [{"number": number, "place": place} for number, place in job.unfinished_places()]
    if not items:
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address := os.environ.get("RAY_ADDRESS"):
        _refuse_dead(address)
    else:
        # One of its own, not any that runs on this machine.
        options |= {"address": "local", "include_dashboard": False, "object_store_memory": _SHARED_BYTES}
    try:
        ray.init(**options)
    except Exception as error:
        # Of a node that does not start in time, Ray raises `Exception` itself.
        ray.shutdown()
        raise WorkerDiedError(
            f"Ray could not start: {_first_line(error)} Try again when this machine is less busy; "
            "the same command goes on where it stopped."
        ) from error
    try:
        yield from _score(items, model, job.out.absolute())
    except (RayError, ConnectionError) as error:
        raise WorkerDiedError(
            f"Ray could not do the job to its end: {_first_line(error)} The same command goes on where it stopped."
        ) from error
    finally:
        ray.shutdown()


def _first_line(error: Exception) -> str:
    """What an error says first, as a sentence."""
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"{said.removesuffix('.')}."


def _refuse_dead(address: str) -> None:
    """Raises `SettingError` if nothing answers at an address: Ray would try for minutes."""
    if address in ("auto", "local"):
        return
    found = re.fullmatch(r"(?:ray://)?\[?([^/\[\]]+)\]?:(\d{1,5})", address)
    reason = "that is no address"
    if found:
        try:
            with socket.create_connection((found[1], int(found[2])), timeout=_ANSWER_SECONDS):
                return
        except (OSError, OverflowError) as error:
            reason = f"nothing answers there ({error})"
    raise SettingError(
        f"RAY_ADDRESS is {address!r}, and {reason}. Name the head of a cluster that runs, such as 10.0.0.1:6379, "
        "or unset it for a cluster on this machine. The same command goes on where it stopped."
    )


def _score(items: list[dict[str, int]], model: Path, out: Path) -> Iterator[Counts]:
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    cores = max(1, int(ray.cluster_resources().get("CPU", 1)))  # type: ignore[no-untyped-call]
    # All nodes see this folder, and what a killed run leaves there is removed by the next.
    copy = temporary_file(out)
    shutil.copyfile(model, copy)
    parts = ray.data.from_items(items, override_num_blocks=min(len(items), _MOST_TASKS))
    scored = parts.map(
        _Reader,  # type: ignore[arg-type]
        fn_constructor_args=(copy, out),
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=cores),
        num_cpus=1,
    )
    for row in scored.iter_rows():
        if row["kind"]:
            kind: type[DigitsError] = getattr(errors, row["kind"])
            raise kind(row["detail"])
        yield row["rows"], row["errors"]


class _Reader:
    """A process on some node that reads parts; Ray starts another if it dies, and has it read its part again.

    Args:
        model: the model file.
        out: the folder of the answers.
    """

    def __init__(self, model: Path, out: Path) -> None:
        self._scorer, self._out = Scorer(Recognizer(read(model)), out), out

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        """What came of a part."""
        try:
            rows, faults = self._scorer.score(int(item["number"]), part_at(self._out, int(item["place"])))
        except DigitsError as error:
            # Ray would wrap it in text of its own.
            return {"rows": 0, "errors": 0, "kind": type(error).__name__, "detail": str(error)}
        return {"rows": rows, "errors": faults, "kind": "", "detail": ""}
