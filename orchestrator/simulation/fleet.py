"""The simulated fleet: every site's Swarm, the ways there, and the truth about containers."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from random import Random

from orchestrator.fleet.desired import DesiredStack, HttpProbe, PostgresProbe, Probe, TcpProbe
from orchestrator.fleet.observed import Volume
from orchestrator.fleet.unit import Unit
from orchestrator.simulation import orchestration
from orchestrator.simulation.channel import Channel
from orchestrator.simulation.happening import Listener, RunningContainer
from orchestrator.simulation.link import Link
from orchestrator.simulation.objects import Machine, SimContainer
from orchestrator.simulation.swarm import SimSwarm, World
from orchestrator.sources.model import Release, Sourced

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
Address = tuple[str, int]


@dataclass(slots=True, kw_only=True)
class Conditions:
    """What preflight finds on a manager apart from its Swarm."""

    disk_free_bytes: int = 50 * 10**9
    disk_total_bytes: int = 100 * 10**9
    clock_offset_seconds: float = 0.02
    api_version: str = "1.41"
    cli_version: str = "20.10.24"
    listening: tuple[int, ...] = ()
    reclaimable_bytes: int = 5 * 10**8
    certificate_days: float | None = 60.0
    sessions: int = 10
    releases: tuple[tuple[str, int], ...] = ()
    engine_version: str = "20.10.24"


@dataclass(slots=True, kw_only=True)
class SimSite:
    """One site: its Swarm, the way there, and what lies on its manager's disk."""

    swarm: SimSwarm
    link: Link
    conditions: Conditions = field(default_factory=Conditions)
    releases: dict[tuple[str, str], Release] = field(default_factory=dict)
    """Every release shipped to the manager that is asked, by name and digest."""
    releases_elsewhere: dict[tuple[str, str], Release] = field(default_factory=dict)
    """Every one that lies on the disk of a manager that died."""
    audit: list[str] = field(default_factory=list)
    """The lines of the audit log on the manager's disk."""
    volumes: list[Volume] = field(default_factory=list)
    """Volumes of the manager's node that have a driver or options."""
    refuses_files: bool = False
    """Whether the manager's docker command takes no compose file."""


class SimulatedFleet:
    """Sites by name, all on one virtual clock and one source of chance.

    `outside` are things that are no part of any Swarm, by (host, port): a database is up or
    down. `relies_on` says which of them a stack's server needs to answer well. `channel` is where
    downtime is announced.
    """

    def __init__(self, rng: Random) -> None:
        self.world = World(rng)
        self.clock = self.world.clock
        self.rng = rng
        self.sites: dict[str, SimSite] = {}
        self.outside: dict[Address, bool] = {}
        self.channel = Channel()
        self.relies_on: dict[Unit, tuple[Address, ...]] = {}
        self._known: dict[tuple[Unit, str], DesiredStack] = {}
        self._newest: dict[Unit, DesiredStack] = {}

    def add_site(
        self,
        name: str,
        *,
        host: str,
        managers: tuple[str, ...] = (),
        workers: tuple[str, ...] = (),
        ingress_prefix: int = 24,
    ) -> SimSite:
        """Add a site with a manager on `host`, more managers and workers, its Swarm well."""
        hosts = [(host, True), *((more, True) for more in managers), *((w, False) for w in workers)]
        machines = [
            Machine(id=self.world.mint(name), hostname=hostname, manager=manager)
            for hostname, manager in hosts
        ]
        swarm = SimSwarm(name, self.world, machines, ingress_prefix)
        orchestration.attach(swarm)
        self.sites[name] = SimSite(swarm=swarm, link=Link(site=name, host=host))
        return self.sites[name]

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` right after everything that really happens, in order."""
        self.world.listeners.append(listener)

    def running_containers(self) -> Collection[RunningContainer]:
        """Return every container that really runs, also where the Swarm cannot see it.

        A live view: it costs nothing to ask, and changes with the world.
        """
        return self.world.running.values()

    def learn(self, sources: Iterable[Sourced]) -> None:
        """Make releases deployable: what their compose files say is known from now on."""
        for sourced in sources:
            release = sourced.release
            self._known[release.unit, release.digest] = sourced.desired
            self._newest[release.unit] = sourced.desired

    def declared(self, unit: Unit, digest: str) -> DesiredStack | None:
        """Return what a release's compose file says, None if no such release was learnt."""
        return self._known.get((unit, digest))

    def newest(self, unit: Unit) -> DesiredStack | None:
        """Return what the release of `unit` that was learnt last says, None without any."""
        return self._newest.get(unit)

    def answer(self, site: str, probe: Probe) -> tuple[bool, str]:
        """Return how `probe`, sent from `site`, is answered at this moment, and in words."""
        place = f"{probe.host}:{probe.port}"
        if (probe.host, probe.port) in self.outside:
            up = self.outside[probe.host, probe.port]
            return up, f"{place} answers" if up else f"{place}: connection refused"
        server = self._server(site, probe)
        if server is None or (server.ready_at > self.clock.now and isinstance(probe, TcpProbe)):
            return False, f"{place}: connection refused"
        match probe:
            case HttpProbe():
                return self._http(Unit(server.task.service.stack, server.site), server, probe)
            case TcpProbe():
                return True, f"{place} accepts"
            case PostgresProbe():
                return False, f"{place} answers, but is no PostgreSQL"

    def _http(self, unit: Unit, server: SimContainer, probe: HttpProbe) -> tuple[bool, str]:
        if server.ready_at > self.clock.now:
            return False, "HTTP 503: not ready"
        down = [at for at in self.relies_on.get(unit, ()) if not self.outside.get(at, True)]
        if down:
            return False, f'HTTP 200: {{"status": "error"}}, {down[0][0]} does not answer it'
        said = ", ".join(f"{expected.path} = {expected.equals}" for expected in probe.expect)
        return True, f"HTTP {probe.status}{': ' if said else ''}{said}"

    def _server(self, site: str, probe: Probe) -> SimContainer | None:
        """Return who really listens at the probe's address."""
        if probe.host in _HERE:
            return _at_a_manager(self.sites[site].swarm, probe.port)
        for at in self.sites.values():
            for machine in at.swarm.machines.values():
                if machine.hostname == probe.host:
                    return _listener(at.swarm, machine, probe.port)
        return None


def _at_a_manager(swarm: SimSwarm, port: int) -> SimContainer | None:
    """Return who listens at the manager that is asked, or else at another one that is heard.

    As through ingress, by which whoever has several publishes it (docs/inventory.md).
    """
    others = (m for m in swarm.machines.values() if m.manager and m.online)
    found = (_listener(swarm, machine, port) for machine in (swarm.manager, *others))
    return next((server for server in found if server is not None), None)


def _listener(swarm: SimSwarm, machine: Machine, port: int) -> SimContainer | None:
    """Return a running container that publishes `port` on `machine`, or on all by ingress."""
    for other in swarm.machines.values():
        if other.halted:
            continue
        for container in other.containers.values():
            service = container.task.service
            here = other is machine and port in service.ports("host")
            if container.state == "running" and (here or port in service.ports("ingress")):
                return container
    return None
