"""The `digits` command.

digits predict 7.png photo.jpg
digits predict scans/ --out answers/
digits read number.jpg
digits model
digits evaluate models/mnist_model.keras --seeds 5
digits evaluate my-digits/ --save-mistakes mistakes/
digits feedback export my-feedback/
digits train --recipe convnet
digits convert my_model.h5
digits run
digits app
digits serve --workers 4
digits reload
"""

import argparse
import difflib
import sys
from collections.abc import Sequence

from digits import __version__
from digits.cli.arguments import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, ArgumentParser
from digits.cli.commands import app, convert, evaluate, feedback, key, model, predict, read, reload, run, serve, train
from digits.errors import DigitsError

# In the order in which `digits --help` lists them.
_COMMANDS = (predict, read, model, evaluate, train, convert, feedback, run, app, serve, reload, key)

_EXIT_CODES = """exit codes:
  0    all went well
  1    something could not be done; the message says what
  2    the command was not understood
  3    the new model is worse than the one that is there, which stays (digits train --extra)
  130  stopped with Ctrl-C"""


def build_parser() -> ArgumentParser:
    """The command's arguments; each subcommand sets `command` to the function that runs it."""
    parser = ArgumentParser(
        prog="digits",
        description="Recognize handwritten digits.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"digits {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=ArgumentParser)
    for command in _COMMANDS:
        command.add(commands)
    return parser


def _check_command(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Ends the process if there is no such command; a slip of the pen gets the name that is meant."""
    names = [module.__name__.rpartition(".")[2] for module in _COMMANDS]
    if arguments and not arguments[0].startswith("-") and arguments[0] not in names:
        meant = difflib.get_close_matches(arguments[0], names, 1)
        hint = f"the nearest is {meant[0]}" if meant else f"there are {', '.join(names)}"
        parser.error(f"there is no command {arguments[0]!r}; {hint}")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser()
    _check_command(parser, arguments)
    options = parser.parse_args(arguments)
    options.command_line = ["digits", *arguments]
    try:
        code: int = options.command(options)
    except DigitsError as error:
        print(f"digits: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python would complain once more while flushing at exit.
        sys.stdout = None
        return EXIT_OK
    return code


if __name__ == "__main__":
    raise SystemExit(main())
