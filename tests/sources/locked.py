"""A git server over https that lets in one user with one password, and notes what it was asked."""

import ssl
import subprocess
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

USER, PASSWORD = "ghp_canary-0123/user", "canary:pa@ss/0123 %"


@dataclass(frozen=True, slots=True)
class Locked:
    """`certificate` is what git is to trust; `logins` are those that were tried."""

    port: int
    certificate: Path
    logins: list[tuple[str, str]] = field(default_factory=list)


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *given: object, logins: list[tuple[str, str]], **more: object) -> None:
        self.logins = logins
        super().__init__(*given, **more)  # type: ignore[arg-type] # as the server gives them

    def do_GET(self) -> None:
        login = self.headers.get("Authorization", "").removeprefix("Basic ")
        user, _, password = b64decode(login).decode().partition(":")
        if login:
            self.logins.append((user, password))
        if (user, password) == (USER, PASSWORD):
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path, scratch: Path) -> Iterator[Locked]:
    """Serve the files below `folder`, as git's dumb protocol needs them."""
    key, certificate = scratch / "key.pem", scratch / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    logins: list[tuple[str, str]] = []
    handler = partial(_Handler, logins=logins, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Locked(server.server_port, certificate, logins)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
