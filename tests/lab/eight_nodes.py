"""Three Swarms of eight nodes, and five stacks whose names have nothing in common.

`paddle` is a proxy on every node, published on the ingress. `quarry` is a database: pinned to the
labelled node, with a volume, a secret that somebody made by hand, and a network that others use.
`lantern` is the application: three replicas, configs and secrets from files. `Wal_Nut` reports, at
two sites. `gnats` are agents on every node of every site.
"""

from collections.abc import Collection
from pathlib import Path

from ruamel.yaml import YAML

from lab import faults, hosts, state
from lab.daemons import dockerd
from lab.faults.network import heal_network
from lab.standins.compose import image
from lab.standins.stacks import client_services
from lab.topology import Role, Shape

SHAPE = Shape(sites=3, workers=3, managers_there=3)
FIRST, SECOND, THIRD = MANAGERS = ("aux.kko", "kko-m2", "kko-m3")
_AT_KKO = 6
STORE = "kko-w1"
"""The node that is labelled, for the database."""
LABEL = "shelf"
IDLE_WORKER = "kko-w3"
"""The worker on which only what runs on every node runs."""
SECRET = "quarry-password"
VOLUME = "quarry_rock"
SITES = f"""
version: 1
coordinator: kko
repos:
  datatrail: {{url: "ssh://git@github.com/chimefrb/datatrail", ref: main}}
  datatrail-admin: {{url: "ssh://git@github.com/chimefrb/datatrail-admin", ref: main}}
sites:
  kko:
    manager: [{", ".join(MANAGERS)}]
    stacks: [gnats, lantern, paddle, quarry, Wal_Nut]
  chime: {{manager: frb-vsop.chime, stacks: [Wal_Nut, gnats]}}
  outrigger-buffer: {{manager: outrigger_buffer.chime, stacks: [gnats]}}
"""
STACK = """
repo: {repo}
compose: {compose}
services: [{service}]
depends_on: [{needs}]
policy: {{stable: 1s}}
"""
STACKS = {
    "paddle": ("datatrail", "five/proxy/compose.yaml", "web", "lantern@kko"),
    "quarry": ("datatrail", "five/quarry.yaml", "db", ""),
    "lantern": ("datatrail", "five/lantern/compose.yaml", "app", ""),
    "Wal_Nut": ("datatrail-admin", "five/walnut-{site}.yaml", "daily", "lantern@kko"),
    "gnats": ("datatrail-admin", "five/gnats.yaml", "agent", ""),
}
IMAGE = image(client_services(with_workers=False)[0])
_IDLE = f"image: {IMAGE}, command: [idle], stop_grace_period: 2s"
_HEALTHY = 'healthcheck: {test: ["CMD", "/bin/true"], interval: 1s, timeout: 15s, retries: 15}'
_WALNUT = f"""
version: "3.8"
services:
  daily: {{{_IDLE}, networks: [quarry], deploy: {{placement: {{constraints: [PLACE]}}}}}}
networks: {{quarry: NETWORK}}
"""
FILES = {
    "datatrail": {
        "five/proxy/compose.yaml": f"""
version: "3.8"
services:
  web:
    {{{_IDLE}, ports: ["18080:8001"], deploy: {{mode: global}}, configs: [routes]}}
configs: {{routes: {{file: ./routes.conf}}}}
""",
        "five/proxy/routes.conf": "/ -> lantern\n",
        "five/quarry.yaml": f"""
version: "3.8"
services:
  db:
    {{{_IDLE}, {_HEALTHY}, networks: [pit], volumes: ["rock:/data"], secrets: [{SECRET}],
      deploy: {{placement: {{constraints: ["node.labels.{LABEL} == stone"]}}}}}}
networks: {{pit: {{driver: overlay, attachable: true}}}}
volumes: {{rock: {{}}}}
secrets: {{{SECRET}: {{external: true}}}}
""",
        "five/lantern/compose.yaml": f"""
version: "3.8"
services:
  app:
    {{{_IDLE}, networks: [default, quarry], configs: [wick], secrets: [oil],
      volumes: ["rock:/data:ro"],
      deploy: {{replicas: 3, placement: {{constraints: ["node.hostname != {IDLE_WORKER}"]}}}}}}
networks: {{quarry: {{external: true, name: quarry_pit}}}}
configs: {{wick: {{file: ./wick.conf}}}}
volumes: {{rock: {{external: true, name: {VOLUME}}}}}
secrets: {{oil: {{file: ./oil.txt}}}}
""",
        "five/lantern/wick.conf": "length = 3\n",
        "five/lantern/oil.txt": "for the lab alone\n",
    },
    "datatrail-admin": {
        "five/walnut-kko.yaml": _WALNUT.replace("PLACE", "node.role == manager").replace(
            "NETWORK", "{external: true, name: quarry_pit}"
        ),
        "five/walnut-chime.yaml": _WALNUT.replace("PLACE", "node.role == manager").replace(
            "NETWORK", "{driver: overlay}"
        ),
        "five/gnats.yaml": f"""
version: "3.8"
services:
  agent: {{{_IDLE}, deploy: {{mode: global}}}}
""",
    },
}


def written(folder: Path, only: Collection[str] = STACKS) -> Path:
    """Write the inventory, or one that knows these stacks alone; return its file."""
    (folder / "stacks").mkdir(parents=True)
    sites = YAML().load(SITES)
    for name, site in list(sites["sites"].items()):
        site["stacks"] = [stack for stack in site["stacks"] if stack in only]
        if not site["stacks"]:
            del sites["sites"][name]
    YAML().dump(sites, folder / "sites.yaml")
    for name in only:
        repo, compose, service, needs = STACKS[name]
        text = STACK.format(repo=repo, compose=compose, service=service, needs=needs)
        (folder / "stacks" / f"{name}.yaml").write_text(text)
    return folder / "sites.yaml"


def furnish() -> None:
    """Do what people did by hand: the label, the secret; push; let lost nodes join again."""
    for repo, files in FILES.items():
        faults.commit(repo, files)
    _rejoin()
    for node in _nodes():
        change = ("--label-add", f"{LABEL}=stone") if node == STORE else ("--label-rm", LABEL)
        hosts.docker(SECOND, "node", "update", *change, node, check=False)
    hosts.docker(SECOND, "secret", "create", SECRET, "/etc/hostname", check=False)


def _rejoin() -> None:
    shape = state.current().shape
    for host in shape.hosts_of("kko"):
        if host.uts_name not in _nodes():
            heal_network(host)
            hosts.docker(host.name, "swarm", "leave", "--force", check=False)
            role = "Worker" if host.role is Role.WORKER else "Manager"
            dockerd.join_swarm(host, hosts.find(SECOND), role=role)


def _nodes() -> list[str]:
    return hosts.docker(SECOND, "node", "ls", "--format", "{{.Hostname}}").stdout.split()


def away() -> set[str]:
    """Return the nodes of the big Swarm that it misses."""
    asked = hosts.docker(SECOND, "node", "ls", "--format", "{{.Hostname}} {{.Status}}", check=False)
    return {line.split()[0] for line in asked.stdout.splitlines() if line.split()[1] != "Ready"}


def are_ready() -> bool:
    """Whether all of its nodes are there."""
    return len(_nodes()) == _AT_KKO and not away()
