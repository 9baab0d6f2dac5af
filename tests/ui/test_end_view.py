from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from orchestrator.engine.report import RunEnd
from orchestrator.engine.schedule import State
from orchestrator.errors import ExitCode
from orchestrator.ui.end_view import next_commands, owed_units, print_end, render_end
from orchestrator.ui.json_lines import end_line
from tests.ui.golden import assert_golden
from tests.ui.runs import BROKEN, CODES, ENDS, GBO, PLAN, RUN, STOPPED, WITHOUT
from tests.ui.values import KKO, problem, report_of

RESUME, ROLLBACK = f"dtdeploy resume {RUN}", f"dtdeploy rollback {RUN}"
LOCK_LOST = replace(STOPPED, beyond=(problem("lock.lost", exit_code=ExitCode.LOCK_HELD),))
UNTOUCHED = report_of(
    WITHOUT,
    {step.id: State.SKIPPED for step in WITHOUT.steps} | {"examine kko": State.FAILED},
    {"examine kko": (problem(),)},
)


HELD = problem("lock.held")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ENDS)
def test_ends_read_well(name: str, width: int) -> None:
    assert_golden(f"end-{name}-{width}", render_end(ENDS[name], width))


@pytest.mark.parametrize(
    ("end", "commands"),
    [
        (ENDS["done"], ()),
        (ENDS["kept"], (RESUME, ROLLBACK)),
        (ENDS["owing"], ("dtdeploy up --owed", ROLLBACK)),
        (replace(ENDS["owing"], report=None), ("dtdeploy up --owed",)),
        (ENDS["left-out"], ("dtdeploy up --owed",)),
        (ENDS["restored"], ()),
        (ENDS["not-restored"], (RESUME,)),
        (RunEnd(run=RUN, plan=PLAN, problems=(replace(HELD, fix="dtdeploy lock"),)), ()),
        (RunEnd(run=RUN, plan=PLAN, problems=(HELD,)), ("dtdeploy restart --all",)),
        (RunEnd(run=RUN, plan=PLAN, report=LOCK_LOST), ("dtdeploy lock",)),
        (RunEnd(run=RUN, plan=WITHOUT, report=UNTOUCHED), None),
    ],
)
def test_what_to_type_leads_on_from_how_it_ended(
    end: RunEnd, commands: tuple[str, ...] | None
) -> None:
    again = (f"dtdeploy restart {WITHOUT.selection} --because 'its link is down'",)
    assert next_commands(end) == (again if commands is None else commands)


def test_who_lost_the_lock_tells_what_it_saw_last_as_that() -> None:
    lines = render_end(RunEnd(run=RUN, plan=PLAN, report=LOCK_LOST))
    assert lines[0].startswith("LOCK LOST")
    assert "WHAT STOOD WHEN THE LOCK WAS LOST" in lines
    assert lines[-1] == "NEXT  dtdeploy lock"


def test_what_was_left_out_is_owed_only_once_something_was_touched() -> None:
    assert set(owed_units(ENDS["left-out"])) == {GBO}
    assert owed_units(RunEnd(run=RUN, plan=WITHOUT, report=UNTOUCHED)) == {}


@pytest.mark.parametrize("name", ENDS)
def test_a_machine_is_told_the_same(name: str) -> None:
    end = ENDS[name]
    line = end_line(end, CODES[name])
    assert (line["run"], line["exit_code"]) == (RUN, CODES[name].value)
    assert line["kept"] is end.kept
    assert [unit["unit"] for unit in line["owed"]] == [str(unit) for unit in owed_units(end)]
    assert (line["restored"] is None) == (end.restored is None)
    said = [line["next"], *line["or_else"]] if line["next"] else []
    assert said == list(next_commands(end))


def test_a_run_that_did_not_begin_ends_with_a_line_too() -> None:
    end = RunEnd(run=RUN, plan=PLAN, problems=(problem("lock.held"),))
    line = end_line(end, ExitCode.LOCK_HELD)
    assert (line["event"], line["steps"], line["seconds"]) == ("run_ended", [], None)
    assert [p["code"] for p in line["problems"]] == ["lock.held"]


def test_it_is_printed_as_it_is_rendered() -> None:
    out = StringIO()
    print_end(ENDS["kept"], Console(file=out, width=80))
    assert out.getvalue().splitlines() == render_end(ENDS["kept"], 80)
    assert str(KKO.site) in out.getvalue()


def test_where_a_unit_did_not_stay_well_the_way_back_is_offered_too() -> None:
    end = RunEnd(run=RUN, plan=PLAN, report=BROKEN)
    commands = next_commands(end)
    assert commands[0].startswith("dtdeploy up ")
    assert commands[1:] == (ROLLBACK,)
