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
