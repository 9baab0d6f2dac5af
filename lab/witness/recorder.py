"""Writes down what one daemon does: run as `python -m lab.witness.recorder HOST INIT_PID`.

It runs in the host's network, so that containers' log lines reach it over the loopback, but
outside the host's other namespaces. It ends when the host ends.
"""

import contextlib
import http.client
import json
import socket
import sys
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import TextIO

from lab import paths
from lab.daemons.dockerd import LOG_PORT
from lab.engine import API, UnixConnection

_RETRY_SECONDS = 0.1
# Beyond the limit for everybody else; the socket module has no name for it.
_SO_RCVBUFFORCE = 33
_BUFFER = 8 * 1024 * 1024
_LARGEST = 65536
# What a daemon repeats after a reconnection, and how much of it is recognised: it keeps 256.
_OVERLAP_SECONDS = 30
_REMEMBERED = 2048
_HEADER_WORDS = 7


class EventRecorder:
    """Follows a daemon's events through its restarts."""

    def __init__(self, docker_socket: Path, target: TextIO) -> None:
        self._socket = docker_socket
        self._target = target
        self._latest = 0
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def run(self) -> None:
        """Record until the process is ended: a daemon that is away comes back or the host ends."""
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._follow()
            time.sleep(_RETRY_SECONDS)

    def _follow(self) -> None:
        connection = UnixConnection(self._socket, timeout=None)
        with contextlib.closing(connection):
            since = max(0, self._latest - _OVERLAP_SECONDS)
            connection.request("GET", f"{API}/events?since={since}")
            for line in connection.getresponse():
                self._record(line)

    def _record(self, line: bytes) -> None:
        # Events come slightly out of order, so only the very same one is a repetition.
        if line in self._seen:
            return
        self._seen[line] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        event = json.loads(line)
        self._latest = max(self._latest, event["time"])
        self._target.write(json.dumps({"received": time.time(), "event": event}) + "\n")


def record_logs(target: TextIO) -> None:
    """Write every line that a container of this host says."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
    receiver.bind(("127.0.0.1", LOG_PORT))
    while True:
        message = receiver.recv(_LARGEST).decode(errors="replace")
        target.write(json.dumps({"received": time.time(), **parse(message)}) + "\n")


def parse(message: str) -> dict[str, str]:
    """Split an RFC 5424 message into the container's name and what it said."""
    words = message.split(" ", _HEADER_WORDS)
    return {"container": words[3], "text": words[_HEADER_WORDS].rstrip("\n")}


def main() -> None:
    """Record one host."""
    name, init = sys.argv[1:]
    folder = paths.witness_folder()
    docker_socket = Path(f"/proc/{init}/root/run/docker.sock")
    with (
        (folder / f"{name}.jsonl").open("a", buffering=1) as events,
        (folder / f"{name}.log").open("a", buffering=1) as logs,
    ):
        threading.Thread(target=record_logs, args=(logs,), daemon=True).start()
        EventRecorder(docker_socket, events).run()


if __name__ == "__main__":
    main()
