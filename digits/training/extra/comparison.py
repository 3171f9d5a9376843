"""Compares a new model with the one that it would replace."""

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
    """The accuracy of a model.

    Args:
        test: share of the test images of MNIST, or of data of one's own, that it reads correctly.
        held_out: share of the held-out pictures that it reads correctly. They take the path of an upload.
    """

    test: Share
    held_out: Share


@dataclass(frozen=True)
class Comparison:
    """The accuracy of two models on the same pictures.

    Args:
        before: of the model that would be replaced.
        after: of the new model.
        test_set: whose test images they read.
    """

    before: Standing
    after: Standing
    test_set: str = "MNIST"

    @property
    def worse_on(self) -> list[str]:
        """The names of the sets of pictures on which the new model is worse; empty if it may replace the other."""
        pairs = {
            f"the {self.test_set} test set": (self.before.test, self.after.test),
            "the held-out pictures": (self.before.held_out, self.after.held_out),
        }
        return [where for where, (before, after) in pairs.items() if after.hits < before.hits]

    def lines(self) -> list[str]:
        """Returns a table of shares and counts, for people."""
        rows = {"before": self.before, "after": self.after}
        return [
            f"{'':10}{'test images':28}held-out pictures",
            *(f"{name:10}{_in_counts(row.test):28}{_in_counts(row.held_out)}" for name, row in rows.items()),
            f"The test images are those of {self.test_set}.",
        ]

    def refusal(self, rival: Recognizer, recipe: str, candidate: Path) -> list[str]:
        """Returns lines that tell people why the new model does not replace its rival.

        Args:
            rival: the model that stays.
            recipe: of the new model.
            candidate: the file of the new model.
        """
        lines = [f"The new model is worse on {' and on '.join(self.worse_on)}, so {rival.name} stays in use."]
        if rival.card.recipe != recipe:
            lines.append(f"That one is of another recipe; to train the same: --recipe {rival.card.recipe}")
        return [*lines, f"The new model is kept as {candidate}; nothing uses it."]


def _in_counts(share: Share) -> str:
    return f"{share.value:.2%} ({share.hits:,} of {share.n:,})"


def standing(recognizer: Recognizer, data: Mnist, held_out: Iterable[LabeledPicture]) -> Standing:
    """Tests a model on the test images of MNIST, or of data of one's own, and on held-out pictures of digits."""
    right = recognizer.classify(data.x_test).argmax(axis=1) == data.y_test
    return Standing(Share(int(right.sum()), len(right)), measure(recognizer, held_out).accuracy)


def model_to_beat(out: Path) -> Recognizer:
    """Loads the model that a new one at `out` would replace: that file, else the model in use (`find_model`).

    Raises:
        ModelFileError: the file cannot be used.
    """
    return Recognizer.load(out if out.exists() else find_model())


def candidate_of(out: Path) -> Path:
    """Returns the path beside `out` at which a new model is kept until it has shown that it is no worse."""
    return out.with_name(f"{out.stem}.candidate{out.suffix}")
