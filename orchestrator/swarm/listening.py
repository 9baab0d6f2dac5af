"""On which ports a Linux host listens, from /proc/net/tcp, tcp6, udp and udp6."""

import re

_LISTENS = {"tcp": "0A", "udp": "07"}
"""TCP_LISTEN; a UDP socket that is connected to nobody is in TCP_CLOSE
(linux/include/net/tcp_states.h, net/ipv4/udp.c)."""
_COLUMNS = 4
_ADDRESS = re.compile(r"[0-9A-F]{8}(?:[0-9A-F]{24})?:([0-9A-F]{4})")


def ports(text: bytes, protocol: str) -> frozenset[tuple[int, str]]:
    """Return the ports on which something listens, each with `protocol`, tcp or udp.

    Args:
        text: both files of the protocol (proc(5): sl, local_address, rem_address, st).
        protocol: tcp or udp.

    Raises:
        ValueError: something listens, and nobody can read where.

    """
    rows = (line.split() for line in text.decode(errors="replace").splitlines())
    return frozenset(
        (_port(row[1]), protocol)
        for row in rows
        if len(row) >= _COLUMNS and row[3] == _LISTENS[protocol]
    )


def _port(address: str) -> int:
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ValueError(f"{address[:80]!r} is no address and port")
    return int(found[1], 16)
