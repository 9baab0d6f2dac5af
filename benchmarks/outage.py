"""How long the server does not answer: asked every 100 ms until standard input ends.

    python benchmarks/outage.py HOST PORT

Prints the longest time, in seconds, between two questions that were answered well. Each is
asked on its own, so one that hangs does not hide the next. A slow answer is an answer; a slow
connection is none: the kernel would go on knocking until a new server opens.
"""

import select
import socket
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

_PERIOD_SECONDS = 0.1
_CONNECT_SECONDS = 0.3
_ANSWER_SECONDS = 5.0
_AT_ONCE = 100
_REQUEST = b"GET /health/check HTTP/1.0\r\n\r\n"


def main(host: str, port: int) -> None:
    """Ask until standard input ends, then print the longest silence."""
    asked: list[tuple[float, Future[bool]]] = []
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        while not select.select([sys.stdin], [], [], _PERIOD_SECONDS)[0]:
            asked.append((time.monotonic(), pool.submit(_answers, host, port)))
    good = [at for at, answer in asked if answer.result()]
    print(f"{max((after - before for before, after in pairwise(good)), default=0):.2f}")


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_SECONDS) as connection:
            connection.settimeout(_ANSWER_SECONDS)
            connection.sendall(_REQUEST)
            said = b"".join(iter(lambda: connection.recv(4096), b""))
    except OSError:
        return False
    return b'{"status":"ok"' in said.replace(b" ", b"")


main(sys.argv[1], int(sys.argv[2]))
