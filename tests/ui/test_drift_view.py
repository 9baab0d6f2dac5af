import json
from dataclasses import replace

import pytest

from orchestrator.fleet.drift import Change, How
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.planning.differences import UnitDrift
from orchestrator.sources.span import Commit, Span
from orchestrator.ui.drift_view import FleetDrift, render_drift
from orchestrator.ui.json_lines import drift_line, plan_line
from orchestrator.ui.plan_view import render_plan
from tests.ui.golden import assert_golden
from tests.ui.values import CLIENTS, DAEMONS, OLD, SERVER, SHA, problem, restart_all, with_secret

NEW = Revision(repo="datatrail", sha=SHA)
MOVED = Change(
    service="server",
    kind="image",
    how=How.MOVED,
    item="chimefrb/datatrail:latest",
    now="aaaaaaaaaaaa",
    declared="bbbbbbbbbbbb",
)
SCALED = Change(service="poll", kind="replicas", how=How.CHANGED, now="5", declared="2")
HIDDEN = Change(service="poll", kind="environment", item="TOKEN", how=How.CHANGED, hidden=True)
CHANGES = (
    MOVED,
    SCALED,
    HIDDEN,
    Change(service="extra", kind="service", how=How.EXTRA),
    Change(service="", kind="network", item="datatrail_old", how=How.EXTRA),
)


def commit(number: int) -> Commit:
    return Commit(
        sha=f"{number:x}" * 40,
        subject=f"Change {number}",
        author="A Person",
        date=f"2026-11-{number:02}T10:00:00+01:00",
    )


SPAN = Span(
    old=Revision("datatrail", OLD), new=NEW, commits=tuple(map(commit, range(1, 6))), more=7
)


def unit(name: Unit, *changes: Change, **other: object) -> UnitDrift:
    base = UnitDrift(
        unit=name, presence=Presence.PRESENT, pinned=NEW, revision=SHA, changes=changes
    )
    return replace(base, **other)  # type: ignore[arg-type]  # keyword values are the caller's own


NONE = FleetDrift(units=(unit(SERVER), unit(DAEMONS)))
MUCH = FleetDrift(
    units=(
        unit(SERVER, *CHANGES, revision=OLD),
        unit(DAEMONS, revision=OLD),
        unit(CLIENTS[0], presence=Presence.GONE, revision=""),
        unit(CLIENTS[1], presence=Presence.UNKNOWN, revision=""),
        unit(CLIENTS[2], SCALED),
        unit(CLIENTS[3], revision=""),
    ),
    spans=(SPAN, Span(old=Revision("datatrail", OLD), new=NEW, told=False)),
    unreachable=(problem(evidence=("ssh: connect to host aux.kko port 22: timed out",)),),
)
RESTART = restart_all()
FLEETS = {"none": NONE, "much": MUCH}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", FLEETS)
def test_drift_reads_well(name: str, width: int) -> None:
    assert_golden(f"drift-{name}-{width}", render_drift(FLEETS[name], width))


def test_only_what_is_seen_is_counted() -> None:
    assert render_drift(NONE)[0] == "no drift: 2 units as declared"
    assert render_drift(MUCH)[0].startswith("3 of 5 units differ from what is declared, 1 cannot")
    assert (NONE.differs, MUCH.differs) == (False, True)


def test_a_plan_shows_what_changes_and_which_commits_come() -> None:
    units = tuple(
        replace(item, drift=CHANGES * 3 if item.unit == SERVER else (SCALED,))
        for item in RESTART.units
    )
    plan = replace(RESTART, units=units, spans=(SPAN, replace(SPAN, back=True, more=0)))
    assert_golden("plan-changes-100", render_plan(plan, 100))
    every = "\n".join(render_plan(plan, 200, verbose=True))
    assert all(str(change) in every for change in CHANGES)
    assert "Change 5" in every


def test_differences_and_commits_as_json() -> None:
    line = json.loads(json.dumps(drift_line(MUCH)))
    assert line["event"] == "drift"
    assert line["differs"] is True
    first = line["units"][0]
    assert (first["unit"], first["revision"], first["pinned"]["sha"]) == (str(SERVER), OLD, SHA)
    hidden = first["drift"][2]
    assert hidden == {
        "service": "poll",
        "kind": "environment",
        "item": "TOKEN",
        "how": "differs",
        "now": None,
        "declared": None,
        "hidden": True,
        "words": "poll: environment TOKEN differs (values hidden)",
    }
    assert line["spans"][0]["commits"][0]["subject"] == "Change 1"
    assert (line["spans"][0]["more"], line["spans"][1]["told"]) == (7, False)
    assert line["unreachable"][0]["where"]
    plan = replace(RESTART, units=(replace(RESTART.units[0], drift=(SCALED,)),), spans=(SPAN,))
    told = plan_line(plan)
    assert told["units"][0]["drift"][0]["words"] == "poll: replicas 5, declared 2"
    assert told["spans"][0]["old"] == OLD


def test_foreign_words_neither_steer_the_terminal_nor_leak() -> None:
    words = with_secret("label")
    change = Change(service="a", kind="hostname", how=How.CHANGED, now=words, declared=words)
    dirty = replace(commit(1), subject=words, author=words)
    fleet = FleetDrift(units=(unit(SERVER, change),), spans=(replace(SPAN, commits=(dirty,)),))
    for text in ("\n".join(render_drift(fleet, 300)), json.dumps(drift_line(fleet))):
        assert "\x1b" not in text
        assert "hunter2" not in text
