"""The log: text for people, or JSON lines for machines."""

import logging
import sys
import warnings
from typing import Any

from digits.service.request_context import CURRENT
from digits.service.settings import Settings

_JSON = "digits.service.logs.JsonLines"
_OUTPUT = "digits.service.logs.Output"


class JsonLines(logging.Formatter):
    """Formats each record as a line of JSON, with the request's id if a request is being answered.

    It uses the formatter of python-json-logger.
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
        """Returns the record as one line."""
        record.level, record.logger, record.pid = record.levelname.lower(), record.name, record.process
        context = CURRENT.get()
        if context and not hasattr(record, "request_id"):
            record.request_id = context.request_id
        return self._formatter.format(record)


_RESERVED = (*vars(logging.makeLogRecord({})), "message", "asctime", "taskName")


class Output(logging.StreamHandler):  # type: ignore[type-arg] # Python cannot index it
    """Writes lines to a stream, and drops those that cannot be written, as on a full disk.

    Python's own handler prints a traceback for each of them, which fills what space there is.
    """

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name in logging
        """Called when a line could not be written."""
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)


def server_log_config(settings: Settings) -> dict[str, Any]:
    """Returns the logging configuration of a server, which its first lines already follow."""
    formatter = {"()": _JSON} if settings.log_format == "json" else {"()": "uvicorn.logging.DefaultFormatter"}
    if settings.log_format == "text":
        formatter |= {"fmt": "%(asctime)s %(process)d %(levelprefix)s %(message)s"}
    level = settings.log_level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"out": {"class": _OUTPUT, "formatter": "line", "stream": "ext://sys.stdout"}},
        "loggers": {
            "uvicorn": {"handlers": ["out"], "level": level, "propagate": False},
            "digits": {"handlers": ["out"], "level": level, "propagate": False},
        },
    }


def configure(settings: Settings) -> None:
    """Configures the loggers of Digits beside those that the server has configured.

    The access log of Digits, which says more, replaces the server's. If the server writes none (`--no-access-log`),
    Digits writes none either.
    """
    # Pillow warns of each damaged tag in a text of its own, and Python keeps each text: one file can cause 100,000.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    server, digits = logging.getLogger("uvicorn"), logging.getLogger("digits")
    server_access, access = logging.getLogger("uvicorn.access"), logging.getLogger("digits.access")
    if settings.log_format == "json":
        for handler in {*server.handlers, *server_access.handlers}:
            handler.setFormatter(JsonLines())
    if not digits.handlers:
        digits.handlers = list(server.handlers)
        digits.propagate = not digits.handlers
    digits.setLevel(settings.log_level.upper())
    wanted = settings.access_log and server_access.hasHandlers()
    access.setLevel(logging.NOTSET if wanted else logging.WARNING)
    server_access.setLevel(logging.WARNING)
