"""A training job: from the data to a model file with its report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from digits.data import mnist
from digits.errors import AccuracyFloorError, SettingError
from digits.model import history
from digits.model.artifact import read
from digits.model.calibration import apply_temperature
from digits.model.card import Card
from digits.recognizer import TRAINED_MODEL, Recognizer, shipped_model
from digits.training import export
from digits.training import run as training
from digits.training.config import TrainingConfig
from digits.training.extra.comparison import Comparison, candidate_of, model_to_beat, standing
from digits.training.extra.folder import Extra, read_extra
from digits.training.loop import Checkpoint

REPORTS = Path("reports")


def state_file_of(out: Path) -> Path:
    """Returns the file that keeps the state of the run that will write a model file."""
    return out.with_name(f"{out.stem}.unfinished.npz")


@dataclass(frozen=True)
class Job:
    """What to train, and where it goes.

    Args:
        config: the recipe and its settings.
        data: MNIST.
        out: the model file.
        command: that asked for it, for the card.
        when_written: is called once the file is in place.
        keep: how many replaced model files are kept, for `digits model rollback`.
        resume: whether to go on with a run that was stopped.
    """

    config: TrainingConfig
    data: mnist.Mnist
    out: Path
    command: list[str]
    when_written: Callable[[], None]
    keep: int = history.KEPT
    resume: bool = False

    @property
    def state_file(self) -> Path:
        """Where the state of the run is kept until it ends."""
        return state_file_of(self.out)


def train_and_write(job: Job) -> None:
    """Trains, writes the model file and its report, and says what came of it."""
    run = train(job)
    with _forgotten_at_the_end(job):
        card = export.save(run, job.data, job.out, job.command, job.keep)
    job.when_written()
    report(job, run, card)


def train_and_compare(job: Job, folder: Path) -> bool:
    """Trains on other pictures, too, and replaces the model that is there if the new one is no worse.

    Returns:
        Whether it was replaced.
    """
    extra = read_extra(folder, job.data)
    rival = model_to_beat(job.out)
    print("\n".join(extra.describe()))
    if rival.path != job.out:
        print(f"There is no {job.out} yet; {rival.name} has answered so far, and is what the new one has to match.")
    before = standing(rival, job.data, extra.held_out)
    run = train(job, extra)
    candidate = candidate_of(job.out)
    with _forgotten_at_the_end(job):
        card = export.save(run, job.data, candidate, job.command)
    compared = Comparison(before, standing(Recognizer.load(candidate), job.data, extra.held_out), job.data.name)
    print("\n" + "\n".join(compared.lines()) + "\n")
    if compared.worse_on:
        print("\n".join(compared.refusal(rival, job.config.recipe, candidate)))
        return False
    print("The new model is at least as good on both, and is in place.")
    history.keep(job.out, job.keep)
    candidate.replace(job.out)
    job.when_written()
    report(job, run, card)
    return True


@contextmanager
def _forgotten_at_the_end(job: Job) -> Iterator[None]:
    """Removes the state of a run when its model is written, or is too bad to be; else --resume goes on from it."""
    try:
        yield
    except AccuracyFloorError:
        job.state_file.unlink(missing_ok=True)
        raise
    job.state_file.unlink(missing_ok=True)


def train(job: Job, extra: Extra | None = None) -> training.Run:
    """Says what is trained, and trains it."""
    config, data = job.config, job.data
    learned_from = len(mnist.split(data).x_fit)
    if int(config.batch_size or 0) > learned_from:
        raise SettingError(
            f"The batch size of {config.batch_size:,} is more than the {learned_from:,} pictures to learn from. Choose "
            "a smaller one with --batch-size."
        )
    print(f"Recipe {config.recipe}, epochs {config.epochs}, batch size {config.batch_size}, seed {config.seed}")
    print(f"{data.name} from {data.source}: {len(data.x_train):,} training and {len(data.x_test):,} test images")
    run = {
        "recipe": config.recipe,
        "epochs": config.epochs,
        "batch_size": config.batch_size,
        "seed": config.seed,
        # The content counts: the file may be moved, or be replaced by another.
        "from": read(config.start).card.weights_sha256 if config.start else "",
        "data": data.digest,
        "extra": extra.digest if extra else "",
    }
    checkpoint = Checkpoint(job.state_file, run, resume=job.resume)
    if checkpoint.done:
        print(f"Going on after epoch {checkpoint.done} of {config.epochs}")
    return training.train(config, data, extra, checkpoint=checkpoint)


def report(job: Job, run: training.Run, card: Card) -> None:
    """Writes the report of a model that is in place, and says how good it is."""
    from digits.evaluation.classification import confused_pairs
    from digits.training.report import write_report

    calibrated = apply_temperature(run.test_probabilities, run.temperature)
    files = write_report(reports_folder(job.out), card, job.data.x_test, job.data.y_test, calibrated)
    print()
    print(f"Test accuracy {run.test.accuracy:.2%}, test loss {run.test.loss:.4f} ({run.test.n:,} images)")
    print(f"Training accuracy {run.training.accuracy:.2%}, validation accuracy {run.validation.accuracy:.2%}")
    print(
        f"Calibration error {run.test.calibration_error:.2%}; not accepted: {run.rejection['test_digits']:.2%} of the "
        f"test images, {run.rejection['held_out_outliers']:.1%} of images of other things"
    )
    print(f"Most confused: {', '.join(confused_pairs(run.test.confusion))}")
    print(f"Model:   {job.out}")
    print(f"Reports: {', '.join(str(file) for file in files)}")
    if job.out == TRAINED_MODEL:
        print(history.WHO_USES_IT)
        print("\n".join(beside_shipped(card, read(shipped_model()).card)))


def beside_shipped(card: Card, shipped: Card) -> list[str]:
    """Returns lines that compare a new model with the one that ships, from their cards, and say how to go back."""
    back = "To go back to the model before: digits model rollback"
    if card.test_set != shipped.test_set:
        return [
            f"Its test accuracy is that on {card.test_set}. The model that ships was tested on {shipped.test_set}.",
            f"To compare them on the same pictures: digits model compare {TRAINED_MODEL} shipped --on SOURCE",
            back,
        ]
    names = {"test_digits": "test images", "held_out_outliers": "images of other things"}
    figures = [
        f"test accuracy {model.test_accuracy:.2%}, not accepted "
        + ", ".join(f"{model.rejection[name]:.1%} of the {meaning}" for name, meaning in names.items())
        for model in (card, shipped)
    ]
    lines = [f"Beside the model that ships:  {figures[0]}", f"  the model that ships:       {figures[1]}"]
    if (card.test_accuracy or 0.0) < (shipped.test_accuracy or 0.0):
        lines.append("It is worse than the model that ships, which answered until something was trained.")
    return [
        *lines,
        f"To compare them image by image: digits model compare {TRAINED_MODEL} shipped",
        back,
    ]


def reports_folder(out: Path) -> Path:
    """Returns the folder for the report of the model file `out`."""
    return REPORTS if out == TRAINED_MODEL else out.parent / REPORTS
