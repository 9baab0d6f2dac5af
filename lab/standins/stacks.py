"""The services that the handbook lists, stack by stack. Pure."""

from dataclasses import dataclass, replace

from lab.standins.images import CLIENT_IMAGE, SERVER_IMAGE
from lab.standins.kinds import Kind
from lab.topology import KNOWN_SITES

# The handbook's scope: outrigger-buffer runs a client, but no stager and no tunnel is made for it.
OUTRIGGERS = ("kko", "gbo", "hco")
STAGED_SITES = ("chime", *OUTRIGGERS)
CLIENTS = (
    "deletion_healer",
    "event_registration",
    "reattempt_unregistered",
    "replication_healer",
    "replicator",
    "update_canfar_certificates",
)
DAEMONS = (
    "deletion_notification",
    *(f"deletion_stager_{site}" for site in STAGED_SITES),
    "healing_stager",
    "inventory",
    "metric_pusher",
    *(f"replication_stager_{site}" for site in STAGED_SITES),
    "state_updater",
)
# One or two of each kind: enough where a test is not about how many there are.
FEW = frozenset(
    {
        "autossh_kko",
        "inventory",
        "metric_pusher",
        "replicator",
        "server",
    }
)
# The client that a site with workers is made to run on one of them.
WORKERS_CLIENT = "replicator"


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a compose file, as far as it differs from its neighbours."""

    name: str
    image: str
    command: tuple[str, ...]
    kind: Kind = Kind.GOOD
    constraint: str | None = None
    is_server: bool = False


def server_services() -> list[Service]:
    """List the services of stack `datatrail`."""
    tunnels = [
        Service(f"autossh_{site}", SERVER_IMAGE, ("autossh", site, KNOWN_SITES[site]))
        for site in OUTRIGGERS
    ]
    server = Service(
        "server", SERVER_IMAGE, ("server",), constraint="node.role == manager", is_server=True
    )
    return [server, Service("postgres_exporter", SERVER_IMAGE, ("postgres_exporter",)), *tunnels]


def daemon_services() -> list[Service]:
    """List the services of stack `datatrail-daemons`."""
    return [Service(name, SERVER_IMAGE, ("daemon", name)) for name in DAEMONS]


def client_services(*, with_workers: bool) -> list[Service]:
    """List the services of stack `datatrail-client` at a site."""
    services = [Service(name, CLIENT_IMAGE, ("client", name)) for name in CLIENTS]
    if not with_workers:
        return services
    return [
        replace(service, constraint="node.role == worker")
        if service.name == WORKERS_CLIENT
        else service
        for service in services
    ]


def misbehaving(services: list[Service], kinds: dict[str, Kind]) -> list[Service]:
    """Give some services another kind."""
    return [replace(service, kind=kinds.get(service.name, Kind.GOOD)) for service in services]
