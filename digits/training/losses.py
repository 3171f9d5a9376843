"""Outlier exposure: a network learns to give every digit the same probability for what is no digit.

Source: Hendrycks, Mazeika and Dietterich, "Deep Anomaly Detection with Outlier Exposure", ICLR 2019.
"""

from typing import Any

from digits.arrays import CLASSES

# The label of a training image that shows no digit.
OUTLIER = CLASSES


def outlier_exposure_loss(labels: Any, probabilities: Any) -> Any:
    """Returns the cross-entropy, with a uniform target for images with the label `OUTLIER`.

    Args:
        labels: int tensor of shape (n,) or (n, 1): 0..9, or `OUTLIER`.
        probabilities: float tensor of shape (n, 10).

    Returns:
        The loss of each image, of shape (n,), in nats.
    """
    from keras import ops

    labels = ops.reshape(ops.cast(labels, "int32"), (-1,))
    uniform = ops.cast(labels == OUTLIER, probabilities.dtype)[:, None] / CLASSES
    targets = ops.one_hot(ops.minimum(labels, CLASSES), CLASSES + 1)[:, :CLASSES] + uniform
    return ops.categorical_crossentropy(targets, probabilities)


def accuracy_on_digits() -> Any:
    """Returns a Keras metric: the share of the digits that are read correctly. It leaves outliers out."""
    from keras import metrics, ops

    class AccuracyOnDigits(metrics.SparseCategoricalAccuracy):  # type: ignore[misc]
        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            is_digit = ops.cast(ops.reshape(y_true, (-1,)) != OUTLIER, "float32")
            return super().update_state(y_true, y_pred, sample_weight=is_digit)

    return AccuracyOnDigits(name="accuracy")
