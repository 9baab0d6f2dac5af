"""Three Swarms of eight nodes, and five stacks whose names have nothing in common.

`paddle` is a proxy on every node, published on the ingress. `quarry` is a database: pinned to the
labelled node, with a volume, a secret that somebody made by hand, and a network that others use.
`lantern` is the application: three replicas, configs and secrets from files. `walnut` reports, at
two sites. `gnats` are agents on every node of every site.
"""

from pathlib import Path

from lab import faults, hosts
from lab.standins.compose import image
from lab.standins.stacks import client_services
from lab.topology import Shape

SHAPE = Shape(sites=3, workers=3, managers_there=3)
HOME = "aux.kko"
MANAGERS = (HOME, "kko-m2", "kko-m3")
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
    stacks: [gnats, lantern, paddle, quarry, walnut]
  chime: {{manager: frb-vsop.chime, stacks: [walnut, gnats]}}
  outrigger-buffer: {{manager: outrigger_buffer.chime, stacks: [gnats]}}
"""
STACK = """
repo: {repo}
compose: {compose}
services: [{service}]
depends_on: [{needs}]
policy: {{stable: 2s}}
"""
STACKS = {
    "paddle": ("datatrail", "five/proxy/compose.yaml", "web", "lantern@kko"),
    "quarry": ("datatrail", "five/quarry.yaml", "db", ""),
    "lantern": ("datatrail", "five/lantern/compose.yaml", "app", ""),
    "walnut": ("datatrail-admin", "five/walnut-{site}.yaml", "daily", "lantern@kko"),
    "gnats": ("datatrail-admin", "five/gnats.yaml", "agent", ""),
}
_IMAGE = image(client_services(with_workers=False)[0])
_IDLE = f"image: {_IMAGE}, command: [idle], stop_grace_period: 2s"
_HEALTHY = 'healthcheck: {test: ["CMD", "/bin/true"], interval: 1s, timeout: 3s, retries: 5}'
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
      deploy: {{replicas: 3, placement: {{constraints: ["node.hostname != {IDLE_WORKER}"]}}}}}}
networks: {{quarry: {{external: true, name: quarry_pit}}}}
configs: {{wick: {{file: ./wick.conf}}}}
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


def written(folder: Path) -> Path:
    """Write the inventory; return its file."""
    (folder / "stacks").mkdir(parents=True)
    (folder / "sites.yaml").write_text(SITES)
    for name, (repo, compose, service, needs) in STACKS.items():
        text = STACK.format(repo=repo, compose=compose, service=service, needs=needs)
        (folder / "stacks" / f"{name}.yaml").write_text(text)
    return folder / "sites.yaml"


def furnish() -> None:
    """Do what people did by hand: label the node of the database, make its secret; push."""
    hosts.docker(HOME, "node", "update", "--label-add", f"{LABEL}=stone", STORE)
    hosts.run(HOME, "sh", "-c", f"echo lab | docker secret create {SECRET} -")
    for repo, files in FILES.items():
        faults.commit(repo, files)
