"""Windows are drawn in chunks by several processes."""

import numpy as np

from digits.data.mnist import Mnist
from digits.training.segmenter.chunks import draw_chunks
from digits.training.segmenter.sign_dataset import draw_chunk


def test_chunks_depend_on_the_seed_and_on_their_number_alone(mnist: Mnist) -> None:
    images, labels = mnist.x_test[:500], mnist.y_test[:500]
    windows, targets = draw_chunks(draw_chunk, images, labels, 50, 3, 30)
    assert len(windows) == len(targets) == 50
    for number, where in ((0, slice(0, 30)), (1, slice(30, 50))):
        alone, targets_alone = draw_chunk(images, labels, 3, number, 30)
        assert np.array_equal(windows[where], alone[: where.stop - where.start])
        assert np.array_equal(targets[where], targets_alone[: where.stop - where.start])
