"""`digits serve`: serves the API in production."""

import argparse

from digits.cli.arguments import EXIT_FAILED, EXIT_OK, Commands, add_command, whole_number


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = add_command(commands, "serve", "serve the API in production; DIGITS_* variables set it up")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=whole_number(1, 65_535), default=8000, metavar="PORT", help="default: 8000")
    parser.add_argument(
        "--workers", type=whole_number(1, 1_000), default=1, metavar="N", help="worker processes (default: 1)"
    )
    parser.add_argument(
        "--root-path",
        default="",
        metavar="PREFIX",
        help="path under which a proxy shows the API, and which it takes off, such as /ml (default: none)",
    )
    parser.add_argument("--brief", action="store_true", help="do not print the settings")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Serves until a signal stops it; returns the exit code."""
    from digits.cli.ports import check_port
    from digits.service.process.server import serve

    check_port(options.host, options.port, "the API", "digits serve --port {port}")
    stopped_in_order = serve(options.host, options.port, options.workers, options.root_path, brief=options.brief)
    return EXIT_OK if stopped_in_order else EXIT_FAILED
