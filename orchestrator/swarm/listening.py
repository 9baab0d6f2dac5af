"""On which ports a Linux host listens, from /proc/net/tcp, tcp6, udp and udp6."""

_LISTENS = {"tcp": "0A", "udp": "07"}
"""TCP_LISTEN; a UDP socket that is connected to nobody is in TCP_CLOSE
(linux/include/net/tcp_states.h, net/ipv4/udp.c)."""
_COLUMNS = 4


def ports(text: bytes, protocol: str) -> frozenset[tuple[int, str]]:
    """Return the ports on which something listens, each with `protocol`, tcp or udp.

    Args:
        text: both files of the protocol (proc(5): sl, local_address, rem_address, st).
        protocol: tcp or udp.

    """
    rows = (line.split() for line in text.decode(errors="replace").splitlines())
    return frozenset(
        (int(row[1].rpartition(":")[2], 16), protocol)
        for row in rows
        if len(row) >= _COLUMNS and row[3] == _LISTENS[protocol]
    )
