"""`digits run`: starts API and app together."""

import argparse

from digits.cli.arguments import Commands, add_command, whole_number


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = add_command(commands, "run", "start the API and the app; Ctrl-C stops both")
    parser.add_argument("--api-port", type=whole_number(1, 65_535), default=8000, metavar="PORT", help="default: 8000")
    parser.add_argument("--app-port", type=whole_number(1, 65_535), default=8501, metavar="PORT", help="default: 8501")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Starts both and waits for Ctrl-C; returns the exit code."""
    from digits.cli.launcher import run as run_servers
    from digits.cli.launcher import services

    return run_servers(services(options.api_port, options.app_port))
