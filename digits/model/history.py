"""The model files that were replaced: the last few are kept beside the present one, and can be put back."""

import contextlib
import itertools
import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

from digits.errors import ModelNotFoundError, SettingError

FOLDER = "previous"
KEPT = 3
# Said after every change of the model in use.
WHO_USES_IT = (
    "App, command line and an API that make run started use it now. For any other running API, run: digits reload"
)

_UNDONE = "rolled-back"


def kept(path: Path) -> list[Path]:
    """Returns the files that a model file replaced, the last one first."""
    pattern = re.compile(rf"{re.escape(path.stem)}-\d{{8}}T\d{{12}}Z\.keras")
    folder = path.parent / FOLDER
    files = folder.iterdir() if folder.is_dir() else ()
    return sorted((file for file in files if pattern.fullmatch(file.name)), reverse=True)


def keep(path: Path, count: int = KEPT) -> Path | None:
    """Keeps a copy of a model file that is about to be replaced.

    Args:
        path: of the model file, which stays where it is.
        count: how many replaced files are kept; older ones are removed. With 0 nothing is kept or removed.

    Returns:
        The path of the copy; None if there is no file, or none is to be kept.

    Raises:
        SettingError: the copy cannot be written.
    """
    if not count:
        return None
    copy = None
    if path.is_file():
        folder = path.parent / FOLDER
        copy = folder / f"{path.stem}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z.keras"
        try:
            folder.mkdir(exist_ok=True)
            _copy(path, copy)
        except OSError as error:
            raise SettingError(
                f"The present model {path} cannot be kept in {folder} ({error.strerror or error}), so it was not "
                "replaced. Make room there, or keep none with --keep 0."
            ) from error
    for old in kept(path)[count:]:
        old.unlink(missing_ok=True)
    return copy


def roll_back(path: Path) -> tuple[Path, Path | None]:
    """Puts the last replaced file back in place of a model file.

    Args:
        path: of the model file.

    Returns:
        The kept file that was put back, which is no longer kept; and the file to which the present model was moved,
        None if there was none.

    Raises:
        ModelNotFoundError: no replaced file is kept.
        SettingError: the folder cannot be written.
    """
    files = kept(path)
    if not files:
        raise ModelNotFoundError(
            f"No earlier {path.name} is kept in {path.parent / FOLDER}, so there is nothing to go back to."
        )
    aside = _aside(path) if path.is_file() else None
    try:
        if aside is not None:
            _copy(path, aside)
        files[0].replace(path)
    except OSError as error:
        raise SettingError(f"{path} cannot be replaced ({error.strerror or error}).") from error
    return files[0], aside


def set_aside(path: Path) -> Path:
    """Moves a model file away, so that there is none; returns where it is kept.

    Raises:
        SettingError: the folder cannot be written.
    """
    aside = _aside(path)
    try:
        aside.parent.mkdir(exist_ok=True)
        path.replace(aside)
    except OSError as error:
        raise SettingError(f"{path} cannot be moved to {aside} ({error.strerror or error}).") from error
    return aside


def _aside(path: Path) -> Path:
    """A name that no file has yet: a second rollback must not replace what the first one kept."""
    folder = path.parent / FOLDER
    endings = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    files = (folder / f"{path.stem}-{_UNDONE}{ending}.keras" for ending in endings)
    return next(file for file in files if not file.exists())


def _copy(source: Path, target: Path) -> None:
    """Copies a file whole or not at all. A second name for it is enough, because model files are never changed."""
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        try:
            # Of a symbolic link, what it leads to: the link may lead elsewhere tomorrow.
            os.link(source.resolve(), part)
        except OSError:
            shutil.copyfile(source, part)
        part.replace(target)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
