"""Fits the small networks that look at windows of a line."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.numbers.segments.windows import Windows
from digits.training.loop import fit
from digits.training.recipes import warm_up_and_decay

_BATCH = 256


def fit_network(
    model: Any,
    windows: Windows,
    targets: npt.NDArray[np.generic],
    epochs: int,
    seed: int,
    loss: str | Callable[[Any, Any], Any] = "sparse_categorical_crossentropy",
) -> None:
    """Fits a network with AdamW, whose learning rate rises for a tenth of the run and falls along a cosine.

    Args:
        model: a `keras.Model` of windows scaled to 0..1.
        windows: uint8 of shape (n, SIDE, SIDE, 2).
        targets: one for each window, as the loss takes them.
        epochs: passes over the windows.
        seed: of their order.
        loss: a name that Keras knows, or a function of targets and answers.
    """
    steps = len(windows) // _BATCH * epochs
    model.compile(warm_up_and_decay(steps), loss=loss)
    fit(model, itertools.repeat(windows, epochs), targets, epoch_count=epochs, batch_size=_BATCH, seed=seed)
