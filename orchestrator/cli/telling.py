"""After a run: metrics, a mark in Grafana, a trace. Where nothing is set, nothing is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from orchestrator.engine.journal import Entry, EntryKind
from orchestrator.engine.past import outage_windows
from orchestrator.engine.report import RunEnd
from orchestrator.errors import ExitCode, JournalError
from orchestrator.inventory.model import Inventory
from orchestrator.notify.besides import Teller, tell_besides
from orchestrator.notify.grafana import annotate
from orchestrator.notify.metrics import RUN_FILE, Sample, write_metrics
from orchestrator.notify.trace import Span, send_trace

_REQUEST_SECONDS = 1.5
_TRACE = "OTEL_EXPORTER_OTLP_ENDPOINT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Besides:
    """Who is told besides people: empty where a variable is not set. None of it is ever shown."""

    grafana_url: str = field(default="", repr=False)
    grafana_token: str = field(default="", repr=False)
    metrics: Path | None = None
    traces: bool = False

    @property
    def anybody(self) -> bool:
        """Whether there is anybody to tell: else nothing has to be read for it."""
        return bool(self.metrics or self.grafana_url or self.traces)


def besides_of(inventory: Inventory, environment: Mapping[str, str]) -> Besides:
    """Return whom the environment names, in the variables that the inventory names."""
    folder = environment.get(inventory.metrics, "")
    return Besides(
        grafana_url=environment.get(inventory.grafana_url, ""),
        grafana_token=environment.get(inventory.grafana_token, ""),
        metrics=Path(folder) if folder else None,
        traces=bool(environment.get(_TRACE)),
    )


def tell_end(
    besides: Besides, end: RunEnd, code: ExitCode, entries: tuple[Entry, ...]
) -> tuple[str, ...]:
    """Tell how a run ended, as its journal says, within two seconds.

    Returns:
        What was not told and why, a line each.

    """
    if not entries:
        return ()
    tellers: dict[str, Teller] = {}
    if besides.metrics is not None:
        tellers["metrics"] = partial(_metrics, besides.metrics, end, code, entries)
    if besides.grafana_url:
        tellers["Grafana"] = partial(_grafana, besides, end, entries)
    if besides.traces:
        tellers["OpenTelemetry"] = partial(_trace, end, code, entries)
    return tell_besides(tellers)


def run_samples(end: RunEnd, code: ExitCode, entries: tuple[Entry, ...]) -> tuple[Sample, ...]:
    """Return the metrics of a run that ended."""
    command = (end.plan.command.value,)
    began, ended = entries[0].at, entries[-1].at
    return (
        Sample(metric="dtdeploy_run_end_timestamp_seconds", value=ended, labels=command),
        Sample(metric="dtdeploy_run_duration_seconds", value=ended - began, labels=command),
        Sample(metric="dtdeploy_run_exit_code", value=float(code), labels=command),
        Sample(metric="dtdeploy_run_unfinished", value=float(end.kept), labels=command),
        *(
            Sample(
                metric="dtdeploy_run_outage_seconds",
                value=up - down,
                labels=(unit.stack, unit.site),
            )
            for unit, down, up in outage_windows(end.plan, entries)
        ),
    )


def spans_of(
    end: RunEnd, code: ExitCode, entries: tuple[Entry, ...]
) -> tuple[Span, tuple[Span, ...]]:
    """Return a run and its steps as spans; of steps those whose begin and end are known."""
    begun: dict[str, float] = {}
    steps: list[Span] = []
    for entry in entries:
        state = entry.body.get("state") if entry.kind is EntryKind.STEP else None
        if state == "started":
            begun[entry.step] = entry.at
        elif entry.step in begun and state in ("done", "failed", "stopped"):
            steps.append(
                Span(
                    name=entry.step,
                    began=begun.pop(entry.step),
                    ended=entry.at,
                    failed=state != "done",
                )
            )
    whole = Span(
        name=f"dtdeploy {end.plan.command.value}",
        began=entries[0].at,
        ended=entries[-1].at,
        failed=code is not ExitCode.DONE,
        attributes=(("dtdeploy.run", end.run), ("dtdeploy.exit_code", str(int(code)))),
    )
    return whole, tuple(steps)


def read_entries(read: "partial[tuple[Entry, ...]]") -> tuple[Entry, ...]:
    """Return the entries of a journal, none where it cannot be read: it was told of before."""
    try:
        return read()
    except JournalError:
        return ()


def _metrics(folder: Path, end: RunEnd, code: ExitCode, entries: tuple[Entry, ...]) -> str:
    try:
        write_metrics(folder, RUN_FILE, run_samples(end, code, entries))
    except OSError as error:
        return f"metrics: {error.strerror or type(error).__name__}"
    return ""


def _grafana(besides: Besides, end: RunEnd, entries: tuple[Entry, ...]) -> str:
    windows = tuple(outage_windows(end.plan, entries))
    if not windows:
        return ""
    units = ", ".join(f"{unit} {up - down:.1f} s" for unit, down, up in windows[:10])
    return annotate(
        besides.grafana_url,
        besides.grafana_token,
        began=min(down for _, down, _ in windows),
        ended=max(up for _, _, up in windows),
        text=f"dtdeploy {end.plan.command.value}, run {end.run}: {units}",
        tags=[end.plan.command.value, *sorted({unit.site for unit, _, _ in windows})],
        timeout_seconds=_REQUEST_SECONDS,
    )


def _trace(end: RunEnd, code: ExitCode, entries: tuple[Entry, ...]) -> str:
    run, steps = spans_of(end, code, entries)
    return send_trace(run, steps, timeout_seconds=_REQUEST_SECONDS)
