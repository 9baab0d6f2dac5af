"""How every host of the lab is right now."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from lab import hosts, processes, state
from lab.daemons import dockerd
from lab.errors import LabError
from lab.faults.network import network_fault
from lab.parallel import at_once
from lab.topology import Host, Role

_STACK_LABEL = "com.docker.stack.namespace"
_MAIN_PROGRAMS = {
    Role.REGISTRY: "docker-registry",
    Role.GIT: "sshd",
    Role.POSTGRES: "postgres",
}

_LASTING = frozenset({"stopped", "frozen", "faulty", "dead"})


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One line of `status`."""

    host: str
    role: str
    dockerd: str = "-"
    sshd: str = "-"
    service: str = "-"
    swarm: str = "-"
    stacks: tuple[str, ...] = ()
    link: str = "ok"

    @property
    def healthy(self) -> bool:
        """Whether everything that belongs there is there."""
        fine = {"-", "ok"}
        return {self.dockerd, self.sshd, self.service, self.link} <= fine and self.swarm in {
            "-",
            "active",
        }

    @property
    def broken(self) -> bool:
        """Whether it will not get well by itself."""
        return not _LASTING.isdisjoint({self.dockerd, self.sshd, self.service, self.link})

    def as_dict(self) -> dict[str, object]:
        """Give it in the words of JSON."""
        return asdict(self) | {"healthy": self.healthy}


def status() -> list[HostStatus]:
    """Look at every host."""
    lab = state.current()
    return at_once(_look, lab.shape.hosts())


def render(rows: Sequence[HostStatus]) -> list[str]:
    """Write it as a table."""
    head = f"{'host':24}{'role':10}{'dockerd':9}{'sshd':9}{'service':9}{'swarm':10}{'link':7}stacks"
    return [head] + [
        f"{row.host:24}{row.role:10}{row.dockerd:9}{row.sshd:9}{row.service:9}"
        f"{row.swarm:10.9}{row.link:7}{' '.join(row.stacks)}"
        for row in rows
    ]


def _look(host: Host) -> HostStatus:
    try:
        state.init_pid(host)
    except LabError:
        return HostStatus(host.name, host.role.value, link="dead")
    main = _MAIN_PROGRAMS.get(host.role)
    swarm, stacks = _swarm(host) if host.runs_docker else ("-", ())
    return HostStatus(
        host=host.name,
        role=host.role.value,
        dockerd=_daemon(host, "dockerd") if host.runs_docker else "-",
        sshd=_daemon(host, "sshd") if host.runs_sshd else "-",
        service=_daemon(host, main) if main else "-",
        swarm=swarm,
        stacks=stacks,
        link="faulty" if network_fault(host) else "ok",
    )


def _daemon(host: Host, name: str) -> str:
    pids = hosts.pids(host, name)
    if not pids:
        return "stopped"
    return "frozen" if any(processes.is_frozen(pid) for pid in pids) else "ok"


def _swarm(host: Host) -> tuple[str, tuple[str, ...]]:
    if _daemon(host, "dockerd") != "ok":
        return "unknown", ()
    try:
        swarm = dockerd.swarm_state(host)
        if swarm["Error"]:
            return "error", ()
        if host.role is not Role.MANAGER:
            return swarm["LocalNodeState"], ()
        services = hosts.api(host, "GET", "/services")
    except LabError:
        return "unknown", ()
    names = {service["Spec"]["Labels"].get(_STACK_LABEL, "") for service in services}
    return swarm["LocalNodeState"], tuple(sorted(names - {""}))
