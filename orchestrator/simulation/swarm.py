"""One site's Swarm: its records, who may write them, and what a reader gets to see."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from random import Random

from orchestrator.fleet.observed import SwarmInfo, Task
from orchestrator.simulation.addresses import IngressPool
from orchestrator.simulation.behaviour import Behaviours
from orchestrator.simulation.clock import EPOCH_SECONDS, VirtualClock
from orchestrator.simulation.happening import Happening, Listener, RunningContainer, What
from orchestrator.simulation.objects import Machine, SimResource, SimService, SimTask
from orchestrator.simulation.registry import SiteRegistry

STALE_SECONDS = 5.0
"""So long a manager that lost its quorum still answers reads, from before (measured)."""
BLOCKED_WRITE_SECONDS = 15.0
"""So long the first write then blocks, before its outcome is unknown (measured)."""
NO_LEADER = (
    "Error response from daemon: rpc error: code = Unknown desc = The swarm does not have a"
    " leader. It's possible that too few managers are online. Make sure more than half of the"
    " managers are online."
)


class World:
    """What all sites share: time, chance, behaviours, the truth, and who watches it."""

    __slots__ = ("behaviours", "clock", "listeners", "minted", "rng", "running")

    def __init__(self, rng: Random) -> None:
        self.clock = VirtualClock()
        self.rng = rng
        self.behaviours = Behaviours()
        self.listeners: list[Listener] = []
        self.running: dict[str, RunningContainer] = {}
        self.minted = 0

    def mint(self, site: str) -> str:
        """Return a new id, 25 letters and digits as Docker's are, unique by its beginning."""
        self.minted += 1
        return f"{self.minted:07x}{site}".replace("-", "").replace("_", "").ljust(25, "0")[:25]

    def tell(self, happening: Happening) -> None:
        """Let every watcher know, right after it happened."""
        for listener in self.listeners:
            listener(happening)


class SimSwarm:
    """The Swarm of one site, whose managers are also nodes.

    `manager` is the one that leads and that is asked; where others exist, one of them takes its
    place when it dies. Quorum is lost and found as if further managers existed. Nothing is
    recorded while the manager cannot write: nodes go on by themselves, and are heard again
    afterwards.
    """

    def __init__(self, site: str, world: World, machines: list[Machine], prefix: int) -> None:
        self.site = site
        self.registry = SiteRegistry()
        self.world = world
        self.clock = world.clock
        self.rng = world.rng
        self.machines = {machine.id: machine for machine in machines}
        self.manager = next(machine for machine in machines if machine.manager)
        self.manager.leads = True
        self._first = self.manager
        self.pool = IngressPool(prefix=prefix, nodes=len(machines))
        self.services: dict[str, SimService] = {}
        self.tasks: dict[str, SimTask] = {}
        self.networks: dict[str, SimResource] = {}
        self.configs: dict[str, SimResource] = {}
        self.secrets: dict[str, SimResource] = {}
        self.waiting: dict[str, SimTask] = {}
        """Tasks that the manager could not bring further yet."""
        self.limbo: list[Callable[[], None]] = []
        """Writes whose caller gave up, and that happen when a quorum is back."""
        self.recorded: Callable[[SimTask], None] = lambda _task: None
        """What the manager does when a task's state was recorded; see orchestration.py."""
        self.actor = ""
        """Whose command is acting at this moment."""
        self.daemon_up = True
        self.frozen = False
        self.drops: frozenset[str] = frozenset()
        """Kinds of facts that the engine leaves out of what is deployed."""
        self.active = True
        self.quorum_lost_at: float | None = None
        self.index = 10
        self._tasks_seen: tuple[Task, ...] | None = None

    @property
    def writable(self) -> bool:
        """Whether the manager can record anything now."""
        return self.quorum_lost_at is None and self.daemon_up and not self.frozen

    @property
    def leaderless(self) -> bool:
        """Whether the quorum has been lost long enough that reads fail as well."""
        lost = self.quorum_lost_at
        return lost is not None and self.clock.now >= lost + STALE_SECONDS

    @property
    def detour(self) -> bool:
        """Whether another manager is asked than the first."""
        return self.manager is not self._first

    def hears(self, machine: Machine | None) -> bool:
        """Whether what happens on `machine` is recorded now."""
        return self.writable and (machine is None or machine.online)

    def mint(self) -> str:
        """Return a new id."""
        return self.world.mint(self.site)

    def next_index(self) -> int:
        """Return the next raft index: the version of whatever is written now."""
        self.index += 1
        return self.index

    def between(self, low: float, high: float) -> float:
        """Draw how many seconds something takes."""
        return low + (high - low) * self.rng.random()

    def tell(self, what: What, subject: SimTask | SimService | str = "", detail: str = "") -> None:
        """Tell the watchers, at no cost when there are none."""
        if not self.world.listeners:
            return
        now, site = self.clock.now, self.site
        if isinstance(subject, SimTask):
            service, node = subject.service, subject.machine
            where = (service.stack, service.desired.name, node.hostname if node else "")
            told = Happening(now, what, site, *where, subject.id, detail, self.actor)
        elif isinstance(subject, SimService):
            where = (subject.stack, subject.desired.name, "")
            told = Happening(now, what, site, *where, "", detail, self.actor)
        else:
            told = Happening(now, what, site, subject, detail=detail, by=self.actor)
        self.world.tell(told)

    def touch(self, task: SimTask) -> None:
        """Forget what readers were shown of `task`."""
        task.view = None
        self._tasks_seen = None

    def touch_all(self) -> None:
        """Forget that the list of tasks is as it was: one came or went."""
        self._tasks_seen = None

    def task_list(self) -> tuple[Task, ...]:
        """Return every task of a stack as it is recorded."""
        if self._tasks_seen is None:
            tasks = self.tasks.values()
            self._tasks_seen = tuple([t.look() for t in tasks if not t.service.only_pulls])
        return self._tasks_seen

    def network_list(self) -> tuple[SimResource, ...]:
        """Return what `GET /networks` on the manager lists: leftovers of its node as well."""
        return tuple(n for n in self.networks.values() if not n.deleted or n.local_users > 0)

    def info(self) -> SwarmInfo:
        """Return `GET /info`: it answers well even without a quorum, but for its error."""
        said = _info(self.site, self.manager.id, active=self.active, leaderless=self.leaderless)
        return replace(said, time=EPOCH_SECONDS + self.clock.now)

    def services_of(self, stack: str) -> list[SimService]:
        """Return the services of a stack, by name."""
        found = [service for service in self.services.values() if service.stack == stack]
        return sorted(found, key=lambda service: service.name)


@lru_cache(1024)
def _info(site: str, manager: str, *, active: bool, leaderless: bool) -> SwarmInfo:
    return SwarmInfo(
        node_id=manager,
        node_state="active" if active else "inactive",
        control=active,
        error=NO_LEADER.removeprefix("Error response from daemon: ") if leaderless else "",
        server_version="20.10.24",
        cluster_id=f"cluster{site}",
    )
