from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from orchestrator.procedures.hold import Hold, Holder, Phase
from orchestrator.ui.holding import (
    HeldRun,
    Life,
    Process,
    life_of,
    next_for,
    print_holding,
    render_holding,
)
from tests.ui.golden import assert_golden
from tests.ui.runs import HELD, NOW, RUN, held
from tests.ui.values import SERVER, with_secret


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", HELD)
def test_notices_read_well(name: str, width: int) -> None:
    assert_golden(f"lock-notice-{name}-{width}", render_holding(HELD[name], width))


@pytest.mark.parametrize(
    ("phase", "age", "process", "life"),
    [
        (Phase.STOPPED, 0.0, Process.ELSEWHERE, Life.STOPPED),
        (Phase.STOPPED, 900.0, Process.RUNS, Life.STOPPED),
        (Phase.REMOVING, 1.0, Process.GONE, Life.DEAD),
        (Phase.REMOVING, 900.0, Process.GONE, Life.DEAD),
        (Phase.REMOVING, 15.0, Process.ELSEWHERE, Life.ALIVE),
        (Phase.REMOVING, 15.1, Process.ELSEWHERE, Life.SILENT),
        (Phase.REMOVING, 15.1, Process.RUNS, Life.FROZEN),
        (Phase.REMOVING, 15.0, Process.RUNS, Life.ALIVE),
        (Phase.REMOVING, -10.0, Process.ELSEWHERE, Life.ALIVE),
        (Phase.REMOVING, -3600.0, Process.ELSEWHERE, Life.SILENT),
    ],
)
def test_who_is_at_a_run_is_judged_by_its_labels_our_clock_and_this_machine(
    phase: Phase, age: float, process: Process, life: Life
) -> None:
    hold = replace(held().hold, phase=phase, beat=NOW - age)
    assert life_of(hold, NOW, process) is life


@pytest.mark.parametrize(
    ("life", "command"),
    [
        (Life.ALIVE, ""),
        (Life.STOPPED, f"dtdeploy resume {RUN}"),
        (Life.DEAD, f"dtdeploy resume {RUN}"),
        (Life.FROZEN, f"kill -9 4711 && dtdeploy resume {RUN}"),
        (Life.SILENT, f"dtdeploy resume {RUN} --take-over"),
    ],
)
def test_what_to_type_follows_from_who_is_at_it(life: Life, command: str) -> None:
    assert next_for(held(life)) == command


def test_a_server_that_is_down_is_told_with_how_long() -> None:
    (line,) = [line for line in render_holding(held(), 100) if "down" in line]
    assert line.strip() == f"{SERVER} has been down for 3 min 12 s"


def test_labels_that_somebody_wrote_by_hand_neither_steer_the_terminal_nor_the_shell() -> None:
    holder = Holder(owner=with_secret("o"), host=with_secret("h"), pid=1, session="s")
    hold: Hold = replace(held().hold, run="x; reboot", words=with_secret("restart"), holder=holder)
    holding = HeldRun(hold=hold, life=Life.STOPPED, coordinator="chime", now=NOW)
    out = StringIO()
    print_holding(holding, Console(file=out, width=200, force_terminal=True, color_system=None))
    assert "\x1b" not in out.getvalue()
    assert "hunter2" not in out.getvalue()
    assert "resume 'x; reboot'" in out.getvalue()
