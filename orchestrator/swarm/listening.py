"""Which TCP ports a Linux host listens on, from /proc/net/tcp and tcp6."""

_LISTEN = "0A"  # TCP_LISTEN (linux/include/net/tcp_states.h)
_COLUMNS = 4


def ports(text: bytes) -> frozenset[int]:
    """Return the ports on which something listens.

    Args:
        text: both files, one after the other (proc(5): sl, local_address, rem_address, st).

    """
    rows = (line.split() for line in text.decode(errors="replace").splitlines())
    return frozenset(
        int(row[1].rpartition(":")[2], 16)
        for row in rows
        if len(row) >= _COLUMNS and row[3] == _LISTEN
    )
