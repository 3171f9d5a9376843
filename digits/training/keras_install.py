"""The libraries that training needs and serving does without."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digits.errors import MissingInstallError
from digits.installation import install_command

# The newest version of Python for which TensorFlow publishes wheels.
NEWEST_PYTHON = 3, 13


def require_keras() -> None:
    """Loads Keras, TensorFlow and the exporter.

    Raises:
        MissingInstallError: one of them is not installed.
    """
    try:
        with _native_stderr_hushed():
            import keras  # noqa: F401
            import tensorflow as tf
            import tf2onnx  # noqa: F401

            # Each new network is traced anew, which the log calls a mistake.
            tf.get_logger().setLevel("ERROR")
            # The search for a GPU complains where there is none. Let it do so while standard error is closed.
            tf.config.list_physical_devices()
    except ImportError as error:
        if sys.version_info[:2] > NEWEST_PYTHON:
            ours, newest = (".".join(map(str, version)) for version in (sys.version_info[:2], NEWEST_PYTHON))
            raise MissingInstallError(
                f"Training needs TensorFlow, which has no wheels for Python {ours}. "
                f"Train with Python 3.11 to {newest}. Every supported Python can then serve the model file."
            ) from error
        raise MissingInstallError(
            f"Training needs TensorFlow, which the serving install leaves out ({error}). "
            f"Install it with: {install_command('train')}"
        ) from error


@contextmanager
def _native_stderr_hushed() -> Iterator[None]:
    """Closes standard error for native code: TensorFlow writes to it past every logging setting."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
