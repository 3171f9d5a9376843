"""Command-line arguments. An error is one line that names the values that would have been right."""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from digits.images.formats import in_words
from digits.model.history import KEPT

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_BETTER = 3
EXIT_INTERRUPTED = 130

MODEL_HELP = "model file (default: DIGITS_MODEL, else models/mnist_model.keras, else the one that ships)"


_LACKING = re.compile(r"argument .*?(--[\w-]+): expected one argument")


class ArgumentParser(argparse.ArgumentParser):
    """argparse, with an error of one line and exit code 2.

    Args:
        options: those of argparse.
        declare: adds the arguments when they are first needed: for a command whose arguments take long to load.
    """

    def __init__(self, *, declare: "Callable[[ArgumentParser], None] | None" = None, **options: Any) -> None:
        super().__init__(**options)
        self._declare = declare

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Declares the arguments if that was put off, and parses them."""
        if self._declare is not None:
            declare, self._declare = self._declare, None
            declare(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Prints the message and ends the process."""
        if lacking := _LACKING.fullmatch(message):
            # Whoever gave one that begins with a minus is not told so by argparse.
            message += f"; if it begins with a minus, write {lacking[1]}='-...'"
        print(f"{self.prog}: {message}. See {self.prog} --help.", file=sys.stderr)
        raise SystemExit(EXIT_USAGE)


# Takes the parsers of the modules in `digits.cli.commands`.
Commands: TypeAlias = "argparse._SubParsersAction[ArgumentParser]"


def add_command(
    commands: Commands, name: str, purpose: str, declare: Callable[[ArgumentParser], None] | None = None
) -> ArgumentParser:
    """Adds a command; returns its parser.

    Args:
        commands: gets the command.
        name: of the command.
        purpose: what it does, in the list of commands and at the head of its own `--help`.
        declare: as for `ArgumentParser`.
    """
    return commands.add_parser(name, help=purpose, description=in_a_sentence(purpose), declare=declare)


def in_a_sentence(purpose: str) -> str:
    """Returns what a command does as the sentence at the head of its `--help`."""
    return f"{purpose[:1].upper()}{purpose[1:]}."


def add_images(parser: argparse.ArgumentParser) -> None:
    """Adds the images to read, as `digits.images.sources.pictures_of` takes them."""
    parser.add_argument(
        "images",
        nargs="+",
        type=Path,
        metavar="IMAGE",
        help=f"a {in_words()} file, a folder of them, or an npz file (images)",
    )


def add_page(parser: argparse.ArgumentParser, default: str) -> None:
    """Adds the page to read of each file.

    Args:
        parser: of the command.
        default: what is read without it, in words.
    """
    parser.add_argument(
        "--page",
        type=whole_number(1, 999_999),
        metavar="NUMBER",
        help=f"which page to read of a file that has several (default: {default})",
    )


def add_keep(parser: argparse.ArgumentParser) -> None:
    """Adds how many replaced model files are kept."""
    parser.add_argument(
        "--keep",
        type=whole_number(0, 1000),
        default=KEPT,
        metavar="N",
        help=f"keep the last N model files that were replaced, for digits model rollback (default: {KEPT})",
    )


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """Returns a type for `add_argument` that takes the whole numbers of a range."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = lowest - 1
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {lowest} to {highest}")
        return value

    return parse


def one_of(names: list[str]) -> Callable[[str], str]:
    """Returns a type for `add_argument` that takes these names; its error lists them."""

    def parse(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"{text!r} is not one of: {', '.join(names)}")
        return text

    return parse


def keras_file(text: str) -> Path:
    """Is a type for `add_argument`: the path of a model file to write."""
    path = Path(text)
    if path.suffix != ".keras":
        raise argparse.ArgumentTypeError(f"{text!r} does not end in .keras, as Keras wants it")
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder; name a file in it, such as {path / 'my_model.keras'}")
    return path
