"""What `digits evaluate` found on one's own pictures, kept for the app's page about the model."""

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
    """One evaluation.

    Args:
        model: digest of the network that was scored.
        what: the folders and files that it was scored on, for people.
        when: ISO 8601 in UTC.
        accuracy: share of the digits read correctly.
        accepted: share of them whose answer was accepted.
        accepted_accuracy: share of those read correctly.
        by_source: accuracy of each source, if the pictures name any.
        rejected: share of other things that were not accepted as a digit, by kind.
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
            ValueError, TypeError, KeyError, AttributeError: it is something else.
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


def keep_evaluation(model: str, what: str, found: Measurement, file: Path = EVALUATIONS) -> None:
    """Keeps a measurement; an earlier one of the same model on the same pictures is replaced.

    Raises:
        OSError: the file cannot be written.
        DataMismatchError: there is a file of another form.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    new = Evaluation(
        model, what, now, found.accuracy, found.accepted, found.accepted_accuracy, found.by_source, found.rejected
    )
    others = [one for one in _read(file) if (one.model, one.what) != (model, what)]
    text = json.dumps([asdict(one) for one in (*others, new)], indent=1)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".writing-") as folder:
        part = Path(folder) / file.name
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(file)


def evaluations_of(model: str, file: Path = EVALUATIONS) -> list[Evaluation]:
    """What was kept of a model, the newest first.

    Raises:
        DataMismatchError: the file has another form.
    """
    return [one for one in _read(file) if one.model == model][::-1]


def _read(file: Path) -> list[Evaluation]:
    try:
        return [Evaluation.from_json(one) for one in json.loads(file.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataMismatchError(f"{file} cannot be read ({error!r}). Delete it, and evaluate again.") from error
