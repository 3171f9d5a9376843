"""`digits key`: makes an API key."""

import argparse
import sys

from digits.cli.arguments import EXIT_OK, Commands, add_command


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = add_command(commands, "key", "make an API key for a client of the service")
    parser.add_argument("name", metavar="NAME", help="name of the client, for the log")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Prints the key, and the line for the server's file, which holds the digest of the key; returns the exit code."""
    from digits.service.middleware.keys import make_key

    key, line = make_key(options.name)
    print(f"The key, for the client (it is shown this once): {key}", file=sys.stderr)
    print("The line for the file that DIGITS_API_KEYS_FILE names:", file=sys.stderr, flush=True)
    print(line)
    return EXIT_OK
