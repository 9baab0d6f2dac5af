"""Which hosts there are, what they are called and where they live. Pure."""

from dataclasses import dataclass, field
from enum import Enum

from lab.errors import LabError

NETWORK = "198.18.0.0/16"
PREFIX_LENGTH = 16
# The handbook's sites in its own order: alias -> Swarm manager.
KNOWN_SITES = {
    "chime": "frb-vsop.chime",
    "outrigger-buffer": "outrigger_buffer.chime",
    "kko": "aux.kko",
    "gbo": "aux.gbo",
    "hco": "ha1.hco",
}
SITE_WITH_WORKERS = "kko"
COORDINATOR = "chime"
MOST_SITES = 200
MOST_WORKERS = 20
MOST_MANAGERS = 7
DEFAULT_SITES = 5
DEFAULT_WORKERS = 1
_SPARE = "-spare"


class Role(Enum):
    """What a host is there for."""

    MANAGER = "manager"
    DEPUTY = "deputy"
    WORKER = "worker"
    SPARE = "spare"
    REGISTRY = "registry"
    GIT = "git"
    POSTGRES = "postgres"
    CHANNEL = "channel"
    OPERATOR = "operator"


DOCKER_ROLES = frozenset({Role.MANAGER, Role.DEPUTY, Role.WORKER, Role.SPARE})
LOGIN_ROLES = frozenset({Role.MANAGER, Role.DEPUTY})
SSHD_ROLES = LOGIN_ROLES | {Role.GIT}


@dataclass(frozen=True, slots=True)
class Host:
    """One machine of the lab: a network, mount, UTS and process namespace."""

    name: str
    role: Role
    address: str
    site: str | None = None

    @property
    def uts_name(self) -> str:
        """Its hostname: an underscore is fine in a hosts file but not here."""
        return self.name.replace("_", "-")

    @property
    def port(self) -> str:
        """The interface at the switch; the kernel allows 15 characters."""
        _, _, third, fourth = self.address.split(".")
        return f"dtl{third}-{fourth}"

    @property
    def runs_docker(self) -> bool:
        """Whether a dockerd belongs here."""
        return self.role in DOCKER_ROLES

    @property
    def runs_sshd(self) -> bool:
        """Whether one can log in here."""
        return self.role in SSHD_ROLES


REGISTRY = Host("registry.lab", Role.REGISTRY, "198.18.0.2")
GIT = Host("github.com", Role.GIT, "198.18.0.3")
POSTGRES = Host("frb-l4.chime", Role.POSTGRES, "198.18.0.4")
OPERATOR = Host("ops", Role.OPERATOR, "198.18.0.5")
# Somebody else's laptop: nothing of the first one's is known there.
OTHER_OPERATOR = Host("ops2", Role.OPERATOR, "198.18.0.6")
# Where its downtime is announced.
CHANNEL = Host("chat.lab", Role.CHANNEL, "198.18.0.7")
OPERATORS = (OPERATOR, OTHER_OPERATOR)
SERVICES = (REGISTRY, GIT, POSTGRES, CHANNEL, *OPERATORS)


@dataclass(frozen=True, slots=True)
class Shape:
    """How big a lab to build."""

    sites: int = DEFAULT_SITES
    workers: int = DEFAULT_WORKERS
    ingress_subnet: str | None = None
    docker_cli: str | None = None
    engine: str | None = None
    # What the repositories describe can change while the lab is up.
    few: bool = field(default=False, compare=False)
    # At the site with workers; the first is the site's manager, the others its deputies.
    managers_there: int = 1

    def __post_init__(self) -> None:
        """Refuse what the address plan has no room for."""
        if not 1 <= self.sites <= MOST_SITES:
            message = f"between 1 and {MOST_SITES} sites, not {self.sites}"
            raise LabError(message)
        if not 0 <= self.workers <= MOST_WORKERS:
            message = f"between 0 and {MOST_WORKERS} workers, not {self.workers}"
            raise LabError(message)
        if not 1 <= self.managers_there <= MOST_MANAGERS:
            message = f"between 1 and {MOST_MANAGERS} managers, not {self.managers_there}"
            raise LabError(message)

    def site_managers(self) -> dict[str, str]:
        """Alias -> manager's name, the handbook's sites first, then aux.s06, aux.s07 ..."""
        known = list(KNOWN_SITES.items())[: self.sites]
        more = [f"s{number:02d}" for number in range(len(KNOWN_SITES) + 1, self.sites + 1)]
        return dict(known) | {alias: f"aux.{alias}" for alias in more}

    def managers(self) -> list[Host]:
        """List the managers, one a site."""
        return [host for host in self.swarm_hosts() if host.role is Role.MANAGER]

    def swarm_hosts(self) -> list[Host]:
        """List managers, deputies and workers of every site."""
        hosts: list[Host] = []
        for number, (site, manager) in enumerate(self.site_managers().items(), start=1):
            hosts.append(Host(manager, Role.MANAGER, f"198.18.{number}.1", site))
            if site == SITE_WITH_WORKERS:
                hosts += [
                    Host(f"{site}-m{more}", Role.DEPUTY, f"198.18.{number}.{more + 100}", site)
                    for more in range(2, self.managers_there + 1)
                ]
                hosts += [
                    Host(f"{site}-w{worker}", Role.WORKER, f"198.18.{number}.{worker + 1}", site)
                    for worker in range(1, self.workers + 1)
                ]
        return hosts

    def hosts(self) -> list[Host]:
        """Everything in the lab."""
        return [*SERVICES, *self.swarm_hosts()]

    def find(self, word: str) -> Host:
        """Find the host of that name, or the manager of the site of that alias."""
        if word.endswith(_SPARE):
            return spare_manager(self.find(word.removesuffix(_SPARE)))
        name = self.site_managers().get(word, word)
        for host in self.hosts():
            if host.name == name:
                return host
        known = ", ".join([*self.site_managers(), *(host.name for host in self.hosts())])
        message = f"no host or site called {word!r} in this lab; there are: {known}"
        raise LabError(message)

    def hosts_of(self, word: str) -> list[Host]:
        """All hosts of a site when given its alias, else the one host."""
        if word in self.site_managers():
            return [host for host in self.swarm_hosts() if host.site == word]
        return [self.find(word)]


def spare_manager(manager: Host) -> Host:
    """Describe a second manager for a site, there only while its Swarm is to lose quorum."""
    net = manager.address.rsplit(".", 1)[0]
    return Host(f"{manager.name}{_SPARE}", Role.SPARE, f"{net}.200", manager.site)
