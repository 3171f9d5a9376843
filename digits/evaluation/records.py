"""Keeps the results of `digits evaluate` on pictures of one's own, for the model page of the app."""

import datetime
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from digits.errors import DataMismatchError
from digits.evaluation.pictures import Measurement
from digits.evaluation.statistics import Share

EVALUATIONS = Path("reports/evaluations.json")


@dataclass(frozen=True)
class Evaluation:
    """The result of one `digits evaluate`.

    Args:
        model: digest of the network that was scored.
        what: names of the folders and files that it was scored on, for people.
        when: date and time, ISO 8601 in UTC.
        accuracy: share of the digits that were read correctly.
        accepted: share of the digits whose answer was accepted.
        accepted_accuracy: share of the accepted answers that are right.
        by_source: accuracy for each source, if the pictures name any.
        rejected: share of the pictures of other things that were not accepted as a digit, by kind.
    """

    model: str
    what: str
    when: str
    accuracy: Share
    accepted: Share
    accepted_accuracy: Share
    by_source: dict[str, Share]
    rejected: dict[str, Share]

    @classmethod
    def from_json(cls, value: Any) -> "Evaluation":
        """Reads what `keep_evaluation` writes.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: the value is something else.
        """
        return cls(
            model=str(value["model"]),
            what=str(value["what"]),
            when=str(value["when"]),
            accuracy=_share(value["accuracy"]),
            accepted=_share(value["accepted"]),
            accepted_accuracy=_share(value["accepted_accuracy"]),
            by_source={name: _share(share) for name, share in value["by_source"].items()},
            rejected={name: _share(share) for name, share in value["rejected"].items()},
        )


def _share(value: Any) -> Share:
    share = Share(**value)
    if not (isinstance(share.hits, int) and isinstance(share.n, int) and 0 <= share.hits <= share.n):
        raise ValueError(f"{share.hits!r} of {share.n!r} is no share")
    return share


def keep_evaluation(model: str, what: str, measurement: Measurement, file: Path = EVALUATIONS) -> None:
    """Keeps a measurement, and drops an earlier one of the same model on the same pictures.

    Raises:
        OSError: the file cannot be written.
        DataMismatchError: there is a file of another form.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    new = Evaluation(
        model=model,
        what=what,
        when=now,
        accuracy=measurement.accuracy,
        accepted=measurement.accepted,
        accepted_accuracy=measurement.accepted_accuracy,
        by_source=measurement.by_source,
        rejected=measurement.rejected,
    )
    others = [evaluation for evaluation in _read(file) if (evaluation.model, evaluation.what) != (model, what)]
    text = json.dumps([asdict(evaluation) for evaluation in (*others, new)], indent=1)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".writing-") as folder:
        part = Path(folder) / file.name
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(file)


def evaluations_of(model: str, file: Path = EVALUATIONS) -> list[Evaluation]:
    """Returns the evaluations of a model that were kept, the newest first.

    Raises:
        DataMismatchError: the file has another form.
    """
    return [evaluation for evaluation in _read(file) if evaluation.model == model][::-1]


def _read(file: Path) -> list[Evaluation]:
    try:
        return [Evaluation.from_json(value) for value in json.loads(file.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataMismatchError(f"{file} cannot be read ({error!r}). Delete it, and evaluate again.") from error
