from orchestrator.engine.report import RunEnd, RunReport, StepReport
from orchestrator.engine.schedule import State
from orchestrator.errors import ExitCode, Problem
from orchestrator.planning.plan import Step, StepKind
from tests.build import plan

SICK = Problem(code="deploy.unhealthy", what="", exit_code=ExitCode.UNHEALTHY)
LOST = Problem(code="lock.lost", what="", exit_code=ExitCode.LOCK_HELD)
REFUSED = Problem(code="removal.refused", what="", exit_code=ExitCode.SAFETY_REFUSED)


def report(
    *problems: Problem, interrupted: bool = False, beyond: tuple[Problem, ...] = ()
) -> RunReport:
    state = State.FAILED if problems else State.STOPPED if interrupted else State.DONE
    step = StepReport(
        step=Step(id="a", kind=StepKind.GATE, site="home"), state=state, problems=problems
    )
    return RunReport(
        steps=(step, step), began=0.0, ended=1.0, interrupted=interrupted, beyond=beyond
    )


def end(**about: object) -> RunEnd:
    return RunEnd(run="r1", plan=plan(), **about)  # type: ignore[arg-type]  # by name


def test_a_run_ends_in_the_code_of_its_worst_problem() -> None:
    assert report().exit_code is ExitCode.DONE
    assert report(SICK).exit_code is ExitCode.UNHEALTHY
    assert report(interrupted=True).exit_code is ExitCode.INTERRUPTED
    assert report(SICK, interrupted=True).exit_code is ExitCode.UNHEALTHY


def test_a_lost_lock_outweighs_an_answer_that_was_lost_meanwhile() -> None:
    unknown = Problem(code="answer.lost", what="", exit_code=ExitCode.OUTCOME_UNKNOWN)
    assert report(unknown, beyond=(LOST,)).exit_code is ExitCode.LOCK_HELD
    assert report(unknown, SICK).exit_code is ExitCode.OUTCOME_UNKNOWN


def test_problems_of_the_run_come_first_and_none_twice() -> None:
    assert report(SICK, beyond=(LOST,)).problems == (LOST, SICK)


def test_it_is_finished_when_each_step_is_done() -> None:
    assert report().finished
    assert not report(SICK).finished
    assert not report(interrupted=True).finished


def test_an_end_without_a_report_is_that_of_its_problems() -> None:
    assert end().exit_code is ExitCode.DONE
    assert end(problems=(LOST,)).exit_code is ExitCode.LOCK_HELD


def test_an_end_has_the_code_of_its_report() -> None:
    assert end(report=report()).exit_code is ExitCode.DONE
    assert end(report=report(SICK)).exit_code is ExitCode.UNHEALTHY
    assert end(report=report(interrupted=True)).exit_code is ExitCode.INTERRUPTED
    assert end(report=report(REFUSED, interrupted=True)).exit_code is ExitCode.SAFETY_REFUSED


def test_having_restored_all_of_it_has_a_code_of_its_own() -> None:
    assert end(report=report(SICK), restored=report()).exit_code is ExitCode.RESTORED


def test_having_restored_a_part_of_it_has_not() -> None:
    half = end(report=report(SICK), restored=report(REFUSED))
    assert half.exit_code in (ExitCode.UNHEALTHY, ExitCode.SAFETY_REFUSED)
    assert end(restored=report(), problems=(REFUSED,)).exit_code is ExitCode.SAFETY_REFUSED
    assert end(restored=report(interrupted=True)).exit_code is ExitCode.INTERRUPTED
