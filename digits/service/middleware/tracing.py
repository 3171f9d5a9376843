"""OpenTelemetry traces, made by its own ASGI instrumentation. It is imported only if traces are on."""

import os

from starlette.types import ASGIApp

from digits.errors import MissingInstallError
from digits.installation import install_command

# Probes and scrapes would fill the traces.
_LEFT_OUT = "health/live,health/ready,metrics"


class Tracing:
    """Traces each request.

    Args:
        exporter: `console`, or `otlp`, which OpenTelemetry's own variables configure.

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
        """Returns the application, with a trace of each request."""
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

        traced: ASGIApp = OpenTelemetryMiddleware(
            app, excluded_urls=_LEFT_OUT, tracer_provider=self._provider, exclude_spans=["receive", "send"]
        )
        return traced

    def close(self) -> None:
        """Sends the traces that have not been sent yet."""
        self._provider.shutdown()
