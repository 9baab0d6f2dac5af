from io import StringIO

import pytest
from rich.console import Console

from orchestrator.errors import ExitCode
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import SiteState
from orchestrator.ui.status_view import Fleet, StatusRow, print_status, render_status
from tests.ui.golden import assert_golden
from tests.ui.runs import HELD, NOW, OWED
from tests.ui.values import CLIENTS, DAEMONS, KKO, SERVER, SHA, problem, with_secret


def row(unit: Unit, **other: object) -> StatusRow:
    values: dict[str, object] = {
        "site_state": SiteState.ACTIVE,
        "presence": Presence.PRESENT,
        "verdict": Verdict.HEALTHY,
        "running": 6,
        "expected": 6,
        "revision": SHA,
    }
    return StatusRow(unit=unit, **(values | other))  # type: ignore[arg-type]  # keyword values are the caller's own


WELL = Fleet(
    rows=tuple(row(unit, newer_commits=0, since_seconds=352800.0) for unit in (SERVER, *CLIENTS)),
    planned=("hco",),
)
UNWELL = Fleet(
    rows=(
        row(SERVER, revision="", since_seconds=7.3),
        row(DAEMONS, newer_commits=3, since_seconds=4000.0),
        row(
            CLIENTS[0],
            verdict=Verdict.UNHEALTHY,
            running=2,
            revision="mixed",
            words=tuple(
                f"datatrail-client_s{n}/1: failed: task: non-zero exit (3)" for n in range(5)
            ),
        ),
        row(CLIENTS[1], site_state=SiteState.WATCHED),
        row(CLIENTS[2], presence=Presence.GONE, verdict=None, running=0, expected=0),
        row(
            CLIENTS[3],
            presence=Presence.UNKNOWN,
            verdict=None,
            words=("gbo cannot be seen: timed out",),
        ),
    ),
    undeclared=(Unit(stack="datatrail-extra", site="gbo"),),
    unreachable=(problem(evidence=("ssh: connect to host aux.kko port 22: timed out",)),),
    planned=("hco",),
)
OWING = Fleet(rows=(row(KKO, presence=Presence.GONE, verdict=None),), owed=OWED, now=NOW)
DRIFTED = Fleet(
    rows=(row(SERVER, newer_commits=3, differing=2), row(KKO, differing=0)),
    now=NOW,
    mirrors=(("datatrail", NOW - 9000.0), ("datatrail-admin", None)),
    missing=("datatrail-admin",),
    unread=(problem("source.compose-invalid", what="stacks/kko-client.yaml is no YAML"),),
    unfetched=(problem("source.fetch-failed", exit_code=ExitCode.SOURCE_FAILED),),
)
ASKING = Fleet(
    rows=(row(SERVER), StatusRow(unit=KKO, site_state=SiteState.ACTIVE, presence=Presence.UNKNOWN)),
    waiting=("kko",),
)
FLEETS = {
    "well": WELL,
    "unwell": UNWELL,
    "empty": Fleet(rows=()),
    "owing": OWING,
    "drifted": DRIFTED,
    "asking": ASKING,
    "held": Fleet(rows=(row(SERVER),), holding=HELD["stopped"], now=NOW),
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", FLEETS)
def test_a_fleet_reads_well(name: str, width: int) -> None:
    assert_golden(f"status-{name}-{width}", render_status(FLEETS[name], width))


def test_what_is_not_healthy_is_never_counted_as_such() -> None:
    assert render_status(WELL)[0] == "5 of 5 units healthy"
    assert render_status(UNWELL)[0] == "3 of 6 units healthy"


def test_units_that_are_unwell_for_the_same_reason_share_it() -> None:
    sick = [
        row(unit, verdict=Verdict.PENDING, words=("an update is under way",)) for unit in CLIENTS
    ]
    text = "\n".join(render_status(Fleet(rows=tuple(sick)), 120))
    assert text.count("an update is under way") == 1


def test_a_healthy_unit_that_lacks_something_is_told_of() -> None:
    lacking = Fleet(rows=(row(SERVER, words=("lacks autossh_kko",)),))
    assert "lacks autossh_kko" in "\n".join(render_status(lacking))


def test_a_narrow_terminal_still_gets_every_state() -> None:
    text = "\n".join(render_status(UNWELL, 44))
    for state in ("healthy", "unhealthy", "gone", "unknown"):
        assert state in text


def test_foreign_words_neither_steer_the_terminal_nor_leak() -> None:
    fleet = Fleet(
        rows=(row(SERVER, verdict=Verdict.PENDING, words=(with_secret("words"),)),),
        unreachable=(problem(evidence=(with_secret("said"),)),),
    )
    out = StringIO()
    print_status(fleet, Console(file=out, width=200, force_terminal=True, color_system=None))
    assert "\x1b" not in out.getvalue()
    assert "hunter2" not in out.getvalue()
    assert out.getvalue().count("[bold]") == 2


def next_of(fleet: Fleet) -> str:
    lines = [line for line in render_status(fleet) if line.startswith("NEXT")]
    return lines[0].removeprefix("NEXT  ") if lines else ""


GONE = {"presence": Presence.GONE, "verdict": None}


def test_what_is_down_is_to_be_brought_up() -> None:
    assert next_of(Fleet(rows=(row(SERVER), row(KKO, **GONE)))) == f"dtdeploy up {KKO}"
    unwell = row(DAEMONS, verdict=Verdict.UNHEALTHY)
    assert next_of(Fleet(rows=(unwell, row(KKO, **GONE)))) == f"dtdeploy up {DAEMONS} {KKO}"


def test_many_that_are_down_are_not_named_one_by_one() -> None:
    rows = tuple(row(unit, **GONE) for unit in (SERVER, *CLIENTS))
    assert next_of(Fleet(rows=rows)) == "dtdeploy up --all"


def test_what_is_well_watched_or_still_coming_needs_nobody() -> None:
    still = row(KKO, verdict=Verdict.PENDING)
    watched = row(CLIENTS[1], site_state=SiteState.WATCHED, **GONE)
    assert next_of(Fleet(rows=(row(SERVER), still, watched))) == ""


def test_what_cannot_be_seen_is_not_brought_up_blindly() -> None:
    assert next_of(Fleet(rows=(row(KKO, **GONE),), unreachable=(problem(),))) == ""
