"""Which stacks belong to the system: those that are declared, and those that are named so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from orchestrator.fleet.observed import Look, Sight, Unseen, contents, stacks_seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Names of stacks by patterns of `*` and `?`.

    A stack that is `managed` belongs to the system, declared or not; one that is `ignored` belongs
    to other people, whatever `managed` says.
    """

    managed: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def manages(self, stack: str) -> bool:
        """Whether `stack` is the system's by its name."""
        return _matches(stack, self.managed) and not self.ignores(stack)

    def ignores(self, stack: str) -> bool:
        """Whether `stack` may run beside."""
        return _matches(stack, self.ignored)

    def unclaimed(self, stacks: Iterable[str]) -> tuple[str, ...]:
        """Return those of `stacks`, none declared, of which nobody said whose they are.

        There are none where names tell whose a stack is.
        """
        return () if self.managed else tuple(one for one in stacks if not self.ignores(one))


DECLARED_ALONE = Ownership()
"""Nothing is the system's by its name."""


def _matches(stack: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(stack, pattern) for pattern in patterns)


def undeclared_stacks(
    look: Look, *, ownership: Ownership, declared: frozenset[str]
) -> tuple[str, ...]:
    """Return stacks that belong to the system by their name but that no inventory line declares."""
    return tuple(stack for stack in _others(look, declared) if ownership.manages(stack))


def stacks_beside(look: Look, *, ownership: Ownership, declared: frozenset[str]) -> tuple[str, ...]:
    """Return stacks that run there and of which nobody said whose they are."""
    return ownership.unclaimed(_others(look, declared))


def _others(look: Look, declared: frozenset[str]) -> tuple[str, ...]:
    return () if isinstance(look, Unseen) else tuple(sorted(stacks_seen(look) - declared))


def renamed_from(sight: Sight, stack: str, known: Mapping[str, frozenset[str]]) -> str:
    """Return the stack that seems to run under the name `stack`; "" if none does.

    That is a declared one without any service there, whose services are those of `stack`.

    Args:
        sight: what was seen of the site.
        stack: one that nobody declared.
        known: the services of stacks that are declared there, as their compose files have them.

    """
    services = _services(sight, stack)
    gone = (one for one in sorted(known) if not _services(sight, one))
    return next((one for one in gone if services and known[one] == services), "")


def _services(sight: Sight, stack: str) -> frozenset[str]:
    return frozenset(
        service.name.removeprefix(f"{stack}_") for service in contents(sight, stack).services
    )
