"""A TCP proxy that can misbehave: hang, swallow answers, cut."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Proxy:
    """Forwards connections to a port, until told otherwise.

    `stall` stops forwarding in both directions and keeps the connections open (half-open);
    `swallow` lets requests through and drops the answers; `cut` ends every connection.
    """

    def __init__(self, to: int, host: str = "127.0.0.1") -> None:
        self._to = (host, to)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._forward = threading.Event()
        self._forward.set()
        self._answers = threading.Event()
        self._answers.set()
        self.connections = 0
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def stall(self) -> None:
        self._forward.clear()

    def swallow(self) -> None:
        self._answers.clear()

    def heal(self) -> None:
        self._forward.set()
        self._answers.set()

    def cut(self) -> None:
        pairs, self._pairs = self._pairs, []
        for sock in (sock for pair in pairs for sock in pair):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def refuse(self) -> None:
        """End every connection, and take no more."""
        # A listener that is only closed goes on while somebody waits in accept() (socket(7)).
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def later(self, what: str, seconds: float) -> None:
        """Call the method of that name, at once or in a while."""
        act = {"stall": self.stall, "swallow": self.swallow, "cut": self.cut, "heal": self.heal}
        if seconds:
            threading.Timer(seconds, act[what]).start()
        else:
            act[what]()

    def cut_when(self, file: Path, *, and_touch: Path | None = None) -> None:
        """Cut as soon as `file` is there; then say so with another file."""

        def wait() -> None:
            while not file.exists():
                time.sleep(0.01)
            self.cut()
            if and_touch:
                and_touch.touch()

        threading.Thread(target=wait, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.create_connection(self._to)
                self._pairs.append((client, server))
                always = threading.Event()
                always.set()
                self._pump(client, server, always)
                self._pump(server, client, self._answers)

    def _pump(self, source: socket.socket, sink: socket.socket, let: threading.Event) -> None:
        def pump() -> None:
            with suppress(OSError):
                while data := source.recv(65536):
                    self._forward.wait()
                    if let.is_set():
                        sink.sendall(data)
            with suppress(OSError):
                sink.shutdown(socket.SHUT_WR)

        threading.Thread(target=pump, daemon=True).start()

    def close(self) -> None:
        """End all of it; who waits in accept is woken first.

        Else it would go on waiting on the number of its socket, and take the connections of
        whoever listens on that number next.
        """
        with suppress(OSError):  # it may refuse already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        self.heal()
        self.cut()


@contextmanager
def proxied(to: int, host: str = "127.0.0.1") -> Iterator[Proxy]:
    proxy = Proxy(to, host)
    try:
        yield proxy
    finally:
        proxy.close()


@contextmanager
def mute() -> Iterator[int]:
    """Give a port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        yield int(listener.getsockname()[1])
