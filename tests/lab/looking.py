"""Every method and path of the Engine API, asked through a login that may only look.

`python tests/lab/looking.py HOST ID...`: a line of JSON for each, with the status of the answer.
The IDs, `service=..` and the like, are of something that is there.
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from orchestrator.inventory.model import Manager
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.dial_stdio import open_stream
from orchestrator.swarm.handshake import open_hops
from orchestrator.swarm.ssh_config import SshDefaults, resolve
from orchestrator.swarm.ssh_program import SshProgram
from tests.swarm.engine_paths import OTHER_METHODS, PATHS, ROUTES, tricks

_AT_ONCE = 6
_SECONDS = 30.0


def there(path: str, ids: Mapping[str, str]) -> str:
    """Return a path of something that is there: `/services/ID` with the id of a service."""
    kind = path.split("/")[1].removesuffix("s")
    one = ids.get(kind, "x" * 25)
    return path.replace("ID", one).replace("NAME", one)


def asked(ids: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each method and path, and ways to write those that change something otherwise."""
    pairs = [*ROUTES, *((method, path) for method in OTHER_METHODS for path in PATHS)]
    for method, path in dict.fromkeys(pairs):
        yield method, f"/v1.41{there(path, ids)}"
    for method, path in (("POST", "/services/create"), ("DELETE", "/services/ID")):
        for written in tricks(there(path, ids)):
            yield method, written


def status(connection: SshConnection, method: str, target: str) -> int:
    """Return the status that is answered, on a stream of its own."""
    body = b'{"Name": "planted"}' if method in {"POST", "PUT", "PATCH"} else b""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    stream = open_stream("lab", connection)
    stream.settimeout(_SECONDS)
    try:
        head = f"{method} {target} HTTP/1.1\r\nHost: docker\r\n{length}\r\n"
        stream.sendall(head.encode() + body)
        return int(stream.recv(65536).split(b" ")[1])
    finally:
        stream.close()


def main() -> None:
    """Ask all of it, some side by side."""
    host, ids = sys.argv[1], dict(word.split("=", 1) for word in sys.argv[2:])
    home = Path.home()
    defaults = SshDefaults(home=home, user_known_hosts=(home / ".ssh/known_hosts",))
    program = SshProgram(home / ".ssh/config")
    target = resolve("lab", program, Manager(host=host), defaults)
    connection = SshConnection("lab", target, open_hops("lab", target), time.monotonic)
    pairs = list(asked(ids))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = pool.map(lambda pair: status(connection, *pair), pairs)
        for (method, path), code in zip(pairs, answers, strict=True):
            sys.stdout.write(json.dumps([method, path, code]) + "\n")
    connection.close()


if __name__ == "__main__":
    main()
