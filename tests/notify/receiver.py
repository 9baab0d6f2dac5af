"""An HTTP receiver on loopback that answers as a test says, and keeps what it was sent."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ENDLESS_BYTES = 100_000_000


@dataclass(slots=True)
class Receiver:
    """`manner`: a status to answer with, "hang", "close" (taken, and no answer), "slow",
    or "endless": 100 MB of answer."""

    manner: int | str = 200
    messages: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    port: int = 0
    sent_bytes: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/hook/s3cretpath"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def receiving(manner: int | str = 200) -> Iterator[Receiver]:
    """Receive until the end of the block."""
    receiver = Receiver(manner)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if receiver.manner == "hang":
                receiver.over.wait(30)
                return
            receiver.paths.append(self.path)
            receiver.bodies.append(body)
            receiver.headers.append(dict(self.headers))
            try:
                receiver.messages.append(json.loads(body))
            except ValueError:
                receiver.messages.append({})
            if receiver.manner == "close":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if receiver.manner == "slow":
                receiver.over.wait(0.5)
            if receiver.manner == "endless":
                self._send_without_end()
                return
            self.send_response(receiver.manner if isinstance(receiver.manner, int) else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _send_without_end(self) -> None:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while receiver.sent_bytes < ENDLESS_BYTES:
                    receiver.sent_bytes += self.wfile.write(b"x" * 100_000)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def nobody_listens() -> int:
    """Return a port of loopback at which connections are refused."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port
