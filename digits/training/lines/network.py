"""The network that reads whole lines, and its training with connectionist temporal classification.

Convolutions alone: the answer at a place depends on some digits to its left and right, and on nothing farther away, so
that a line may be as long as it likes (as the fully convolutional recognizers of Ingle et al., "A Scalable Handwritten
Text Recognition System", ICDAR 2019).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digits.numbers.lines.image import ROWS
from digits.numbers.lines.network import BLANK, LINE_CLASSES
from digits.training.recipes import warm_up_and_decay

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
# A line's picture, and the classes on it from left to right.
Line = tuple[Pixels, list[int]]

BATCH = 32
# Lines of about the same width make a batch: they are sorted by their width, times a random number from 1 to 1.3.
_SHUFFLED = 0.3
# Batches are as wide as a multiple of this, in pixels.
_ROUND = 32
# The highest learning rate of the run.
_PEAK = 3e-3
# Distances at which places look to their left and right, one layer after the other. Together they reach over about
# three digits on each side: how a writer slants digits, and forms a 1, tells what a slash is.
_DILATIONS = (1, 2, 4, 8, 16)
# How a line is changed at random: factors of its size and of its width, and the standard deviations of its slant
# (pixels across for each pixel down) and of its shift up or down, in pixels.
_SIZES, _WIDTHS, _SLANT, _DOWN = (0.85, 1.18), (0.88, 1.14), 0.12, 1.6
# Chances that its strokes are blurred and thicker, or thinner, and that specks lie on it.
_THICKER, _THINNER, _SPECKS = 0.25, 0.2, 0.15


def build() -> Any:
    """The network: pictures of shape (n, ROWS, width, 1) in 0..1 to scores of shape (n, width / 2, LINE_CLASSES)."""
    import keras
    from keras.layers import (
        Add,
        BatchNormalization,
        Conv1D,
        Conv2D,
        Dense,
        Dropout,
        Input,
        MaxPooling2D,
        ReLU,
        Reshape,
    )

    def convolution(values: Any, filters: int, size: Any = 3, padding: str = "same") -> Any:
        return ReLU()(BatchNormalization()(Conv2D(filters, size, padding=padding, use_bias=False)(values)))

    picture = Input((ROWS, None, 1))
    values = MaxPooling2D(2)(convolution(picture, 16, (5, 3)))
    values = MaxPooling2D((2, 1))(convolution(values, 32))
    values = MaxPooling2D((2, 1))(convolution(convolution(values, 64), 64))
    values = convolution(convolution(values, 96), 128, (5, 1), "valid")
    values = Reshape((-1, 128))(values)
    for dilation in _DILATIONS:
        beside = Conv1D(128, 3, padding="same", dilation_rate=dilation, use_bias=False)(values)
        values = Add()([values, ReLU()(BatchNormalization()(beside))])
    return keras.Model(picture, Dense(LINE_CLASSES)(Dropout(0.1)(values)))


def augment(pixels: Pixels, rng: np.random.Generator) -> Floats:
    """Changes a line's picture as another hand or pen would.

    Args:
        pixels: uint8 of shape (ROWS, width).
        rng: of the changes.

    Returns:
        float32 of shape (ROWS, another width), 0..1.
    """
    ink = pixels.astype(np.float32) / np.float32(255.0)
    height, width = ink.shape
    size = rng.uniform(*_SIZES)
    across, slant, down = size * rng.uniform(*_WIDTHS), rng.normal(0.0, _SLANT), rng.normal(0.0, _DOWN)
    wide = int(width * across + abs(slant) * height + 2.0)
    change = np.array(
        [[across, slant, (abs(slant) - slant) * height / 2.0], [0.0, size, height / 2.0 * (1.0 - size) + down]]
    )
    ink = np.asarray(cv2.warpAffine(ink, change, (wide, height), flags=cv2.INTER_LINEAR), dtype=np.float32)
    pen = rng.random()
    if pen < _THICKER:
        ink = np.clip(cv2.GaussianBlur(ink, (0, 0), 0.6) * rng.uniform(1.2, 2.2), 0.0, 1.0)
    elif pen < _THICKER + _THINNER:
        ink = np.clip((cv2.GaussianBlur(ink, (0, 0), 0.6) - rng.uniform(0.05, 0.3)) * 1.6, 0.0, 1.0)
    if rng.random() < _SPECKS:
        for _ in range(int(rng.integers(1, 4))):
            y, x = int(rng.integers(0, height - 2)), int(rng.integers(0, wide - 2))
            ink[y, x : x + int(rng.integers(1, 3))] = rng.uniform(0.3, 1.0)
    return np.asarray(ink, dtype=np.float32)


def batches(
    lines: Sequence[Line], rng: np.random.Generator
) -> Iterator[tuple[Floats, npt.NDArray[np.int32], npt.NDArray[np.int32]]]:
    """Yields the lines of an epoch in batches of about the same width, each line changed anew.

    Yields:
        Pictures, float32 of shape (n, ROWS, width, 1); their classes, of shape (n, most), of which those beyond a
        line's own do not count; and how many each line has, of shape (n,).
    """
    widths = np.array([pixels.shape[1] for pixels, _ in lines])
    order = np.argsort(widths * (1.0 + _SHUFFLED * rng.random(len(lines))))
    groups = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    for k in rng.permutation(len(groups)).tolist():
        chosen = [lines[i] for i in groups[k].tolist()]
        changed = [augment(pixels, rng) for pixels, _ in chosen]
        width = -(-max(ink.shape[1] for ink in changed) // _ROUND) * _ROUND
        pictures = np.zeros((len(chosen), ROWS, width, 1), np.float32)
        counts = np.array([len(classes) for _, classes in chosen], np.int32)
        targets = np.full((len(chosen), int(counts.max())), BLANK, np.int32)
        for n, (ink, (_, classes)) in enumerate(zip(changed, chosen, strict=True)):
            pictures[n, :, : ink.shape[1], 0] = ink
            targets[n, : len(classes)] = classes
        yield pictures, targets, counts


def fit(model: Any, lines: Sequence[Line], epochs: int, seed: int) -> None:
    """Fits a network, and prints the mean loss of each epoch.

    Args:
        model: as `build` makes it.
        lines: to learn from.
        epochs: passes over the lines.
        seed: of their order and changes.
    """
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    optimizer = warm_up_and_decay(-(-len(lines) // BATCH) * epochs, _PEAK)
    optimizer.build(model.trainable_variables)

    # Compiled for all widths: one graph for each would take longer than the training.
    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(pictures: Any, targets: Any, counts: Any) -> Any:
        with tf.GradientTape() as tape:
            scores = model(pictures, training=True)
            # A sparse tensor cannot hold class 0 otherwise.
            shown = tf.sparse.from_dense(tf.where(tf.sequence_mask(counts, tf.shape(targets)[1]), targets + 1, 0))
            shown = tf.SparseTensor(shown.indices, shown.values - 1, shown.dense_shape)
            places = tf.fill([tf.shape(pictures)[0]], tf.shape(scores)[1])
            losses = tf.nn.ctc_loss(shown, scores, None, places, logits_time_major=False, blank_index=BLANK)
            # The loss of a line too narrow for all that is on it is infinite.
            loss = tf.reduce_mean(tf.where(tf.math.is_finite(losses), losses, 0.0))
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, model.trainable_variables), 5.0)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    for epoch in range(1, epochs + 1):
        losses = [float(step(*map(tf.constant, batch))) for batch in batches(lines, rng)]
        print(f"Epoch {epoch}/{epochs}  loss {np.mean(losses):.4f}", flush=True)
