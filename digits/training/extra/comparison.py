"""A new model beside the one that it would replace."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from digits.data.labeled import LabeledPicture
from digits.data.mnist import Mnist
from digits.evaluation.pictures import measure
from digits.evaluation.statistics import Share
from digits.recognizer import Recognizer, find_model


@dataclass(frozen=True)
class Standing:
    """How good a model is.

    Args:
        test: share of the MNIST test set that it reads correctly.
        held_out: share of held-out pictures that it reads correctly, each as an upload is read.
    """

    test: Share
    held_out: Share


@dataclass(frozen=True)
class Comparison:
    """How good a model is before and after a training run.

    Args:
        before: of the model that would be replaced.
        after: of the new one, on the same pictures.
    """

    before: Standing
    after: Standing

    @property
    def worse_on(self) -> list[str]:
        """On what the new model reads fewer pictures correctly, in words; empty if it may replace the other."""
        pairs = {
            "the MNIST test set": (self.before.test, self.after.test),
            "the held-out pictures": (self.before.held_out, self.after.held_out),
        }
        return [where for where, (before, after) in pairs.items() if after.hits < before.hits]

    def lines(self) -> list[str]:
        """A table for people, with counts."""
        rows = {"before": self.before, "after": self.after}
        return [f"{'':10}{'MNIST test set':28}held-out pictures"] + [
            f"{name:10}{_in_counts(one.test):28}{_in_counts(one.held_out)}" for name, one in rows.items()
        ]

    def refusal(self, rival: Recognizer, recipe: str, candidate: Path) -> list[str]:
        """Why the new model, of that recipe and in that file, does not replace its rival: lines for people."""
        lines = [f"The new model is worse on {' and on '.join(self.worse_on)}, so {rival.name} stays in use."]
        if rival.card.recipe != recipe:
            lines.append(f"That one is of another recipe; to train the same: --recipe {rival.card.recipe}")
        return [*lines, f"The new model is kept as {candidate}; nothing uses it."]


def _in_counts(share: Share) -> str:
    return f"{share.value:.2%} ({share.hits:,} of {share.n:,})"


def standing(recognizer: Recognizer, data: Mnist, held_out: Iterable[LabeledPicture]) -> Standing:
    """Tests a model on MNIST's test set and on held-out pictures of digits."""
    right = recognizer.classify(data.x_test).argmax(axis=1) == data.y_test
    return Standing(Share(int(right.sum()), len(right)), measure(recognizer, held_out).accuracy)


def model_to_beat(out: Path) -> Recognizer:
    """The model that a new one at `out` would replace: the one there, else the one in use (`find_model`).

    Raises:
        ModelFileError: the file there cannot be used.
    """
    return Recognizer.load(out if out.exists() else find_model())


def candidate_of(out: Path) -> Path:
    """Where a new model is kept beside `out` until it has shown that it is no worse."""
    return out.with_name(f"{out.stem}.candidate{out.suffix}")
