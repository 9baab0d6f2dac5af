from io import StringIO

import pytest

from orchestrator.engine.events import RunWaits
from orchestrator.ui.ci import CiKind
from orchestrator.ui.consoles import open_console
from orchestrator.ui.phases import PhasedLines
from tests.ui.values import Clock, failing_run, restart_all


def written(kind: CiKind) -> list[str]:
    out = StringIO()
    listener = PhasedLines(open_console(out, {}), Clock(), kind)
    for event in failing_run(restart_all()):
        listener(event)
    listener.close()
    listener.close()
    return out.getvalue().splitlines()


def test_each_part_is_opened_and_closed_once() -> None:
    marks = [line for line in written(CiKind.GITHUB) if line.startswith("::")]
    assert marks == [
        "::group::Check the sites; nothing is changed",
        "::endgroup::",
        "::group::Ship files and pull images; what runs is not touched",
        "::endgroup::",
        "::group::Down and up",
        "::endgroup::",
    ]


def test_what_the_run_as_a_whole_waits_for_belongs_to_the_part_that_is_open() -> None:
    out = StringIO()
    listener = PhasedLines(open_console(out, {}), Clock(), CiKind.GITHUB)
    listener(failing_run(restart_all())[0])
    listener(RunWaits(at=1e6, waiting_for="the lock", seconds=20.0))
    assert out.getvalue().splitlines()[-1].endswith("waits: the lock, 20 s")
    listener.close()


@pytest.mark.parametrize("kind", [CiKind.GITHUB, CiKind.GITLAB])
def test_between_the_marks_stand_the_usual_lines(kind: CiKind) -> None:
    lines = [line for line in written(kind) if not line.startswith("::") and "section_" not in line]
    assert any("deploy datatrail-client@kko  FAILED after 4.0 s" in line for line in lines)
    assert len(lines) > 20
