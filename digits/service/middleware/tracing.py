"""OpenTelemetry traces, by its own instrumentation; nothing of it is loaded unless it was set."""

import os

from starlette.types import ASGIApp

from digits.errors import MissingInstallError
from digits.installation import install_command

# Nobody wants a trace of each look at them.
_LEFT_OUT = "health/live,health/ready,metrics"


class Tracing:
    """Makes a trace of each request.

    Args:
        exporter: `console`, or `otlp`, which `OTEL_EXPORTER_OTLP_ENDPOINT` and the like configure.

    Raises:
        MissingInstallError: OpenTelemetry is not installed.
    """

    def __init__(self, exporter: str) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
        except ImportError as error:
            raise MissingInstallError(
                f"DIGITS_TRACES is {exporter}, for which OpenTelemetry is needed. "
                f"Install it with: {install_command('traces')}"
            ) from error
        chosen: SpanExporter = ConsoleSpanExporter() if exporter == "console" else OTLPSpanExporter()
        name = os.environ.get("OTEL_SERVICE_NAME", "digits")
        self._provider = TracerProvider(resource=Resource.create({"service.name": name}))
        self._provider.add_span_processor(BatchSpanProcessor(chosen))

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application, with a trace of each request."""
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

        traced: ASGIApp = OpenTelemetryMiddleware(
            app, excluded_urls=_LEFT_OUT, tracer_provider=self._provider, exclude_spans=["receive", "send"]
        )
        return traced

    def close(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()
