"""`digits feedback`: counts and exports the pictures that people corrected or confirmed in the app."""

import argparse
import shlex
from pathlib import Path

from digits.cli.arguments import EXIT_OK, ArgumentParser, Commands, add_command
from digits.errors import FeedbackError
from digits.installation import train_command


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = add_command(
        commands, "feedback", "count the pictures that people corrected or confirmed in the app, or export them"
    )
    parser.set_defaults(command=run_count)
    actions = parser.add_subparsers(metavar="ACTION", parser_class=ArgumentParser)
    export = add_command(actions, "export", "write the pictures and a labels.csv, as digits evaluate takes them")
    export.add_argument(
        "folder", type=Path, metavar="FOLDER", help="the folder to write to; it is made if it is not there"
    )
    export.set_defaults(command=run_export)


def run_count(_options: argparse.Namespace) -> int:
    """Prints how many pictures are kept, and where; returns the exit code."""
    from digits.feedback import FeedbackStore, feedback_file

    file = feedback_file()
    if file is None:
        print("Feedback is switched off: DIGITS_FEEDBACK is off.")
    else:
        count = len(FeedbackStore(file))
        print(f"{count} picture{'' if count == 1 else 's'} in {file}")
    return EXIT_OK


def run_export(options: argparse.Namespace) -> int:
    """Exports the pictures; returns the exit code."""
    from digits.feedback import FEEDBACK_VARIABLE, FeedbackStore, feedback_file

    file = feedback_file()
    if file is None:
        raise FeedbackError(f"Feedback is switched off: {FEEDBACK_VARIABLE} is off. Name the file that holds it.")
    count = FeedbackStore(file).export(options.folder)
    print(
        f"{count} picture{'' if count == 1 else 's'} and {options.folder / 'labels.csv'} written. What to do with it:"
    )
    folder = shlex.quote(str(options.folder))
    print(f"  digits evaluate {folder}")
    print(f"  {train_command()} --recipe convnet --extra {folder}")
    return EXIT_OK
