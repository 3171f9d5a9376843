"""The training loop of networks for images of one size: what `model.fit` does, in a fraction of its time.

`model.fit` hands every batch from Python to TensorFlow on its own, which for small networks costs several times the
arithmetic. Here the images lie in TensorFlow's memory, and Keras' own `train_step` is compiled together with the loop
around it, so that Python is asked once per `STEPS_PER_CALL` batches.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import Progress

from digits.errors import SettingError

# Few enough calls to cost nothing, and enough to show progress.
STEPS_PER_CALL = 100

Inputs = npt.NDArray[np.uint8] | npt.NDArray[np.float32]


class Checkpoint:
    """The state of a run after its last whole epoch, in a file from which the run can go on after a stop.

    A run that goes on from it ends with the same weights as one that was not stopped.

    Args:
        path: of the file.
        run: identifies what is trained, on which data and how.
        resume: whether to go on from the file that is there. If not, it is removed.

    Raises:
        SettingError: there is nothing to go on from, or it is the state of another run.
    """

    def __init__(self, path: Path, run: Mapping[str, Any], *, resume: bool) -> None:
        self.path = path
        self._run = json.dumps(run, sort_keys=True)
        self._arrays: dict[str, npt.NDArray[Any]] = {}
        self.done = 0
        self.history: dict[str, list[float]] = {}
        if not resume:
            self.remove()
            return
        try:
            with np.load(path, allow_pickle=False) as archive:
                self._arrays = dict(archive)
            state = json.loads(str(self._arrays.pop("state")))
        except FileNotFoundError:
            raise SettingError(f"There is no {path}, so there is nothing to go on from. Leave --resume out.") from None
        except Exception as error:
            # On damaged bytes the readers of zip, npy and JSON raise nearly anything.
            raise SettingError(f"{path} cannot be read ({error}). Leave --resume out.") from error
        if state["run"] != self._run:
            raise SettingError(
                f"{path} is the state of another run ({state['run']}); this is {self._run}. Name the same recipe, "
                "epochs, batch size, seed, data and model to start from, or leave --resume out."
            )
        self.done, self.history = state["done"], state["history"]

    def restore(self, model: Any) -> None:
        """Puts the state into a compiled model."""
        for i, variable in enumerate(_variables(model) if self.done else ()):
            variable.assign(self._arrays[f"variable_{i}"])

    def save(self, model: Any, done: int, history: Mapping[str, list[float]]) -> None:
        """Writes the state of a model after so many epochs, whole or not at all; on a full disk the run goes on."""
        state = json.dumps({"run": self._run, "done": done, "history": history})
        arrays = {f"variable_{i}": np.asarray(variable) for i, variable in enumerate(_variables(model))}
        arrays["state"] = np.array(state)
        part = self.path.with_suffix(".part")
        with contextlib.suppress(OSError):
            try:
                with part.open("wb") as file:
                    np.savez(file, allow_pickle=False, **arrays)
                part.replace(self.path)
            finally:
                part.unlink(missing_ok=True)

    def remove(self) -> None:
        """Removes the file: the run is at its end, or another begins."""
        self.path.unlink(missing_ok=True)


def _variables(model: Any) -> list[Any]:
    """Returns all that a step of training changes: weights, seeds of layers, and the optimizer's own."""
    return [*model.variables, *model.optimizer.variables]


def scale(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Returns pixels of 0..255 as float32 in 0..1, which is what networks see."""
    return images.astype(np.float32) / np.float32(255.0)


@dataclass(frozen=True)
class Schedule:
    """How long a network is fitted, and in which steps.

    Args:
        epochs: passes over the images.
        batch_size: images per step, at most as many as there are.
        seed: of the order of the images.
        use_xla: whether XLA compiles the loop.
    """

    epochs: int
    batch_size: int
    seed: int
    use_xla: bool = False


def fit(
    model: Any,
    epochs: Iterable[Inputs],
    targets: npt.NDArray[Any],
    schedule: Schedule,
    *,
    validation: tuple[Inputs, npt.NDArray[np.integer]] | None = None,
    show_progress: bool = True,
    checkpoint: Checkpoint | None = None,
) -> dict[str, list[float]]:
    """Fits a compiled Keras model.

    Every epoch shuffles its images. The few that do not fill a last batch are left out of that epoch.

    Args:
        model: compiled with a loss, and with metrics that are shown if one is named `accuracy`.
        epochs: the images of each epoch, all of one shape (n, ...): float32 in 0..1, or uint8, which is scaled to 0..1
            batch by batch and takes a quarter of the memory.
        targets: of shape (n, ...), as the loss takes them, the same in each epoch.
        schedule: of the run.
        validation: images and labels on which the model is evaluated after each epoch.
        show_progress: whether to print a line for each epoch, and a progress bar on a terminal.
        checkpoint: keeps the state after each epoch. If it holds one, the run goes on from there, and `epochs` has the
            images of the epochs that are left.

    Returns:
        For each epoch the running means of `loss` and, if the model has that metric, of `accuracy`; with `validation`,
        which needs the metric, `val_loss` and `val_accuracy` too.
    """
    import tensorflow as tf

    # The variables of the optimizer and of the metrics must exist before the loop is compiled.
    model.optimizer.build(model.trainable_variables)
    model.test_on_batch(np.zeros((1, *model.input_shape[1:]), np.float32), targets[:1])
    run_steps = _compiled_steps(model, tf.constant(targets), schedule.use_xla)
    count, batch_size = len(targets), schedule.batch_size
    steps = count // batch_size
    shuffler = np.random.default_rng(schedule.seed)
    history: dict[str, list[float]] = {}
    done = 0
    if checkpoint is not None:
        checkpoint.restore(model)
        done, history = checkpoint.done, checkpoint.history
    for _ in range(done):
        shuffler.permutation(count)
    with _progress(show_progress) as progress:
        for epoch, images in enumerate(epochs, start=done + 1):
            name = f"Epoch {epoch}/{schedule.epochs}"
            bar = progress.add_task(name, total=steps)
            batches = shuffler.permutation(count)[: steps * batch_size].reshape(steps, batch_size)
            model.reset_metrics()
            for run in _run_epoch(run_steps, images, batches):
                progress.advance(bar, run)
            figures = {metric: float(value) for metric, value in model.get_metrics_result().items()}
            if validation is not None:
                loss, accuracy = model.evaluate(*validation, batch_size=1_000, verbose=0)
                figures |= {"val_loss": float(loss), "val_accuracy": float(accuracy)}
            for metric, value in figures.items():
                history.setdefault(metric, []).append(value)
            progress.remove_task(bar)
            progress.console.print(f"{name}  {_in_words(figures)}", highlight=False)
            if checkpoint is not None:
                checkpoint.save(model, epoch, history)
    return history


def _run_epoch(run_steps: Any, images: Inputs, batches: npt.NDArray[np.int64]) -> Iterator[int]:
    """Runs the steps of an epoch.

    Args:
        run_steps: what `_compiled_steps` returned.
        images: of the epoch.
        batches: indices of the images of each batch, of shape (steps, batch size).

    Yields:
        After each call of TensorFlow, how many steps it ran.
    """
    import tensorflow as tf

    on_device = tf.constant(images)
    for first in range(0, len(batches), STEPS_PER_CALL):
        piece = batches[first : first + STEPS_PER_CALL]
        # XLA compiles each shape anew, so a shorter last piece is padded. The padding is not run.
        padded = np.zeros((STEPS_PER_CALL, batches.shape[1]), dtype=np.int32)
        padded[: len(piece)] = piece
        run_steps(on_device, tf.constant(padded), tf.constant(len(piece)))
        yield len(piece)


def _in_words(figures: Mapping[str, float]) -> str:
    """Returns the figures of an epoch as the end of its line."""
    text = f"loss {figures['loss']:.4f}"
    if "accuracy" in figures:
        text += f"  accuracy {figures['accuracy']:.2%}"
    if "val_loss" in figures:
        text += f"  validation loss {figures['val_loss']:.4f}  accuracy {figures['val_accuracy']:.2%}"
    return text


def _compiled_steps(model: Any, targets: Any, use_xla: bool) -> Any:
    """Returns a compiled function of images, batches of indices of them, and the number of batches to run."""
    import tensorflow as tf

    @tf.function(jit_compile=use_xla)  # type: ignore[untyped-decorator]
    def run_steps(images: Any, batches: Any, count: Any) -> None:
        for step in tf.range(count):
            chosen = batches[step]
            batch = tf.gather(images, chosen)
            if batch.dtype == tf.uint8:
                batch = tf.cast(batch, tf.float32) / 255.0
            model.train_step((batch, tf.gather(targets, chosen)))

    return run_steps


def _progress(show: bool) -> Progress:
    """Returns a progress bar for a terminal; anything else gets only the lines printed beside it."""
    console = Console(quiet=not show, soft_wrap=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)
