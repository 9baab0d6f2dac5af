"""Restart all of Datatrail on real Swarms, seen by a witness that is not dtdeploy."""

import json
import signal
from pathlib import Path

import pytest

from lab import faults, hosts
from lab.processes import wait_until
from lab.witness import records
from tests.lab.conftest import DEEP, PRODUCTION, Operator
from tests.lab.reports import outage_said, outage_seen, outage_told, report_of
from tests.lab.screen_reader import offers

pytestmark = pytest.mark.lab

MANAGERS = ("frb-vsop.chime", "outrigger_buffer.chime", "aux.kko", "aux.gbo")


def containers() -> set[str]:
    """Every running container of a stack, by id, on every node of the production sites."""
    nodes = (*MANAGERS, "kko-w1")
    listed = [hosts.docker(node, "ps", "-q", "--no-trunc") for node in nodes]
    return {line for out in listed for line in out.stdout.split()}


def test_from_nothing_to_everything_and_restarts(operator: Operator) -> None:
    """The production inventory, as it is, with every service that the handbook lists."""
    operator.inventory = PRODUCTION
    faults.pristine(few=False)
    assert operator.types("down", "--all", "--yes").code == 0
    assert containers() == set()
    first = operator.types("up", "--all", "--yes")
    assert first.code == 0, first
    before = containers()
    for _ in range(3 if DEEP else 1):
        done = operator.types("restart", "--all", "--yes")
        assert done.code == 0, done
        now = containers()
        assert len(now) == len(before)
        assert not now & before
        before = now
    assert operator.violations() == []
    report = report_of(done)
    told = outage_told(report)
    assert told == pytest.approx(outage_said(done), abs=0.6)
    seen = outage_seen(operator.since)
    assert seen < told < seen + 8, seen
    assert {row["bars"][-1]["phase"] for row in report["timeline"]} == {"stable"}
    shown = operator.types("--json", "status")
    assert shown.code == 0, shown
    units = json.loads(shown.out.splitlines()[0])["units"]
    assert all(len(unit["revision"]) == 40 for unit in units)
    operator.begin()
    again = operator.types("up", "--all", "--yes")
    assert again.code == 0, again
    assert operator.touched() == []


def test_one_site_alone(operator: Operator) -> None:
    done = operator.types("restart", "--site", "kko", "--yes")
    assert done.code == 0, done
    assert {words.split()[0] for words in operator.touched()} == {"aux.kko"}
    assert operator.violations() == []


@pytest.mark.parametrize(
    "words",
    [
        ("restart", "--stack", "datatrail"),
        pytest.param(
            ("down", "datatrail@chime"),
            marks=pytest.mark.skipif(not DEEP, reason="drags in the same: scripts/test --deep"),
        ),
    ],
)
def test_the_server_drags_in_all_that_depends_on_it_and_says_so(
    operator: Operator, words: tuple[str, ...]
) -> None:
    shown = operator.types(*words, "--dry-run")
    assert shown.code == 0
    assert "depends on datatrail@chime" in shown.out
    assert operator.touched() == []
    done = operator.types(*words, "--yes")
    assert done.code == 0, done
    removed = {e.stack for e in records.services("remove", since=operator.since)}
    assert removed == {"datatrail", "datatrail-daemons", "datatrail-client"}
    assert operator.violations() == []


@pytest.mark.skipif(not DEEP, reason="the other tests restart four: scripts/test --deep")
def test_five_sites(operator: Operator, everywhere: Path) -> None:
    five = Operator(everywhere)
    assert five.types("up", "--all", "--yes").code == 0
    done = five.types("restart", "--all", "--yes")
    assert done.code == 0, done
    assert five.violations() == []
    assert five.types("down", "--site", "hco", "--yes").code == 0
    assert operator.types("status").code == 0


def test_ctrl_c_starts_nothing_more_and_says_what_stands(operator: Operator) -> None:
    running = operator.starts("restart", "--all", "--yes")
    _until_a_service_is_removed(operator)
    running.send(signal.SIGINT)
    done = running.ends(seconds=60)
    assert done.code == 30, done
    assert "stopping: no new step starts" in done.err
    assert offers(done.err, "resume")
    server = records.service_removed("datatrail_server", since=operator.since)
    assert server == []
    gone_on = operator.types("resume", "--yes")
    assert gone_on.code == 0, gone_on
    assert operator.violations() == []


def _until_a_service_is_removed(operator: Operator) -> None:
    wait_until(
        lambda: bool(records.services("remove", since=operator.since)),
        seconds=60,
        what="the first removal",
    )
