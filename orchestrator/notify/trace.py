"""A run as an OpenTelemetry trace: a span for the run, one for each step.

Sent only where OTEL_EXPORTER_OTLP_ENDPOINT is set and the libraries are there: `dtdeploy[otel]`.
The SDK reads the other OTEL_ variables itself, headers with a token among them.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Something that took time; `began` and `ended` are seconds since 1970."""

    name: str
    began: float
    ended: float
    failed: bool = False
    attributes: tuple[tuple[str, str], ...] = ()


def send_trace(run: Span, steps: Iterable[Span], *, timeout_seconds: float) -> str:
    """Send a run and its steps to where the environment says.

    Returns:
        Why it was not sent, in words without the endpoint; "" when it was.

    """
    try:
        from opentelemetry import trace  # noqa: PLC0415 - optional
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - optional
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - optional
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - optional
        from opentelemetry.sdk.trace.export import (  # noqa: PLC0415 - optional
            SimpleSpanProcessor,
            SpanExportResult,
        )
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: PLC0415 - optional
            InMemorySpanExporter,
        )
    except ImportError:
        return "OpenTelemetry: its libraries are not installed (dtdeploy[otel])"
    # It would write its failures to stderr, the endpoint included.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
    made = InMemorySpanExporter()
    resource = Resource.create({"service.name": "dtdeploy"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(made))
    tracer = provider.get_tracer("dtdeploy")

    def span(one: Span, parent: trace.Span | None = None) -> trace.Span:
        started = tracer.start_span(
            one.name,
            context=trace.set_span_in_context(parent) if parent else None,
            start_time=round(one.began * _NANO),
            attributes=dict(one.attributes),
        )
        if one.failed:
            started.set_status(trace.StatusCode.ERROR)
        return started

    whole = span(run)
    for step in steps:
        span(step, whole).end(round(step.ended * _NANO))
    whole.end(round(run.ended * _NANO))
    exporter = OTLPSpanExporter(timeout=timeout_seconds)
    sent = exporter.export(made.get_finished_spans())
    return "" if sent is SpanExportResult.SUCCESS else "OpenTelemetry: the trace was not taken"
