"""The numbers on the command lines of the trainings of small networks."""

import argparse
from collections.abc import Mapping, Sequence

Options = Mapping[str, tuple[int, int, int]]


def parse(parser: argparse.ArgumentParser, options: Options, argv: Sequence[str] | None) -> argparse.Namespace:
    """Adds whole numbers to a command line and reads it; ends the process if one of them is out of range.

    Args:
        parser: with all other options.
        options: the least, the largest and the default value of each, by name.
        argv: arguments, those of the process if None.
    """
    for name, (lowest, highest, default) in options.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"from {lowest} to {highest} ({default})")
    parsed = parser.parse_args(argv)
    for name, (lowest, highest, _) in options.items():
        if not lowest <= getattr(parsed, name) <= highest:
            parser.error(f"--{name} must be a whole number from {lowest} to {highest}")
    return parsed
