"""Remove a unit, and know that it is gone.

Services first, then wait until no task runs, then networks, secrets and configs: removing a
network while tasks still stop leaks their addresses on every other network they were on
(moby#37338), until the Swarm's leader is restarted.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from orchestrator.errors import Problem
from orchestrator.fleet.observed import Look, Sight, Unseen, contents
from orchestrator.fleet.presence import Presence, Whereabouts, blindness, whereabouts
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import Usage, usages
from orchestrator.planning.lost import lost_names
from orchestrator.planning.plan import Step
from orchestrator.procedures.asking import (
    Asking,
    ask_fresh,
    ask_mutate,
    ask_observe,
    ask_sleep,
    ask_tell,
)
from orchestrator.procedures.book import Book
from orchestrator.procedures.effects import (
    Answer,
    Done,
    Failed,
    Procedure,
    RemoveLeftovers,
    RemoveServices,
    Result,
)
from orchestrator.procedures.findings import not_gone, refused_removal, removal_failed
from orchestrator.procedures.guards import removal_blockers, removal_guard

_GUARD_SECONDS = 20.0
"""How long a guard may keep looking at what is still there."""
_SIGHT_SECONDS = 60.0
"""How long it waits for a site that cannot be seen: nothing is down yet that it guards."""
_LOOKS_IN_A_ROW = 2
_LATE_TRIES = 3


def remove(book: Book, step: Step, unit: Unit) -> Procedure:
    """Remove `unit` and wait until it is observed gone twice in a row.

    Ends in Failed with 20 when something that depends on the unit is not known to be gone
    (nothing was touched), 23 when it does not go away in time, 31 when nobody can tell.
    """
    if away := (yield from still_away(book, unit)):
        return Failed(problems=(not_gone(unit, whereabouts(unit, away), 0.0),))
    problem = yield from _guarded(book, unit)
    if problem is not None:
        return Failed(problems=(problem,))
    poll = book.inventory.spec(unit).policy.poll_seconds
    return (
        yield from clear_away(
            unit,
            wait_seconds=step.wait_seconds,
            poll_seconds=poll,
            guard=lambda: _guarded(book, unit),
        )
    )


def still_away(book: Book, unit: Unit) -> Asking[Unseen | None]:
    """Look once more at a site that could not be seen when this life of the run began.

    One that was seen may come back in a moment, and is waited for. One that was not has had its
    time: nobody is kept waiting for it.
    """
    if unit.site not in book.away:
        return None
    look = yield from ask_observe(unit.site)
    return look if isinstance(look, Unseen) else None


def _unguarded() -> Asking[Problem | None]:
    yield from ()
    return None


def clear_away(
    unit: Unit,
    *,
    wait_seconds: float,
    poll_seconds: float,
    guard: Callable[[], Asking[Problem | None]] = _unguarded,
    leftovers_alone: bool = False,
) -> Procedure:
    """Delete all that is left of `unit`, in the safe order; no question asked before.

    Args:
        unit: what to remove.
        wait_seconds: how long it may take until gone, once its services are deleted.
        poll_seconds: pause between two looks.
        guard: asks again whether it may be removed, where that took too long to begin.
        leftovers_alone: end as soon as a service of it is seen: somebody is deploying it.

    """
    began = yield from ask_sleep(0)
    patience = _Patience(seconds=wait_seconds, deadline=began + wait_seconds, looked=began)
    networks: frozenset[str] = frozenset()
    gone = 0
    asked: set[str] = set()
    while True:
        look = yield from ask_observe(unit.site)
        if isinstance(look, Sight):
            networks |= {network.name for network in contents(look, unit.stack).networks}
            if leftovers_alone and contents(look, unit.stack).services:
                return Done(words="somebody deploys it")
        patience.look(look)
        there = whereabouts(unit, look, networks=networks)
        gone = gone + 1 if there.gone else 0
        if gone >= _LOOKS_IN_A_ROW:
            return Done(words=f"gone after {look.at - began:.1f} s")
        if look.at >= patience.deadline:
            worst = _at_worst(unit, look, there)
            stuck = not_gone(
                unit,
                worst,
                look.at - began,
                _users(unit, look),
                lost_names((look,), frozenset({unit})),
            )
            return Failed(problems=(stuck,))
        if isinstance(look, Sight) and there.presence is not Presence.UNKNOWN:
            answer = yield from _next_deletion(unit, look, asked)
            problem = yield from _refusal(unit, answer, patience, guard)
            if problem is not None:
                return Failed(problems=(problem,))
        if not there.gone:
            evidence = (*there.evidence, *map(str, _users(unit, look)))
            yield from ask_tell(_waiting_words(there), evidence, patience.deadline)
            yield from ask_sleep(poll_seconds)


@dataclass(slots=True, kw_only=True)
class _Patience:
    """Until when a removal may take: `seconds` from when its first deletion could begin.

    What passes before that, while the lock is proved to be held or this process stands still,
    is no time that the unit had to go away. Nor, up to a limit, is what passes while its site
    cannot be seen: a link that blinks must not cost a run.
    """

    seconds: float
    deadline: float
    looked: float
    blind: float = 0.0
    late: int = 0
    begun: bool = False

    def look(self, look: Look) -> None:
        """Put the deadline off by as long as nothing was seen."""
        if isinstance(look, Unseen):
            more = min(look.at - self.looked, _SIGHT_SECONDS - self.blind)
            self.blind += more
            self.deadline += more
        self.looked = look.at

    def take(self, answer: Answer) -> None:
        """Count from this answer, if it is the first, or came too late to act."""
        if not self.begun and self.late < _LATE_TRIES:
            self.deadline = max(self.deadline, answer.at + self.seconds)
        self.begun = self.begun or answer.result is not Result.LATE
        self.late += answer.result is Result.LATE


def _refusal(
    unit: Unit,
    answer: Answer | None,
    patience: _Patience,
    guard: Callable[[], Asking[Problem | None]],
) -> Asking[Problem | None]:
    """Return why a removal cannot go on after `answer`; one that came too late is guarded anew."""
    if answer is None:
        return None
    if _final(answer):
        return answer.problem or removal_failed(unit, answer.words)
    patience.take(answer)
    if answer.result is Result.LATE:
        return (yield from guard())
    return None


def _guarded(book: Book, unit: Unit) -> Asking[Problem | None]:
    guard = removal_guard(book, unit)
    if not guard.dependents:
        return None
    start = yield from ask_sleep(0)
    while True:
        looks = yield from ask_fresh(guard.sites)
        blockers = removal_blockers(book, guard, {look.site: look for look in looks})
        if not blockers or _only_leftovers(unit, looks[0]):
            return None
        blind = any(isinstance(look, Unseen) for look in looks)
        deadline = start + (_SIGHT_SECONDS if blind else _GUARD_SECONDS)
        if max(look.at for look in looks) >= deadline:
            lost = lost_names(looks, frozenset(guard.dependents))
            return refused_removal(unit, blockers, lost)
        yield from ask_tell("what depends on it to be gone", blockers, deadline)
        yield from ask_sleep(book.inventory.spec(unit).policy.poll_seconds)


def _only_leftovers(unit: Unit, look: Look) -> bool:
    """Whether the services of `unit` are gone already: nothing can go down under anybody."""
    return (
        isinstance(look, Sight) and not blindness(look) and not contents(look, unit.stack).services
    )


def _next_deletion(unit: Unit, sight: Sight, asked: set[str]) -> Asking[Answer | None]:
    """Delete services while there are any; the rest once no task of the unit is alive.

    A look that began before a deletion was answered may still show what is gone; deleting
    twice by id is harmless, but `asked` spares the traffic: an id is asked for again only
    after its answer was lost or refused.
    """
    mine = contents(sight, unit.stack)
    if services := tuple(s.id for s in mine.services if s.id not in asked):
        answer = yield from ask_mutate(RemoveServices(unit=unit, ids=services))
        if answer.result is Result.OK:
            asked.update(services)
        return answer
    if mine.services or not _tasks_ended(unit, sight):
        return None
    networks, secrets, configs = (
        tuple(item.id for item in group if item.id not in asked)
        for group in (mine.networks, mine.secrets, mine.configs)
    )
    if not (networks or secrets or configs):
        return None
    answer = yield from ask_mutate(
        RemoveLeftovers(unit=unit, networks=networks, secrets=secrets, configs=configs)
    )
    if answer.result is Result.OK:
        asked.update((*networks, *secrets, *configs))
    return answer


def _tasks_ended(unit: Unit, sight: Sight) -> bool:
    return whereabouts(unit, _without_leftovers(sight)).gone


def _at_worst(unit: Unit, look: Look, there: Whereabouts) -> Whereabouts:
    """Say UNKNOWN when what holds up a removal is a task that nobody can see."""
    if not isinstance(look, Sight):
        return there
    processes = whereabouts(unit, _without_leftovers(look))
    return processes if processes.presence is Presence.UNKNOWN else there


def _without_leftovers(sight: Sight) -> Sight:
    """Return the sight without what is only a record; services, tasks and containers stay."""
    return replace(sight, networks=(), configs=(), secrets=())


def _final(answer: Answer) -> bool:
    """Tell whether a refusal is final: one because something is still in use passes."""
    return answer.result is Result.FAILED and "in use" not in answer.words


def _users(unit: Unit, look: Look) -> tuple[Usage, ...]:
    """Say who uses what is left of `unit`: while they do, a Swarm does not let it go."""
    found = usages(look) if isinstance(look, Sight) else ()
    return tuple(usage for usage in found if usage.maker == unit.stack)


def _waiting_words(there: Whereabouts) -> str:
    running = [words for words in there.evidence if words.startswith("task ")]
    if running:
        return f"{len(running)} tasks to end"
    return "the last of it to go"
