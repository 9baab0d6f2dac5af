"""A stand-in for dockerd behind a stand-in for the docker command, for a real sshd to run.

Answers are those that a daemon 20.10 was heard to give (captured/); what a test wants to be
different, it says. Whether real daemons really behave so is asked in the lab.
"""

import json
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

from tests.swarm.sshd import Server

CAPTURED = Path(__file__).parent / "captured"
Reply = tuple[int, bytes]


def captured(name: str) -> bytes:
    return (CAPTURED / f"{name}.json").read_bytes()


def error(status: int, words: str) -> Reply:
    return status, json.dumps({"message": words}).encode()


ANSWERS: Mapping[str, bytes] = {
    "/version": captured("version"),
    "/info": captured("info"),
    "/nodes": captured("nodes"),
    "/services": captured("services"),
    "/tasks": captured("tasks"),
    "/networks": captured("networks"),
    "/configs": captured("configs"),
    "/secrets": captured("secrets"),
    "/containers/json": captured("containers"),
}


@dataclass
class Daemon:
    """What it was asked, and what it is to answer.

    `hang` keeps every answer back, `quiet` only the body of one to `/logs` from `quiet_after` on.
    """

    asked: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    replies: dict[str, Callable[[], Reply]] = field(default_factory=dict)
    hang: threading.Event = field(default_factory=threading.Event)
    quiet: threading.Event = field(default_factory=threading.Event)
    quiet_after: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def reply(self, method: str, path: str) -> Reply:
        self.asked.append(f"{method} {path}")
        if self.hang.is_set():
            self.released.wait(30)
        plain = "/" + path.split("/", 2)[2] if path.startswith("/v1.") else path
        bare = urlsplit(plain).path
        chosen = self.replies.get(f"{method} {bare}") or self.replies.get(f"{method} *")
        if chosen:
            return chosen()
        if bare == "/tasks" and "up-to-date" in urlsplit(plain).query:
            return 200, captured("tasks-up-to-date")
        if bare == "/tasks" and "attachment" in urlsplit(plain).query:
            return 200, captured("tasks-attachment")
        if bare in ANSWERS:
            return 200, ANSWERS[bare]
        return error(404, f"{bare.rpartition('/')[2]} not found")

    def sent(self, method: str) -> list[str]:
        return [line.split("/", 2)[2] for line in self.asked if line.startswith(method)]

    def deleted(self) -> list[str]:
        return self.sent("DELETE")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, *_args: object) -> None:
        """Keep quiet about connections that tests cut."""


@contextmanager
def listening(sock: Path) -> Iterator[Daemon]:
    daemon = Daemon()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            if login := self.headers.get("X-Registry-Auth"):
                daemon.logins.append(login)
            if length := int(self.headers.get("Content-Length", 0)):
                daemon.bodies.append(self.rfile.read(length))
            status, body = daemon.reply(self.command, self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.flush()
            if "/logs?" in self.path and daemon.quiet.is_set():
                self.wfile.write(body[: daemon.quiet_after])
                self.wfile.flush()
                daemon.released.wait(30)
                body = body[daemon.quiet_after :]
            self.wfile.write(body)
            self.wfile.flush()

        do_DELETE = do_POST = do_GET  # noqa: N815 http.server looks for these names

        def address_string(self) -> str:
            return "unix"

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = _Server(str(sock), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield daemon
    finally:
        daemon.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
        with suppress(OSError):
            sock.unlink()


_DOCKER = """#!{python}
import os, socket, sys, threading
log = open({log!r}, "a")
if sys.argv[1:] == ["--version"]:
    print("Docker version {cli}, build 5d6db84")
elif sys.argv[1:3] == ["system", "dial-stdio"]:
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect({sock!r})
    except OSError as e:
        sys.exit("failed to open the raw stream connection: dial unix /var/run/docker.sock: "
                 "connect: " + e.strerror.lower())
    def up():
        while data := os.read(0, 65536):
            s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    threading.Thread(target=up, daemon=True).start()
    while data := s.recv(65536):
        os.write(1, data)
    os._exit(0)
else:
    log.write(repr((sys.argv[1:], os.getcwd(), dict(os.environ))) + "\\n")
    log.flush()
    if "-" in sys.argv:
        open({given!r}, "w").write(sys.stdin.read())
    exec(open({behaviour!r}).read()) if os.path.exists({behaviour!r}) else None
"""


@dataclass(frozen=True)
class Command:
    """The stand-in for the docker command on a server; `behaviour` is Python it runs."""

    log: Path
    behaviour: Path
    stdin: Path

    def runs(self) -> list[tuple[list[str], str, dict[str, str]]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [eval(line) for line in lines]  # noqa: S307 written by the stand-in above

    def given(self) -> str:
        """Return the compose file that it read last from stdin."""
        return self.stdin.read_text()


def install(server: Server, sock: Path, folder: Path, *, cli: str = "20.10.24+dfsg1") -> Command:
    """Put the docker command on the server's PATH."""
    command = Command(
        log=folder / "docker.log", behaviour=folder / "behaviour.py", stdin=folder / "stdin"
    )
    text = _DOCKER.format(
        python=sys.executable,
        sock=str(sock),
        log=str(command.log),
        behaviour=str(command.behaviour),
        given=str(command.stdin),
        cli=cli,
    )
    program = server.bin / "docker"
    program.write_text(text)
    program.chmod(0o755)
    return command
