from io import StringIO

import pytest
from rich.console import Console

from orchestrator.ui.json_lines import lock_line
from orchestrator.ui.json_values import state_json
from orchestrator.ui.lock_view import RunState, print_lock, print_state, render_lock, render_state
from tests.ui.golden import assert_golden
from tests.ui.runs import HALF_WAY, HELD, RUN


@pytest.mark.parametrize("width", [80, 120])
def test_an_unfinished_run_reads_well(width: int) -> None:
    assert_golden(f"lock-{width}", render_lock(HELD["stopped"], HALF_WAY, width))


def test_what_cannot_be_told_is_said_to_be() -> None:
    state = RunState(remarks=("another version of dtdeploy wrote it",))
    assert render_state(state) == ["NOTE  another version of dtdeploy wrote it"]


def test_it_is_printed_as_it_is_rendered() -> None:
    out = StringIO()
    print_lock(HELD["stopped"], HALF_WAY, Console(file=out, width=80))
    assert out.getvalue().splitlines() == render_lock(HELD["stopped"], HALF_WAY, 80)
    out = StringIO()
    print_state(HALF_WAY, Console(file=out, width=80))
    assert out.getvalue().splitlines() == render_state(HALF_WAY, 80)


def test_a_machine_is_told_the_same() -> None:
    line = lock_line(HELD["silent"]) | state_json(HALF_WAY)
    assert line["held"] is True
    assert line["next"] == f"dtdeploy resume {RUN} --take-over"
    assert line["life"] == "silent"
    assert line["down"][0]["seconds"] == 192.0
    assert (line["steps_done"], line["steps"]) == (17, 26)
    assert {unit["mark"] for unit in line["units"]} == {"done", "not done", "unknown"}
