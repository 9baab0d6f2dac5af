"""A site's managers: in which order they are asked, and of which Swarm they must be."""

import threading
from collections.abc import Sequence

from orchestrator.inventory.model import Manager


class Roster:
    """The managers of one site, shared by all ways there. Thread-safe."""

    def __init__(self, managers: Sequence[Manager]) -> None:
        self._lock = threading.Lock()
        self._order = list(managers)
        self.named = tuple(managers)
        self._swarm = ""

    @property
    def several(self) -> bool:
        """Whether there is another one to ask."""
        return len(self._order) > 1

    @property
    def matters(self) -> bool:
        """Whether it has to be asked which Swarm a manager is of."""
        return self.several or bool(self._swarm)

    def order(self) -> tuple[Manager, ...]:
        """Return them in the order in which they are asked."""
        with self._lock:
            return tuple(self._order)

    def put_last(self, manager: Manager) -> None:
        """Ask `manager` after all others from now on: it failed."""
        with self._lock:
            self._order.remove(manager)
            self._order.append(manager)

    def expect(self, swarm: str) -> None:
        """Let only managers of the Swarm with this id count."""
        with self._lock:
            self._swarm = swarm

    def admit(self, swarm: str) -> str:
        """Return the id of the Swarm that counts: `swarm` itself if none did before."""
        with self._lock:
            self._swarm = self._swarm or swarm
            return self._swarm

    def suits(self, swarm: str) -> bool:
        """Tell whether a manager of the Swarm with this id ("" if not asked) may be used."""
        return self._swarm in ("", swarm)

    def detour(self, manager: Manager) -> str:
        """Return how to name `manager` where it is not the first of the list, else ""."""
        return "" if manager == self.named[0] else manager.host

    def alone(self, manager: Manager) -> "Roster":
        """Return a roster of this one manager, which has to be of the same Swarm."""
        roster = Roster((manager,))
        roster.expect(self._swarm)
        return roster
