import re
from ipaddress import ip_address

from orchestrator.fleet.desired import PublishedPort

PROTOCOLS = ("tcp", "udp", "sctp")
LAST_PORT = 65535
_NUMBER = re.compile(r"0*[0-9]{1,5}")


def short(text: str) -> tuple[PublishedPort, ...]:
    """Read `[ip:][published:]target[/protocol]`, each a port or a range.

    Only what is published counts; without a published port, or with 0, the Swarm picks one.
    `docker stack` ignores the address and always publishes this form through the ingress
    network (docker/cli 28, cli/compose/loader, toServicePortConfigs; measured).

    Raises:
        ValueError: it is no port.

    """
    none = ValueError(f"{text!r} is no port: [ip:][published:]target[/protocol]")
    head, _, protocol = text.partition("/")
    rest, _, target = head.rpartition(":")
    host, _, published = rest.rpartition(":")
    targets, opened = port_range(target), port_range(published or "0")
    if targets is None or opened is None or protocol.lower() not in {"", *PROTOCOLS}:
        raise none
    if not _is_address(host) or (len(targets) > 1 and published and len(targets) != len(opened)):
        raise none
    return tuple(
        PublishedPort(port=port, protocol=protocol.lower() or "tcp") for port in opened if port
    )


def port_range(text: str) -> range | None:
    """Read `80` or `80-90`; None if it is neither, or out of range."""
    first, dash, last = text.partition("-")
    ends = (first, last) if dash else (first, first)
    if not all(_NUMBER.fullmatch(end) for end in ends):
        return None
    start, end = int(ends[0]), int(ends[1])
    return range(start, end + 1) if start <= end <= LAST_PORT else None


def _is_address(host: str) -> bool:
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if bare in {"", ":"}:
        return True
    try:
        ip_address(bare)
    except ValueError:
        return False
    return True
