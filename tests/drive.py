"""Drive a procedure by hand: answers come from a function, time from the sleeps it asks for."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from orchestrator.fleet.observed import Look
from orchestrator.procedures.effects import (
    Effect,
    Observe,
    ObserveAll,
    Outcome,
    Procedure,
    Sleep,
    Tell,
)

_TOO_LONG = 10_000
"""Effects after which a procedure is taken to wait for ever."""


@dataclass(slots=True)
class Driven:
    """How it ended, and every effect it asked for but looks, sleeps and talk."""

    outcome: Outcome
    effects: list[Effect] = field(default_factory=list)
    told: list[Tell] = field(default_factory=list)
    seconds: float = 0.0


def drive(
    procedure: Procedure,
    look: Callable[[str, float], Look],
    perform: Callable[[Effect, float], object],
) -> Driven:
    """Run `procedure` to its end; `look` and `perform` are told the time, in seconds."""
    driven = Driven(outcome=None)  # type: ignore[arg-type]  # set before it is returned
    now = 0.0
    answer: object = None
    for _ in range(_TOO_LONG):
        try:
            effect = procedure.send(answer)
        except StopIteration as end:
            driven.outcome, driven.seconds = end.value, now
            return driven
        if isinstance(effect, Sleep):
            now += effect.seconds
            answer = now
        elif isinstance(effect, Tell):
            driven.told.append(effect)
            answer = None
        elif isinstance(effect, Observe):
            answer = replace(look(effect.site, now), at=now)
        elif isinstance(effect, ObserveAll):
            answer = tuple(replace(look(site, now), at=now) for site in effect.sites)
        else:
            driven.effects.append(effect)
            answer = perform(effect, now)
    raise AssertionError(f"no end after {now:.0f} s; it last waited for {driven.told[-1:]}")
