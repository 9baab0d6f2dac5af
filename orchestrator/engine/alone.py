"""Carry out one procedure by itself, blocking: for what happens before and after a run."""

from typing import TypeVar

from orchestrator.engine.gather import gather
from orchestrator.engine.ports import Backend
from orchestrator.procedures.asking import Asking
from orchestrator.procedures.effects import Effect, Observe, ObserveAll, Sleep, Tell

T = TypeVar("T")


def carry_alone(backend: Backend, procedure: Asking[T]) -> T:
    """Perform the effects of `procedure` one after the other and return what it returns."""
    answer: object = None
    while True:
        try:
            effect = procedure.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        answer = _perform(backend, effect)


def _perform(backend: Backend, effect: Effect) -> object:
    if isinstance(effect, Tell):
        return None
    if isinstance(effect, Sleep):
        return _sleep(backend, effect.seconds)
    if isinstance(effect, ObserveAll):
        return gather(backend, [Observe(site=site) for site in effect.sites])
    return gather(backend, [effect])[0]


def _sleep(backend: Backend, seconds: float) -> float:
    """Wait out `seconds`; answers that nobody waits for any more are let go."""
    until = backend.now() + seconds
    while backend.now() < until:
        backend.wait(until)
    return backend.now()
