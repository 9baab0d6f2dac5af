"""Published ports of a compose file, short and long, each with its target."""

from orchestrator.fleet.spec import Port
from orchestrator.sources.document import Table, Tree, items
from orchestrator.sources.ports import port_range
from orchestrator.sources.reading import Reader


def port_specs(tree: Tree | None, reader: Reader) -> tuple[Port, ...]:
    """Return every port of a service, each once; see `ports.short` for the short form."""
    found: dict[Port, None] = {}
    for item in items(tree):
        if isinstance(item, Table):
            found[_long(item, reader)] = None
        else:
            found.update(dict.fromkeys(_short(reader.text(item))))
    return tuple(found)


def port_count(tree: Tree | None, reader: Reader) -> int:
    """Return how many ports a service's ranges come to, without making a list of them."""
    return sum(1 if isinstance(i, Table) else _size(reader.text(i)) for i in items(tree))


def _size(text: str) -> int:
    rest, _, target = text.partition("/")[0].rpartition(":")
    ranges = (port_range(target), port_range(rest.rpartition(":")[2]))
    return max(len(found) if found else 1 for found in ranges)


def _long(body: Table, reader: Reader) -> Port:
    return Port(
        target=reader.whole(body.get("target")),
        published=reader.whole(body.get("published")),
        protocol=reader.text(body.get("protocol")).lower() or "tcp",
        mode=reader.text(body.get("mode")) or "ingress",
    )


def _short(text: str) -> tuple[Port, ...]:
    head, _, protocol = text.partition("/")
    rest, _, target = head.rpartition(":")
    targets = tuple(port_range(target) or ())
    opened = tuple(port_range(rest.rpartition(":")[2]) or (0,) * len(targets))
    if len(targets) == 1:  # a range of published ports may lead to one target
        targets *= len(opened)
    return tuple(
        Port(target=port, published=published, protocol=protocol.lower() or "tcp")
        for port, published in zip(targets, opened, strict=False)
    )
