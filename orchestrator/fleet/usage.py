"""Who uses what a stack makes: networks, configs, secrets and volumes that others call external.

A Swarm refuses to remove a network, config or secret that a service refers to, and a network to
which a plain container is attached (docs/swarm.md, measured). Volumes it never removes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from orchestrator.fleet.observed import Facts, Sight
from orchestrator.fleet.unit import Unit

NETWORK, CONFIG, SECRET, VOLUME = "network", "config", "secret", "volume"
_SHORT = 12
"""So many digits of a container's id Docker shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """`user` uses what `maker` makes; `kind` is network, config, secret or volume.

    `at` is where a compose file says so, file:line:column; "" where a Swarm shows it.
    """

    user: Unit
    maker: Unit
    kind: str
    name: str
    at: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"uses {self.kind} {self.name}, which {self.maker.stack} makes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What somebody in a Swarm uses of the stack `maker`.

    `by` names the service or container in words, `stack` is whose it is, "" if nobody's. `see` is
    the command that shows it, to be typed on `node`, or where that is "" on the manager that was
    asked; `release` one that ends it, "" where none does alone.
    """

    kind: str
    name: str
    maker: str
    by: str
    stack: str
    see: str
    node: str = ""
    release: str = ""

    def __str__(self) -> str:
        return f"{self.by} uses {self.kind} {self.name}"

    def look(self, ssh: str = "") -> str:
        """Return the line that shows it; `ssh` is what ssh is told to reach the manager."""
        if self.node:
            return f"{self.see}   # on node {self.node}"
        return f"ssh {ssh} {self.see}" if ssh else f"{self.see}   # on the manager"


def used(facts: Facts) -> frozenset[tuple[str, str]]:
    """Return kind and name of every network, config, secret and volume in a service's facts."""
    found = set()
    for fact in facts:
        if fact.kind == NETWORK:
            found.add((NETWORK, fact.item))
        elif fact.kind in (CONFIG, SECRET):
            # "NAME at TARGET", or "NAME for the runtime"; a name has no spaces.
            found.add((fact.kind, fact.item.partition(" ")[0]))
        elif fact.kind == "mount" and fact.value.startswith("volume "):
            found.add((VOLUME, fact.value.removeprefix("volume ").partition(",")[0]))
    return frozenset(found)


def makers_seen(sight: Sight) -> dict[tuple[str, str], str]:
    """Return whose each network, config and secret is that belongs to a stack, by its label."""
    groups = ((NETWORK, sight.networks), (CONFIG, sight.configs), (SECRET, sight.secrets))
    return {
        (kind, resource.name): resource.stack
        for kind, group in groups
        for resource in group
        if resource.stack
    }


def usages(sight: Sight) -> tuple[Usage, ...]:
    """Return what others than a stack itself use of it, services by name, then containers."""
    makers = makers_seen(sight) | _volumes(sight)
    return tuple(
        Usage(
            kind=kind,
            name=name,
            maker=maker,
            by=by,
            stack=stack,
            see=see,
            node=node,
            release=_release(by, kind, name),
        )
        for by, stack, see, node, things in (*_services(sight), *_containers(sight))
        for kind, name in sorted(things)
        if (maker := makers.get((kind, name))) and maker != stack
    )


def _release(by: str, kind: str, name: str) -> str:
    """Return what takes a container off a network; a service has to change or go."""
    container, _, host = by.removeprefix("container ").partition(" on ")
    held = by.startswith("container ") and kind == NETWORK
    command = f"docker network disconnect --force {name} {container}   # on node {host}"
    return command if held else ""


_Using = tuple[str, str, str, str, Iterable[tuple[str, str]]]


def _services(sight: Sight) -> Iterator[_Using]:
    for service in sorted(sight.services, key=lambda service: service.name):
        see = f"docker service ps {service.name}"
        yield f"service {service.name}", service.stack, see, "", used(service.facts)


def _containers(sight: Sight) -> Iterator[_Using]:
    hosts = {node.id: node.hostname for node in sight.nodes}
    for container in sight.attached:
        short = container.id[:_SHORT]
        host = hosts.get(container.node_id, container.node_id)
        see = f"docker ps -a --filter id={short}"
        node = "" if container.node_id == sight.info.node_id else host
        yield f"container {short} on {host}", "", see, node, [(NETWORK, container.network)]


def _volumes(sight: Sight) -> dict[tuple[str, str], str]:
    """Return whose each volume is: a stack's own is called STACK_KEY, and nodes keep no label.

    Of a volume with a name of its own only the compose file tells (docker/cli
    cli/compose/convert, Namespace.Scope).
    """
    return {
        (kind, name): service.stack
        for service in sight.services
        for kind, name in used(service.facts)
        if kind == VOLUME and service.stack and name.startswith(f"{service.stack}_")
    }
