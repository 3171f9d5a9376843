"""Fits the small networks that look at windows of a line."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.numbers.windows import Windows

_BATCH = 256
# TensorFlow is called once for so many steps.
_STEPS_PER_CALL = 50


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
        targets: of each, as the loss takes them.
        epochs: passes over the windows.
        seed: of their order.
        loss: a name that Keras knows, or a function of targets and answers.
    """
    import tensorflow as tf
    from keras.optimizers import AdamW
    from keras.optimizers.schedules import CosineDecay

    each = len(windows) // _BATCH
    steps = epochs * each
    warm_up = max(1, steps // 10)
    rate = CosineDecay(1e-4, max(1, steps - warm_up), warmup_target=4e-3, warmup_steps=warm_up)
    model.compile(AdamW(rate, weight_decay=0.01), loss=loss)
    # The optimizer's and the metrics' variables must exist before the compiled loop starts.
    model.optimizer.build(model.trainable_variables)
    model.test_on_batch(windows[:1].astype(np.float32), targets[:1])
    inputs, outputs = tf.constant(windows), tf.constant(targets)

    @tf.function  # type: ignore[untyped-decorator]
    def run(batches: Any, count: Any) -> None:
        for step in tf.range(count):
            chosen = batches[step]
            model.train_step((tf.cast(tf.gather(inputs, chosen), tf.float32) / 255.0, tf.gather(outputs, chosen)))

    rng = np.random.default_rng(seed)
    for epoch in range(1, epochs + 1):
        batches = rng.permutation(len(windows))[: each * _BATCH].reshape(each, _BATCH).astype(np.int32)
        model.reset_metrics()
        for start in range(0, each, _STEPS_PER_CALL):
            group = batches[start : start + _STEPS_PER_CALL]
            padded = np.zeros((_STEPS_PER_CALL, _BATCH), np.int32)
            padded[: len(group)] = group
            run(tf.constant(padded), tf.constant(len(group)))
        print(f"Epoch {epoch}/{epochs}  loss {float(model.get_metrics_result()['loss']):.4f}", flush=True)
