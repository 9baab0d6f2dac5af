from dataclasses import replace

import pytest

from orchestrator.fleet.observed import NodeState
from orchestrator.procedures.asking import ask_examine, ask_observe, ask_observe_all, ask_sleep
from orchestrator.procedures.effects import Done, Examination, Examine, Procedure
from orchestrator.procedures.overlooking import overlooking
from tests.build import node, sight, task, unseen

AWAY = node("far-w1", NodeState.DOWN, leader=False)
THERE, HERE = task(number=2, node_id=AWAY.id), task()
SEEN = sight(nodes=(node(), AWAY), tasks=(HERE, THERE))
EXAMINED = Examination(
    sight=SEEN,
    api_version="1.41",
    cli_version="29.0",
    disk_free_bytes=1,
    disk_total_bytes=2,
    clock_offset_seconds=0.0,
)


def procedure(heard: list[object]) -> Procedure:
    heard.append((yield from ask_observe("far")))
    heard.append((yield from ask_observe_all(("far", "home"))))
    heard.append((yield from ask_examine(Examine(site="far"))))
    heard.append((yield from ask_sleep(0)))
    return Done(words="heard")


ANSWERS: tuple[object, ...] = (SEEN, (SEEN, unseen("home")), EXAMINED, 3.0)


def heard_with(tasks: frozenset[str]) -> list[object]:
    heard: list[object] = []
    running = overlooking(tasks, procedure(heard))
    next(running)
    for answer in ANSWERS[:-1]:
        running.send(answer)
    with pytest.raises(StopIteration) as end:
        running.send(ANSWERS[-1])
    assert end.value.value == Done(words="heard")
    return heard


def test_no_answer_shows_what_somebody_answered_for() -> None:
    without = replace(SEEN, tasks=(HERE,))
    assert heard_with(frozenset({THERE.id})) == [
        without,
        (without, unseen("home")),
        replace(EXAMINED, sight=without),
        3.0,
    ]


def test_every_answer_is_as_it_was_where_nobody_answered_for_anything() -> None:
    assert heard_with(frozenset()) == list(ANSWERS)
