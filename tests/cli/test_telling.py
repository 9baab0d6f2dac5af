"""What machines are told of a run, and that it costs the run next to nothing."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from orchestrator.cli.carry_out import follow
from orchestrator.cli.fleet_metrics import fleet_samples, write_fleet
from orchestrator.cli.fleet_status import fleet_status
from orchestrator.cli.main import run
from orchestrator.cli.telling import Besides, besides_of, spans_of, tell_end
from orchestrator.engine.journal import Entry, EntryKind
from orchestrator.engine.report import RunEnd
from orchestrator.errors import ExitCode
from orchestrator.fleet.unit import Unit
from orchestrator.notify.metrics import FLEET_FILE, RUN_FILE
from tests.build import CLIENT, SERVER, plan, unit_plan
from tests.cli.desk import Desk, order
from tests.notify.receiver import receiving
from tests.simulated import PRODUCTION, simulated

ROOT = Path(__file__).parent.parent.parent
END = RunEnd(run="r1", plan=plan(unit_plan(SERVER), unit_plan(CLIENT)))
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def step(at: float, name: str, state: str) -> Entry:
    return Entry(at=at, kind=EntryKind.STEP, step=name, body={"state": state})


ENTRIES = (
    Entry(at=1000.0, kind=EntryKind.OPENED, body={}),
    step(1001.0, f"remove {SERVER}", "started"),
    step(1004.0, f"remove {SERVER}", "done"),
    step(1004.0, f"deploy {SERVER}", "started"),
    step(1009.5, f"deploy {SERVER}", "done"),
    step(1010.0, f"remove {CLIENT}", "started"),
    step(1012.0, f"remove {CLIENT}", "failed"),
    Entry(at=1020.0, kind=EntryKind.CLOSED, body={}),
)


def values(file: Path) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(file.read_text())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_the_environment_says_who_is_told() -> None:
    assert besides_of(PRODUCTION, {}) == Besides()
    told = besides_of(
        PRODUCTION,
        {
            "DTDEPLOY_GRAFANA_URL": "http://me:pw@g",
            "DTDEPLOY_GRAFANA_TOKEN": "s3cret",
            "DTDEPLOY_METRICS_DIR": "/metrics",
            ENDPOINT: "http://otel",
        },
    )
    assert (told.grafana_url, told.grafana_token) == ("http://me:pw@g", "s3cret")
    assert (told.metrics, told.traces) == (Path("/metrics"), True)
    assert "s3cret" not in repr(told)
    assert "pw" not in repr(told)


def test_a_run_that_ended_is_told_in_metrics(tmp_path: Path) -> None:
    assert tell_end(Besides(metrics=tmp_path), END, ExitCode.UNHEALTHY, ENTRIES) == ()
    assert values(tmp_path / RUN_FILE) == {
        ("dtdeploy_run_end_timestamp_seconds", "restart"): 1020.0,
        ("dtdeploy_run_duration_seconds", "restart"): 20.0,
        ("dtdeploy_run_exit_code", "restart"): 21.0,
        ("dtdeploy_run_unfinished", "restart"): 0.0,
        ("dtdeploy_run_outage_seconds", "app", "home"): 8.5,
    }


def test_an_outage_is_drawn_into_grafana() -> None:
    with receiving() as receiver:
        besides = Besides(grafana_url=receiver.address, grafana_token="t")
        assert tell_end(besides, END, ExitCode.DONE, ENTRIES) == ()
    (body,) = receiver.messages
    assert (body["time"], body["timeEnd"]) == (1001000, 1009500)
    assert body["text"] == "dtdeploy restart, run r1: app@home 8.5 s"
    assert body["tags"] == ["dtdeploy", "restart", "home"]


def test_a_run_that_had_nothing_down_is_not_drawn() -> None:
    with receiving() as receiver:
        besides = Besides(grafana_url=receiver.address)
        assert tell_end(besides, END, ExitCode.DONE, ENTRIES[:1]) == ()
    assert receiver.messages == []


def test_steps_become_spans_and_those_that_failed_say_so() -> None:
    whole, steps = spans_of(END, ExitCode.UNHEALTHY, ENTRIES)
    assert (whole.began, whole.ended, whole.failed) == (1000.0, 1020.0, True)
    assert [(s.name, s.ended - s.began, s.failed) for s in steps] == [
        (f"remove {SERVER}", 3.0, False),
        (f"deploy {SERVER}", 5.5, False),
        (f"remove {CLIENT}", 2.0, True),
    ]


@pytest.mark.parametrize("manner", ["hang", 500, "close"])
def test_all_of_it_together_costs_less_than_two_seconds(
    manner: int | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving(manner) as receiver:
        monkeypatch.setenv(ENDPOINT, receiver.address)
        besides = Besides(grafana_url=receiver.address, metrics=tmp_path / "missing", traces=True)
        began = time.monotonic()
        untold = tell_end(besides, END, ExitCode.DONE, ENTRIES)
        took = time.monotonic() - began
    assert took < 2.0
    assert [words.split(":")[0] for words in untold] == ["metrics", "Grafana", "OpenTelemetry"]


def test_without_a_journal_nothing_is_told(tmp_path: Path) -> None:
    assert tell_end(Besides(metrics=tmp_path), END, ExitCode.DONE, ()) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_run_tells_at_its_end_and_says_what_it_could_not(tmp_path: Path) -> None:
    desk = Desk(shared=simulated(generation=2))
    with receiving(500) as receiver:
        besides = Besides(metrics=tmp_path, grafana_url=receiver.address)
        assert follow(replace(desk.world(), besides=besides), order()) is ExitCode.DONE
    assert "not told: Grafana: HTTP 500" in desk.said()
    told = values(tmp_path / RUN_FILE)
    assert told["dtdeploy_run_exit_code", "restart"] == 0.0
    assert told["dtdeploy_run_outage_seconds", "datatrail", "chime"] > 1.0


def test_the_fleet_is_told_in_metrics(tmp_path: Path) -> None:
    desk = Desk(shared=simulated())
    world = desk.world()
    fleet = fleet_status(world)
    assert write_fleet(tmp_path, world, fleet) == ""
    told = values(tmp_path / FLEET_FILE)
    assert told["dtdeploy_lock_held",] == 0.0
    assert told["dtdeploy_unit_healthy", "datatrail", "chime"] == 1.0
    assert told["dtdeploy_unit_tasks_running", "datatrail", "chime"] == 4.0
    assert told["dtdeploy_site_unreachable", "kko"] == 0.0
    ill = replace(fleet.rows[0], words=("one is lost",))
    changed = {s.labels: s.value for s in fleet_samples(replace(fleet, rows=(ill,)), 1.0)}
    assert changed["datatrail", "chime"] == 0.0
    assert "no metrics were written" in write_fleet(tmp_path / "missing", world, fleet)


def test_status_writes_metrics_where_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    words = ("--simulate", "scenarios/cut-site.yaml", "status", "--metrics", str(tmp_path))
    assert run(list(words)) == ExitCode.SITE_UNREACHABLE
    told = values(tmp_path / FLEET_FILE)
    (blind,) = [name for (metric, *name), value in told.items() if "site" in metric and value]
    assert Unit(stack="datatrail-client", site=blind[0]) in {s.unit for s in PRODUCTION.units}


@pytest.mark.parametrize(
    "besides", [Besides(metrics=Path("x")), Besides(grafana_url="x"), Besides(traces=True)]
)
def test_a_journal_is_read_again_for_somebody(besides: Besides) -> None:
    assert besides.anybody


@pytest.mark.parametrize("besides", [Besides(), Besides(grafana_token="x")])
def test_a_journal_is_not_read_again_for_nobody(besides: Besides) -> None:
    assert not besides.anybody
