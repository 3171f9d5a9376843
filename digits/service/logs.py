"""The log: lines for people, or JSON for machines."""

import logging
import warnings
from typing import Any

from digits.service.request_context import CURRENT
from digits.service.settings import Settings

_JSON = "digits.service.logs.JsonLines"


class JsonLines(logging.Formatter):
    """A line of JSON for each record, with the request's id where there is one.

    The formatter proper is python-json-logger's, which is loaded when the first line is written.
    """

    def __init__(self) -> None:
        super().__init__()
        from pythonjsonlogger.json import JsonFormatter

        self._formatter = JsonFormatter(
            "%(message)s",
            rename_fields={"levelname": "level", "name": "logger"},
            reserved_attrs=[*_RESERVED, "color_message"],
            timestamp="time",
        )

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        record.level, record.logger, record.pid = record.levelname.lower(), record.name, record.process
        exchange = CURRENT.get()
        if exchange and not hasattr(record, "request_id"):
            record.request_id = exchange.request_id
        return self._formatter.format(record)


_RESERVED = (*vars(logging.makeLogRecord({})), "message", "asctime", "taskName")


def server_log_config(settings: Settings) -> dict[str, Any]:
    """The configuration of the log for a server that starts with it: its own first lines follow it, too."""
    formatter = {"()": _JSON} if settings.log_format == "json" else {"()": "uvicorn.logging.DefaultFormatter"}
    if settings.log_format == "text":
        formatter |= {"fmt": "%(asctime)s %(process)d %(levelprefix)s %(message)s"}
    level = settings.log_level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stdout"}},
        "loggers": {
            "uvicorn": {"handlers": ["out"], "level": level, "propagate": False},
            "digits": {"handlers": ["out"], "level": level, "propagate": False},
        },
    }


def configure(settings: Settings) -> None:
    """Sets the loggers of Digits up beside those of the server that runs it, which has set up its own.

    In place of the server's line for each request there is ours, which has more to say; none if the server was told
    to write none (`--no-access-log`).
    """
    # Pillow warns of each damaged tag in words of its own, and Python keeps each text: a file can have 100,000.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    server, ours = logging.getLogger("uvicorn"), logging.getLogger("digits")
    server_access, access = logging.getLogger("uvicorn.access"), logging.getLogger("digits.access")
    if settings.log_format == "json":
        for handler in {*server.handlers, *server_access.handlers}:
            handler.setFormatter(JsonLines())
    if not ours.handlers:
        ours.handlers = list(server.handlers)
        ours.propagate = not ours.handlers
    ours.setLevel(settings.log_level.upper())
    wanted = settings.access_log and server_access.hasHandlers()
    access.setLevel(logging.NOTSET if wanted else logging.WARNING)
    server_access.setLevel(logging.WARNING)
