"""`digits app`: starts the app alone."""

import argparse

from digits.cli.arguments import Commands, add_command, whole_number


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = add_command(commands, "app", "start the app alone; Ctrl-C stops it")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=whole_number(1, 65_535), default=8501, metavar="PORT", help="default: 8501")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Starts the app and waits for Ctrl-C; returns the exit code."""
    from digits.cli.launcher import app_service
    from digits.cli.launcher import run as run_servers

    return run_servers([app_service(options.port, "digits app --port {port}", options.host)])
