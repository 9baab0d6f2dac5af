"""Images are pulled on each node that may run them, before anything stops."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.desired import Policy, Prepull
from orchestrator.fleet.observed import Fact, Node, NodeState, Task, TaskState, Unseen
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.pulling import LOG_OPTION, NodePull, Pulled, Pulling
from orchestrator.planning.plan import Action, Before, Step, StepKind
from orchestrator.procedures.book import Book
from orchestrator.procedures.effects import (
    Answer,
    Done,
    Effect,
    Failed,
    PullImages,
    PullOnNodes,
    Result,
    WatchPulls,
)
from orchestrator.procedures.pull_images import pull_images
from tests.build import (
    CLIENT,
    inventory,
    node,
    plan,
    sight,
    sourced,
    spec,
    task,
    unit_plan,
    unseen,
    wanted,
)
from tests.drive import Driven, drive

STEP = Step(id="prepare far", kind=StepKind.PREPARE, site="far", wait_seconds=900.0)
GATE = Step(id="gate", kind=StepKind.GATE, site="home")
MANY = Answer(result=Result.OK, at=0.0, nodes=3)
OK = Answer(result=Result.OK, at=0.0)
PULLS = (
    NodePull(image="registry/app:1"),
    NodePull(image="registry/app:1", constraints=("node.role == worker",)),
)
THERE = f"unknown log opt '{LOG_OPTION}' for json-file log driver"
ABSENT = "No such image: registry/app:1"
Seen = Callable[[float], Pulling | Unseen]


def book(
    prepull: Prepull = Prepull.NODES,
    *,
    gated: bool = True,
    action: Action = Action.RESTART,
    before: Presence = Presence.PRESENT,
) -> Book:
    base = inventory()
    policy = Policy(prepull=prepull)
    units = tuple(replace(spec(s.unit), policy=policy) for s in base.units)
    here = (Fact("placement constraint", "node.role == worker", ""), Fact("port", "80/tcp", ""))
    source = sourced(CLIENT, wanted(), wanted("more"), wanted("worker", facts=here))
    planned = unit_plan(CLIENT, action, before=Before(presence=before))
    return Book(
        run="r1",
        inventory=replace(base, units=units),
        plan=plan(planned, steps=(GATE,) if gated else ()),
        sourced={CLIENT: source},
    )


def on(
    name: str, state: TaskState, error: str = "", node_state: NodeState = NodeState.READY
) -> tuple[Task, Node]:
    return task(state=state, error=error), node(name, node_state)


def pulling(*tasks: tuple[Task, Node], more: tuple[Pulled, ...] | None = None) -> Pulling:
    second = (Pulled(image="registry/app:1", tasks=tasks),) if more is None else more
    first = Pulled(image="registry/app:1", tasks=tasks)
    return Pulling(site="far", at=0.0, pulls=(first, *second))


def pulled(of: Book, seen: Seen, *answers: Answer) -> Driven:
    coming: Iterator[Answer] = iter(answers)

    def perform(effect: Effect, now: float) -> object:
        if isinstance(effect, WatchPulls):
            return replace(seen(now), at=now)
        return next(coming, MANY if isinstance(effect, PullImages) else OK)

    return drive(pull_images(of, STEP), lambda site, _: sight(site), perform)


def changes(driven: Driven) -> list[Effect]:
    return [effect for effect in driven.effects if not isinstance(effect, WatchPulls)]


def done(_now: float) -> Pulling:
    return pulling(on("w1", TaskState.REJECTED, THERE), on("w2", TaskState.REJECTED, THERE))


def problem_of(driven: Driven) -> Problem:
    assert isinstance(driven.outcome, Failed)
    (problem,) = driven.outcome.problems
    return problem


MANAGER = PullImages(site="far", images=("registry/app:1",))
BEGIN = PullOnNodes(site="far", run="r1", pulls=PULLS)
END = PullOnNodes(site="far", run="r1")


def test_what_nodes_have_to_pull_is_begun_watched_and_ended() -> None:
    """Each image and its constraints once."""

    def seen(now: float) -> Pulling:
        second = TaskState.PREPARING if now < 3 else TaskState.REJECTED
        return pulling(on("w1", TaskState.REJECTED, THERE), on("w2", second, THERE))

    driven = pulled(book(), seen)
    assert driven.outcome == Done(words="1 images in place, on 2 more nodes as well")
    assert changes(driven) == [MANAGER, BEGIN, END]
    assert driven.told[0].waiting_for == "images on every node"
    assert driven.told[0].items == ("node w2: 0 of 1 images",)
    assert driven.told[0].deadline == 900.0
    assert driven.seconds == 3.0


@pytest.mark.parametrize(
    ("of", "manager"),
    [
        (book(), replace(MANY, nodes=1)),
        (book(), OK),
        (book(Prepull.MANAGERS), MANY),
        (book(gated=False), MANY),
        (book(before=Presence.GONE), MANY),
        (book(action=Action.UP), MANY),
    ],
    ids=["one node", "not known", "managers", "brings back", "gone", "comes up"],
)
def test_only_the_manager_pulls_where_nothing_else_helps(of: Book, manager: Answer) -> None:
    """A Swarm of one node; a policy; where nothing stops, a node must hold nobody up."""
    driven = pulled(of, done, manager)
    assert driven.outcome == Done(words="1 images in place")
    assert driven.effects == [MANAGER]


@pytest.mark.parametrize("action", [Action.RESTART, Action.UPDATE])
def test_where_something_may_run_nodes_pull(action: Action) -> None:
    of = book(action=action, before=Presence.UNKNOWN)
    assert changes(pulled(of, done)) == [MANAGER, BEGIN, END]


def test_a_policy_may_leave_all_pulling_to_the_deploy() -> None:
    driven = pulled(book(Prepull.NONE), done)
    assert driven.outcome == Done(words="0 images in place")
    assert driven.effects == []


def test_nodes_are_not_asked_for_what_the_manager_cannot_pull() -> None:
    denied = Problem(code="registry.x", what="denied", exit_code=ExitCode.LOGIN_REFUSED)
    driven = pulled(book(), done, Answer(result=Result.FAILED, at=0.0, problem=denied))
    assert driven.outcome == Failed(problems=(denied,))
    assert driven.effects == [MANAGER]


@pytest.mark.parametrize("result", [Result.FAILED, Result.UNKNOWN])
def test_pulls_that_the_swarm_does_not_take_are_ended(result: Result) -> None:
    driven = pulled(book(), done, MANY, Answer(result=result, at=0.0, words="no"))
    assert problem_of(driven).code == "preflight.not-prepared"
    assert driven.effects == [MANAGER, BEGIN, END]


def test_a_node_that_cannot_pull_refuses_at_once_and_is_named() -> None:
    driven = pulled(
        book(),
        lambda _: pulling(
            on("w1", TaskState.PREPARING),
            on("w2", TaskState.REJECTED, ABSENT),
            on("w3", TaskState.REJECTED, THERE),
        ),
    )
    problem = problem_of(driven)
    assert (problem.code, problem.exit_code) == ("registry.node-cannot-pull", 20)
    assert problem.what == "node w2 cannot pull registry/app:1"
    assert problem.where.node == "w2"
    assert problem.evidence == (f"node w2: {ABSENT}",) * 2
    assert "docker node update --availability pause w2 " in problem.fix
    assert (changes(driven)[-1], driven.seconds) == (END, 0.0)


def test_a_node_that_falls_silent_refuses_once_the_swarm_calls_it_down() -> None:
    def seen(now: float) -> Pulling:
        state = NodeState.READY if now < 15 else NodeState.DOWN
        return pulling(
            on("w1", TaskState.ASSIGNED, node_state=state), on("w2", TaskState.REJECTED, THERE)
        )

    driven = pulled(book(), seen)
    problem = problem_of(driven)
    assert (problem.code, problem.exit_code) == ("preflight.node-silent", 20)
    assert problem.evidence == ("node w1: 0 of 1 images",)
    assert driven.seconds == 15.0
    assert changes(driven)[-1] == END


def test_a_node_that_is_slow_is_waited_for_as_long_as_the_step_may_take() -> None:
    slow = pulling(on("w1", TaskState.PREPARING), on("w2", TaskState.REJECTED, THERE))
    driven = pulled(book(), lambda _: slow)
    assert problem_of(driven).code == "preflight.node-silent"
    assert problem_of(driven).where.node == "w1"
    assert driven.seconds == 900.0


def test_a_site_that_cannot_be_seen_meanwhile_is_waited_for_as_long() -> None:
    driven = pulled(book(), lambda now: unseen() if now < 5 else done(now))
    assert isinstance(driven.outcome, Done)
    assert driven.told[0].items == ("timed out",)
    never = pulled(book(), lambda _: unseen())
    assert problem_of(never).code == "site.unreachable"
    assert never.seconds == 900.0


def test_a_pull_for_which_there_is_no_other_node_is_waited_for_a_moment() -> None:
    """Its tasks may be about to come."""
    none = pulling(more=(Pulled(image="registry/app:1"),))
    driven = pulled(book(), lambda _: none)
    assert driven.outcome == Done(words="1 images in place")
    assert driven.seconds == 2.0


def test_pulls_that_somebody_ended_meanwhile_prove_nothing() -> None:
    one = pulling(on("w1", TaskState.REJECTED, THERE), more=())
    problem = problem_of(pulled(book(), lambda _: one))
    assert problem.code == "preflight.not-prepared"
    assert problem.evidence == ("somebody ended the pulls on its nodes",)
