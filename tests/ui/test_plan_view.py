from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Before, Command, Plan, Untouched
from orchestrator.ui.consoles import plain
from orchestrator.ui.json_lines import plan_line
from orchestrator.ui.json_values import plan_json
from orchestrator.ui.plan_markdown import plan_markdown
from orchestrator.ui.plan_rows import state_words
from orchestrator.ui.plan_view import plan_view, print_plan, render_plan
from tests.ui.golden import assert_golden
from tests.ui.runs import WITHOUT
from tests.ui.values import (
    CLIENTS,
    GONE,
    KKO,
    OLD,
    SERVER,
    SHA,
    healthy,
    plan_of,
    restart_all,
    unit_plan,
    with_secret,
)

SICK = Before(
    presence=Presence.PRESENT,
    verdict=Verdict.UNHEALTHY,
    running=2,
    expected=6,
    revision="mixed",
    words=("datatrail-client_replicator/1: failed 3 times: task: non-zero exit (3)", "another"),
)
UNSEEN = Before(presence=Presence.UNKNOWN, words=("gbo cannot be seen: timed out",))


def one_unit() -> Plan:
    return plan_of(
        unit_plan(KKO, before=healthy(6, OLD), reason="selected by --site kko"),
        selection="--site kko",
        untouched=(
            *(Untouched(name=str(u), reason="not selected (present now)") for u in CLIENTS[:2]),
            Untouched(name="hco", reason="planned: soon"),
        ),
    )


def twenty_five() -> Plan:
    clients = [Unit(stack="datatrail-client", site=f"site{number:02}") for number in range(24)]
    befores = [healthy(), SICK, GONE]
    return plan_of(
        unit_plan(SERVER, dependents=tuple(clients)),
        *(unit_plan(unit, before=befores[n % 3]) for n, unit in enumerate(clients)),
    )


def up_with_trouble() -> Plan:
    return plan_of(
        unit_plan(SERVER, Action.KEEP, before=healthy(5, SHA), reason="healthy already"),
        unit_plan(KKO, Action.UP, before=GONE),
        unit_plan(CLIENTS[3], Action.UP, before=UNSEEN, dangers=("cannot be seen now: timed out",)),
        unit_plan(CLIENTS[0], Action.UP, before=SICK),
        command=Command.UP,
        dangers=("stack datatrail-extra runs at gbo and no inventory line declares it",),
        unseen=("gbo: the manager does not answer",),
    )


def nothing_to_do() -> Plan:
    kept = unit_plan(SERVER, Action.KEEP, before=healthy(5, SHA), reason="healthy already")
    return plan_of(kept, command=Command.UP)


def down_server() -> Plan:
    return plan_of(
        unit_plan(SERVER, Action.DOWN, reason="selected by datatrail@chime", dependents=(KKO,)),
        unit_plan(KKO, Action.DOWN, reason="depends on datatrail@chime"),
        command=Command.DOWN,
        selection="datatrail@chime",
    )


PLANS = {
    "restart-all": restart_all(),
    "one-unit": one_unit(),
    "twenty-five": twenty_five(),
    "up-with-trouble": up_with_trouble(),
    "nothing-to-do": nothing_to_do(),
    "down-server": down_server(),
    "left-out": WITHOUT,
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", PLANS)
def test_plans_read_well(name: str, width: int) -> None:
    assert_golden(f"plan-{name}-{width}", render_plan(PLANS[name], width))


def test_all_of_a_unit_is_shown_when_asked_for() -> None:
    assert_golden("plan-one-unit-verbose-80", render_plan(one_unit(), 80, verbose=True))


def test_verbose_shows_every_command_of_every_unit() -> None:
    plan = restart_all()
    lines = render_plan(plan, 80, verbose=True)
    for item in plan.units:
        for command in item.commands:
            assert f"    $ {command}" in lines


def test_the_production_sites_fit_one_screen() -> None:
    lines = render_plan(restart_all(), 80)
    # Commands longer than the terminal take a second row there.
    rows = sum(1 + max(len(line) - 1, 0) // 80 for line in lines)
    assert rows <= 42


@given(st.sampled_from(sorted(PLANS)), st.integers(min_value=30, max_value=200))
def test_every_unit_is_named_whatever_the_width(name: str, width: int) -> None:
    text = "".join("".join(render_plan(PLANS[name], width)).split())
    for item in PLANS[name].units:
        assert f"@{item.unit.site}"[:20] in text


def test_the_price_is_the_second_line_and_what_goes_down_comes_next() -> None:
    lines = render_plan(restart_all(), 200)
    assert lines[1].startswith("RISK       datatrail@chime down for 14 s to 20 s")
    assert lines[2].startswith("GOES DOWN  datatrail@chime")
    assert render_plan(nothing_to_do())[1].split() == ["GOES", "DOWN", "nothing"]


def test_what_is_left_out_stands_above_the_order_of_things() -> None:
    lines = render_plan(WITHOUT)
    left = next(n for n, line in enumerate(lines) if line.startswith("LEFT OUT"))
    assert left < lines.index("ORDER")


def test_a_unit_that_is_gone_already_does_not_go_down() -> None:
    plan = plan_of(unit_plan(SERVER), unit_plan(KKO, before=GONE))
    assert render_plan(plan)[1] == "GOES DOWN  datatrail@chime"


def test_foreign_words_neither_steer_the_terminal_nor_leak() -> None:
    item = unit_plan(
        KKO,
        before=replace(SICK, words=(with_secret("words"),)),
        reason=with_secret("reason"),
        dangers=(with_secret("danger"),),
    )
    plan = plan_of(
        item,
        dangers=(with_secret("danger"),),
        unseen=(with_secret("unseen"),),
        untouched=(Untouched(name="hco", reason=with_secret("why")),),
    )
    for verbose in (False, True):
        out = StringIO()
        console = Console(file=out, width=200, force_terminal=True, color_system=None)
        print_plan(plan, console, verbose=verbose)
        assert "\x1b" not in out.getvalue()
        assert "hunter2" not in out.getvalue()
        assert "[bold]" in out.getvalue()


def test_colour_adds_nothing_but_colour() -> None:
    plain, coloured = StringIO(), StringIO()
    print_plan(restart_all(), Console(file=plain, width=100, force_terminal=False))
    console = Console(file=coloured, width=100, force_terminal=True, color_system="standard")
    print_plan(restart_all(), console)
    assert "\x1b[" in coloured.getvalue()
    stripped = "".join(
        part.split("m", 1)[-1] if index else part
        for index, part in enumerate(coloured.getvalue().split("\x1b["))
    )
    assert [line.rstrip() for line in stripped.splitlines()] == plain.getvalue().splitlines()


def test_a_unit_of_which_everything_has_finished_is_not_called_healthy() -> None:
    done = replace(healthy(0, SHA), running=0, expected=0, finished=("migrate",))
    assert state_words(done) == "finished"
    assert state_words(replace(done, expected=1, running=1)) == "1/1 healthy"


NO = Problem(
    code="deploy.refused",
    what="it was not deployed",
    exit_code=ExitCode.SAFETY_REFUSED,
    where=Where(site="kko", stack="datatrail-client"),
)


def test_what_a_run_would_be_refused_for_comes_before_all_else() -> None:
    plan, said = restart_all(), "datatrail-client@kko: it was not deployed [deploy.refused]"
    lines = plain(plan_view(plan, (NO,)), 200)
    assert lines[1].split(maxsplit=1) == ["REFUSED", said]
    assert any("**REFUSED**" in line for line in plan_markdown(plan, None, (NO,)))
    (refused,) = plan_line(plan, refused=(NO,))["refused"]
    assert refused["code"] == "deploy.refused"
    assert "REFUSED" not in "\n".join(render_plan(plan))


def test_an_update_that_leaves_a_service_without_a_task_is_no_nothing() -> None:
    item = replace(unit_plan(KKO), action=Action.UPDATE, gaps=("worker",))
    plan = plan_of(item)
    lines = render_plan(plan, 400)
    assert "GOES DOWN  nothing, but see GAP" in lines
    (gap,) = [line for line in lines if line.startswith("GAP")]
    assert "no task of worker runs" in gap
    assert "start-first" in gap
    assert any("**GAP**" in line for line in plan_markdown(plan))
    assert plan_json(plan)["units"][0]["gaps"] == ["worker"]
