"""The content of the three repositories, at the paths that the handbook names. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from lab.errors import LabError
from lab.standins import stacks
from lab.standins.compose import compose_file, environment_file
from lab.standins.kinds import Kind
from lab.topology import POSTGRES, SITE_WITH_WORKERS, Shape

DATATRAIL = "datatrail"
ADMIN = "datatrail-admin"
DEVOPS = "frb-devops"
OWNER = "chimefrb"

SERVER_STACK = "datatrail"
DAEMONS_STACK = "datatrail-daemons"
CLIENT_STACK = "datatrail-client"


@dataclass(frozen=True, slots=True)
class Source:
    """The compose file behind a stack at a site."""

    repo: str
    path: str


def source(stack: str, site: str) -> Source:
    """Tell which file describes a stack at a site."""
    if stack == SERVER_STACK:
        return Source(DATATRAIL, "stacks/server-compose.yaml")
    if stack == DAEMONS_STACK:
        return Source(DATATRAIL, "stacks/daemon-compose.yaml")
    if stack == CLIENT_STACK:
        return Source(ADMIN, f"stacks/{site}-client.yaml")
    raise LabError(f"no stand-in stack is called {stack!r}")


def repositories(shape: Shape) -> dict[str, dict[str, str]]:
    """All files of all repositories, as they are when nothing is wrong."""
    everything: dict[str, dict[str, str]] = {
        DATATRAIL: {
            "README.md": "# Datatrail\n\nA stand-in.\n",
            "stacks/datatrail.env": environment_file(),
            "stacks/config/datatrail.toml": '[datatrail]\nscope = "all"\n',
        },
        ADMIN: {
            "README.md": "# Datatrail admin\n\nA stand-in.\n",
            "stacks/datatrail-client.env": environment_file(),
            "stacks/config/client.toml": "[client]\nworkers = 1\n",
        },
        DEVOPS: {"l4-terminus/postgres/compose.yml": _POSTGRES_COMPOSE},
    }
    units = [(SERVER_STACK, "chime"), (DAEMONS_STACK, "chime")]
    units += [(CLIENT_STACK, site) for site in shape.site_managers()]
    for stack, site in units:
        place = source(stack, site)
        everything[place.repo][place.path] = stack_file(shape, stack, site, {})
    return everything


def stack_file(shape: Shape, stack: str, site: str, kinds: Mapping[str, Kind]) -> str:
    """Write the compose file of a stack with some of its services misbehaving."""
    services = services_of(shape, stack, site)
    unknown = kinds.keys() - {service.name for service in services}
    if unknown:
        raise LabError(f"stack {stack} has no service {', '.join(sorted(unknown))}")
    client = stack == CLIENT_STACK
    names = {host.name: host.address for host in (POSTGRES, *shape.managers())}
    return compose_file(
        f"{stack} at {site}",
        stacks.misbehaving(services, dict(kinds)),
        env_file="./datatrail-client.env" if client else "./datatrail.env",
        hosts=names,
        config="./config/client.toml" if client else "./config/datatrail.toml",
        # Docker starts itself anew for each task behind a virtual address (`fwmarker`).
        virtual_addresses=not shape.few,
    )


def services_of(shape: Shape, stack: str, site: str) -> list[stacks.Service]:
    """List the services of a stack at a site, as the lab's shape has them now."""
    everything = _all_services(shape, stack, site)
    return [each for each in everything if not shape.few or each.name in stacks.FEW]


def _all_services(shape: Shape, stack: str, site: str) -> list[stacks.Service]:
    if stack == SERVER_STACK:
        return stacks.server_services()
    if stack == DAEMONS_STACK:
        return stacks.daemon_services()
    with_workers = site == SITE_WITH_WORKERS and shape.workers > 0
    return stacks.client_services(with_workers=with_workers)


_POSTGRES_COMPOSE = """\
version: "3.8"
services:
  postgres:
    image: postgres:15
    command: postgres -c max_connections=500
    environment:
      POSTGRES_USER: datatrail
      POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password
    ports:
      - target: 5432
        published: 5432
        mode: host
    volumes:
      - postgres:/var/lib/postgresql/data
    secrets: [postgres_password]
secrets:
  postgres_password:
    external: true
volumes:
  postgres:
"""
