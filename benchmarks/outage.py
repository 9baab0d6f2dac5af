"""How long the server does not answer: asked every 100 ms until standard input ends.

    python benchmarks/outage.py HOST PORT

Prints the longest time, in seconds, between two good answers.
"""

import select
import socket
import sys
import time

_PERIOD_SECONDS = 0.1
_TIMEOUT_SECONDS = 1.0
_REQUEST = b"GET /health/check HTTP/1.0\r\n\r\n"


def main(host: str, port: int) -> None:
    """Ask until standard input ends, then print the longest silence."""
    longest, answered = 0.0, time.monotonic()
    while not select.select([sys.stdin], [], [], _PERIOD_SECONDS)[0]:
        if _answers(host, port):
            now = time.monotonic()
            longest, answered = max(longest, now - answered), now
    print(f"{longest:.2f}")


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_SECONDS) as connection:
            connection.settimeout(_TIMEOUT_SECONDS)
            connection.sendall(_REQUEST)
            said = b"".join(iter(lambda: connection.recv(4096), b""))
    except OSError:
        return False
    return b'{"status":"ok"' in said.replace(b" ", b"")


main(sys.argv[1], int(sys.argv[2]))
