import sys
import time

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from orchestrator.notify.trace import Span, send_trace
from tests.notify.receiver import nobody_listens, receiving

RUN = Span(
    name="dtdeploy restart",
    began=1000.0,
    ended=1040.5,
    attributes=(("dtdeploy.run", "r1"),),
)
STEPS = (
    Span(name="remove app@home", began=1001.0, ended=1007.0),
    Span(name="deploy app@home", began=1007.0, ended=1011.0, failed=True),
)


def sent(monkeypatch: pytest.MonkeyPatch, address: str, seconds: float = 1.0) -> str:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    return send_trace(RUN, STEPS, timeout_seconds=seconds)


def test_a_run_is_one_trace_with_a_span_for_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        assert sent(monkeypatch, receiver.address) == ""
    assert receiver.paths == ["/v1/traces"]
    request = ExportTraceServiceRequest.FromString(receiver.bodies[0])
    spans = {span.name: span for span in request.resource_spans[0].scope_spans[0].spans}
    whole = spans[RUN.name]
    assert whole.start_time_unix_nano == 1000 * 10**9
    assert whole.end_time_unix_nano == 1_040_500_000_000
    for step in STEPS:
        assert spans[step.name].parent_span_id == whole.span_id
        assert (spans[step.name].status.code == 2) is step.failed


@pytest.mark.parametrize("manner", [500, "close", "hang"])
def test_what_is_not_taken_is_said_in_time_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], manner: int | str
) -> None:
    with receiving(manner) as receiver:
        began = time.monotonic()
        words = sent(monkeypatch, receiver.address, 0.5)
        assert time.monotonic() - began < 2.0
    assert words == "OpenTelemetry: the trace was not taken"
    assert capfd.readouterr().err == ""


def test_where_nobody_listens_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    words = sent(monkeypatch, f"http://127.0.0.1:{nobody_listens()}", 0.5)
    assert words == "OpenTelemetry: the trace was not taken"


def test_without_the_libraries_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert "dtdeploy[otel]" in send_trace(RUN, (), timeout_seconds=0.1)
