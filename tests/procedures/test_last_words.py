import pytest

from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.logs import LogLine
from orchestrator.fleet.observed import Look, Sight, Task, TaskState
from orchestrator.procedures.asking import ask_observe, ask_sleep
from orchestrator.procedures.effects import (
    Done,
    Effect,
    Failed,
    Outcome,
    Procedure,
    ReadLogs,
    Written,
)
from orchestrator.procedures.last_words import add_last_words, failing_tasks, with_last_words
from tests.build import CLIENT, service, sight, task, unseen
from tests.drive import drive

SERVICE = "app-client_web"
UNHEALTHY = Problem(
    code="deploy.unhealthy",
    what="not well",
    exit_code=ExitCode.UNHEALTHY,
    where=Where(site="far", stack="app-client", service=SERVICE),
)
OTHER = Problem(
    code="deploy.failed", what="no", exit_code=ExitCode.UNHEALTHY, where=Where(site="far")
)


def looping(*more: Task) -> Sight:
    return sight(
        services=(service(), service("idle")),
        tasks=(
            task(state=TaskState.FAILED, number=1),
            task(state=TaskState.FAILED, number=2),
            task(state=TaskState.READY, number=3),
            *more,
        ),
    )


def line(at: int, number: int = 1, text: str = "", name: str = "web") -> LogLine:
    return LogLine(
        at=at,
        unit=CLIENT,
        service=name,
        slot="1",
        task=f"task-app-client-{name}-{number}",
        text=text or f"line {at}",
    )


def told(*lines: LogLine, problem: Problem = UNHEALTHY, look: Look | None = None) -> Problem:
    asking = add_last_words(problem, look or looping())
    assert isinstance(next(asking), ReadLogs)
    with pytest.raises(StopIteration) as end:
        asking.send(Written(lines=lines))
    assert isinstance(end.value.value, Problem)
    return end.value.value


def test_the_failing_task_that_wrote_last_is_heard_in_the_order_of_time() -> None:
    words = told(line(5, 2, "second"), line(1, 1, "old"), line(4, 2, "first")).last_words
    assert words == ("web.1: first", "web.1: second")


def test_a_task_that_is_not_failing_is_not_heard() -> None:
    assert told(line(9, 3, "the next one starts"), line(1)).last_words == ("web.1: line 1",)


def test_no_more_than_ten_lines_none_of_them_long() -> None:
    words = told(*(line(at) for at in range(1, 31)), line(31, text="x" * 5000)).last_words
    assert len(words) == 10
    assert words[0] == "web.1: line 22"
    assert max(map(len, words)) < 320


def test_a_task_without_a_slot_goes_by_its_service() -> None:
    nowhere = LogLine(at=1, unit=CLIENT, service="web", task="task-app-client-web-1", text="x")
    assert told(nowhere).last_words == ("web: x",)


@pytest.mark.parametrize(
    ("problem", "look"),
    [(OTHER, looping()), (UNHEALTHY, unseen()), (UNHEALTHY, sight()), (UNHEALTHY, None)],
)
def test_where_nobody_can_be_heard_nothing_is_asked(problem: Problem, look: Look | None) -> None:
    with pytest.raises(StopIteration) as end:
        next(add_last_words(problem, look))
    assert end.value.value == problem


def test_what_cannot_be_read_changes_nothing() -> None:
    assert told() == UNHEALTHY


def test_at_most_two_services_are_asked_for_their_newest_lines() -> None:
    names = ("a", "b", "c")
    look = sight(
        services=tuple(service(name) for name in names),
        tasks=tuple(task(name, state=TaskState.FAILED) for name in names),
    )
    anywhere = Problem(
        code="run.broke-later",
        what="x",
        exit_code=ExitCode.UNHEALTHY,
        where=Where(site="far", stack="app-client"),
    )
    effect = next(add_last_words(anywhere, look))
    assert isinstance(effect, ReadLogs)
    assert [(query.service, query.tail) for query in effect.queries] == [("a", 10), ("b", 10)]
    assert told(line(1, name="b"), problem=anywhere, look=look).last_words == ("b.1: line 1",)


class TestWhoseWordsMatter:
    def states(self, *states: TaskState, service_name: str = SERVICE) -> list[TaskState]:
        look = sight(
            services=(service(), service("idle")),
            tasks=(
                *(task(state=state, number=number) for number, state in enumerate(states)),
                task(state=TaskState.FAILED, number=90, up_to_date=False),
                task("idle", state=TaskState.FAILED),
            ),
        )
        return [task.state for task in failing_tasks(look, CLIENT, service_name)]

    def test_those_that_ended(self) -> None:
        ended = [TaskState.FAILED, TaskState.COMPLETE]
        assert self.states(*ended, TaskState.RUNNING, TaskState.STARTING) == ended

    def test_those_whose_health_check_has_not_passed(self) -> None:
        assert self.states(TaskState.RUNNING, TaskState.STARTING) == [TaskState.STARTING]

    def test_all_that_run_where_a_probe_fails(self) -> None:
        assert self.states(TaskState.RUNNING, TaskState.READY) == [TaskState.RUNNING]

    def test_none_that_never_started(self) -> None:
        assert self.states(TaskState.REJECTED, TaskState.PENDING) == []

    def test_of_every_service_where_none_is_named(self) -> None:
        assert len(self.states(TaskState.FAILED, service_name="")) == 2


class TestAroundAProcedure:
    def ends(self, outcome: Outcome) -> tuple[Outcome, list[Effect]]:
        def procedure() -> Procedure:
            yield from ask_observe("far")
            yield from ask_sleep(1)
            return outcome

        driven = drive(
            with_last_words(procedure()),
            lambda _site, _now: looping(),
            lambda _effect, _now: Written(lines=(line(1, text="no configuration"),)),
        )
        return driven.outcome, driven.effects

    def test_what_it_failed_of_is_told_with_the_last_words(self) -> None:
        outcome, effects = self.ends(Failed(problems=(OTHER, UNHEALTHY)))
        assert isinstance(outcome, Failed)
        assert [problem.last_words for problem in outcome.problems] == [
            (),
            ("web.1: no configuration",),
        ]
        assert len(effects) == 1

    def test_what_ended_well_asks_for_nothing_more(self) -> None:
        assert self.ends(Done(words="fine")) == (Done(words="fine"), [])
