"""What the contracts are held against: a fleet, real or simulated, and ways to break it."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from orchestrator.fleet.unit import Unit
from orchestrator.procedures.effects import Effect
from orchestrator.sources.model import Sourced
from tests.contract.stacks import Part

QUIET, PAIR, FRAGILE, DISTANT = "hco", "kko", "gbo", "chime"
"""Sites: of one node; of a manager and a worker; two of one node, whose daemon is disturbed and
the way to which is."""
HOSTS = {QUIET: "ha1.hco", PAIR: "aux.kko", FRAGILE: "aux.gbo", DISTANT: "frb-vsop.chime"}
WORKER = "kko-w1"


Late = Callable[[float], float]
"""Stretches an upper bound, in seconds, by the world's patience."""


class World(Protocol):
    """A fleet of four sites. Every control has one meaning, whatever stands behind it."""

    @property
    def patience(self) -> float:
        """How many times longer than it should something may take: 1 or more."""
        ...

    def unit(self, name: str, site: str) -> Unit:
        """Return a unit of such a name that was never there before."""
        ...

    def now(self) -> float:
        """Return the observer's clock, in seconds."""
        ...

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        ...

    def at_once(self, effects: Sequence[Effect]) -> tuple[object, ...]:
        """Perform effects side by side and return their answers in the order asked."""
        ...

    def learn(self, item: Sourced, parts: Sequence[Part]) -> None:
        """Hear what a release holds before it is deployed."""
        ...

    def really_running(self, unit: Unit) -> Counter[str]:
        """Count the unit's containers that really run, by the name of their node."""
        ...

    def person_removes(self, unit: Unit) -> None:
        """A person types `docker stack rm` at the manager, and it returns."""
        ...

    def clear_away(self, unit: Unit) -> None:
        """End what a unit runs, in no way that disturbs the next one."""
        ...

    def kill(self, unit: Unit) -> None:
        """End every container of the unit on the manager from outside."""
        ...

    def freeze_worker(self) -> None:
        """Stop the worker's dockerd where it stands; its containers run on."""
        ...

    def lose_worker(self) -> None:
        """Cut the worker off from everybody."""
        ...

    def bring_worker_back(self) -> None:
        """Undo either."""
        ...

    def use_worker(self, availability: str) -> None:
        """Make the worker `active`, `pause` or `drain`."""
        ...

    def stop_daemon(self, site: str) -> None:
        """Stop the manager's dockerd, and its containers with it."""
        ...

    def start_daemon(self, site: str) -> None:
        """Start it again."""
        ...

    def freeze_daemon(self, site: str) -> None:
        """Stop the manager's dockerd where it stands."""
        ...

    def thaw_daemon(self, site: str) -> None:
        """Let it go on."""
        ...

    def cut(self, site: str) -> None:
        """Drop every packet between the site and everybody else."""
        ...

    def refuse(self, site: str) -> None:
        """Refuse every connection to the site, and reset those that stand."""
        ...

    def hang(self, site: str) -> None:
        """Let connections to the site stand, and nothing come through."""
        ...

    def mend(self, site: str) -> None:
        """Make the way to the site good again."""
        ...

    def lose_quorum(self, site: str) -> None:
        """Take away so many managers that no quorum is left; returns at that moment."""
        ...

    def regain_quorum(self, site: str) -> None:
        """Give the Swarm its quorum back."""
        ...

    def stop_database(self) -> None:
        """Stop the database that is no part of any Swarm."""
        ...

    def start_database(self) -> None:
        """Start it again."""
        ...

    def answer_lost(self, effect: Effect) -> object:
        """Perform an effect at the site QUIET, which acts there, and lose its answer."""
        ...
