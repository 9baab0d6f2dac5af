"""Not to wait for what somebody answered for: tasks that are on a node that nobody can see."""

from collections.abc import Set as AbstractSet
from dataclasses import replace

from orchestrator.fleet.nodes import overlook
from orchestrator.fleet.observed import Sight, Unseen
from orchestrator.procedures.effects import Examination, Outcome, Procedure


def overlooking(tasks: AbstractSet[str], procedure: Procedure) -> Procedure:
    """Let a procedure see every look without `tasks`, by id, as long as nobody can see their node.

    A procedure has no other way to see a Swarm, so no judgment of it can forget to ask.
    """
    if not tasks:
        return (yield from procedure)
    answer: object = None
    while True:
        try:
            effect = procedure.send(answer)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        answer = _without(tasks, (yield effect))


def _without(tasks: AbstractSet[str], answer: object) -> object:
    if isinstance(answer, Sight | Unseen):
        return overlook(answer, tasks)
    if isinstance(answer, Examination):
        return replace(answer, sight=overlook(answer.sight, tasks))
    if isinstance(answer, tuple):
        return tuple(_without(tasks, item) for item in answer)
    return answer
