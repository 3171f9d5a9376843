"""Writes the diagrams and figures of a training run."""

import json
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from digits.evaluation.classification import confused_pairs
from digits.model.card import Card
from digits.training.recipes import RECIPES

CURVES = "training_curves.png"
CONFUSION = "confusion_matrix.png"
RELIABILITY = "reliability.png"
MISTAKES = "mistakes.png"
METRICS = "metrics.json"

_MISTAKES_SHOWN = 40
_COLUMNS = 8
_BLUE, _ORANGE = "#1f5fa8", "#d9730d"


def write_report(
    folder: Path,
    card: Card,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.uint8],
    probabilities: npt.NDArray[np.floating],
) -> list[Path]:
    """Writes the training curves, confusion matrix, reliability diagram, gallery of mistakes and `metrics.json`.

    Args:
        folder: made if it does not exist. Files of an earlier report are replaced.
        card: of the model.
        images: uint8 test images of shape (n, 28, 28).
        labels: the true digits, of shape (n,).
        probabilities: calibrated, of shape (n, 10).

    Returns:
        The paths of the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    confusion = np.array(card.metrics["test"]["confusion"])
    files = {
        CURVES: _curves(card),
        CONFUSION: _confusion(confusion, card.test_set),
        RELIABILITY: _reliability(card),
        MISTAKES: _mistakes(images, labels, probabilities),
    }
    metrics = card.to_json() | {"most_confused": confused_pairs(confusion)}
    # Files move into place when all are written, so that an interrupted run leaves no mixture of two reports.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as part:
        for name, figure in files.items():
            figure.savefig(Path(part) / name, dpi=120, bbox_inches="tight")
        (Path(part) / METRICS).write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
        return [(Path(part) / name).replace(folder / name) for name in (*files, METRICS)]


def _curves(card: Card) -> Figure:
    figure = Figure(figsize=(10, 4))
    epochs = range(1, len(card.history["loss"]) + 1)
    with_outliers = card.recipe in RECIPES and RECIPES[card.recipe].outliers is not None
    for axes, name in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        label = "training, with images of other things" if with_outliers and name == "loss" else "training"
        axes.plot(epochs, card.history[name], color=_BLUE, marker="o", markersize=3, label=label)
        axes.plot(epochs, card.history[f"val_{name}"], color=_ORANGE, marker="s", markersize=3, label="validation")
        axes.set(xlabel="epoch", ylabel=name, title=name.capitalize())
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(f"Recipe {card.recipe}, seed {card.seed}: test accuracy {card.test_accuracy:.2%}")
    return figure


def _confusion(counts: npt.NDArray[np.int64], test_set: str) -> Figure:
    figure = Figure(figsize=(6.5, 6))
    axes = figure.subplots()
    # Only mistakes are colored: the diagonal is a hundred times larger and would hide them.
    mistakes = counts.copy()
    np.fill_diagonal(mistakes, 0)
    axes.imshow(mistakes, cmap="Oranges")
    dark = mistakes.max() / 2
    for true, read in np.ndindex(counts.shape):
        on_diagonal = true == read
        color = _BLUE if on_diagonal else "white" if mistakes[true, read] > dark else "black"
        axes.text(
            read, true, str(counts[true, read]), ha="center", va="center", color=color, fontsize=9,
            fontweight="bold" if on_diagonal else "normal",
        )  # fmt: skip
    axes.set(xlabel="digit read", ylabel="true digit", title=f"Confusion matrix, {test_set} test set")
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    return figure


def _reliability(card: Card) -> Figure:
    """Draws the share of right answers and the number of answers against their confidence."""
    test = card.metrics["test"]
    bins = test["reliability"]
    figure = Figure(figsize=(6, 6))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    confidence = [point["confidence"] for point in bins]
    above.plot((0, 1), (0, 1), color="gray", linestyle=":", label="perfectly calibrated")
    above.plot(
        confidence, [point["accuracy"] for point in bins], color=_BLUE, marker="o", label=f"{card.test_set} test set"
    )
    above.set(ylabel="share read correctly", title=f"Expected calibration error {test['calibration_error']:.2%}")
    above.legend()
    below.bar(confidence, [point["n"] for point in bins], width=0.04, color=_ORANGE)
    below.set(xlabel="confidence", ylabel="images", yscale="log", xlim=(0, 1))
    for axes in (above, below):
        axes.grid(alpha=0.3)
    return figure


def _mistakes(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], probabilities: npt.NDArray[np.floating]
) -> Figure:
    """Draws the mistakes, the highest confidence first."""
    read = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(read != labels)
    worst = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:_MISTAKES_SHOWN]
    rows = max(1, -(-len(worst) // _COLUMNS))
    figure = Figure(figsize=(1.5 * _COLUMNS, 1.75 * rows + 0.6))
    grid = np.atleast_2d(figure.subplots(rows, _COLUMNS))
    for axes in grid.flat:
        axes.axis("off")
    for axes, i in zip(grid.flat, worst, strict=False):
        axes.imshow(images[i], cmap="gray", vmin=0, vmax=255)
        axes.set_title(f"{labels[i]} read as {read[i]}, {probabilities[i].max():.0%}", fontsize=8)
    figure.suptitle(f"{len(worst)} of {len(wrong)} misread test images, the highest confidence first")
    return figure
