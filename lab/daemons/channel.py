"""Where the lab's downtime is announced: an HTTP receiver that keeps what it is sent.

How it answers can be changed while it runs, and is read anew for each message.
"""

import json
import sys
import time
from collections.abc import Mapping
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lab import hosts, namespaces, paths, processes
from lab.topology import CHANNEL

PORT = 8080
URL = f"json://{CHANNEL.address}:{PORT}/"
VARIABLE = "DTDEPLOY_ANNOUNCE_URL"
_PATIENCE_SECONDS = 60


class Manner(Enum):
    """How it answers."""

    OK = "ok"
    REFUSES = "refuses"
    """With a status of 500; nothing is kept."""
    HANGS = "hangs"
    """It takes nothing and answers nothing."""
    LOSES_REPLY = "loses-reply"
    """It keeps the message, and closes the connection without an answer."""


def folder() -> Path:
    """Locate what it keeps."""
    return paths.folder() / "channel"


def behave(manner: Manner) -> None:
    """Let it answer so from the next message on."""
    (folder() / "manner").write_text(manner.value)


def messages() -> list[dict[str, str]]:
    """Return what it was sent, the oldest first: title, message, and when (`at`)."""
    kept = folder() / "messages"
    lines = kept.read_text().splitlines() if kept.exists() else []
    return [json.loads(line) for line in lines]


def was_asked() -> bool:
    """Whether anything was sent, kept or not."""
    return (folder() / "asked").exists()


def forget() -> None:
    """Let it have been sent nothing."""
    for name in ("messages", "asked"):
        (folder() / name).unlink(missing_ok=True)


def start() -> None:
    """Receive, from now until its host ends."""
    folder().mkdir(parents=True, exist_ok=True)
    forget()
    (folder() / "ready").unlink(missing_ok=True)
    behave(Manner.OK)
    listen = [sys.executable, "-m", "lab.daemons.channel", str(folder())]
    log = hosts.log_file(CHANNEL, "channel")
    namespaces.set_loose(namespaces.words_to_join(CHANNEL.name, *listen), log, cwd=paths.checkout())
    processes.wait_until((folder() / "ready").exists, seconds=20, what=f"the channel (see {log})")


class _Receiver(BaseHTTPRequestHandler):
    """Takes a message as Apprise's json:// sends it."""

    kept: Path

    def do_POST(self) -> None:
        """Answer as its manner is."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        (self.kept / "asked").touch()
        manner = Manner((self.kept / "manner").read_text())
        if manner in (Manner.OK, Manner.LOSES_REPLY):
            self._keep(body)
        if manner is Manner.HANGS:
            time.sleep(_PATIENCE_SECONDS)
        if manner in (Manner.OK, Manner.REFUSES):
            self.send_response(200 if manner is Manner.OK else 500)
            self.send_header("Content-Length", "0")
            self.end_headers()
        self.close_connection = True

    def _keep(self, body: Mapping[str, str]) -> None:
        told = {"title": body["title"], "message": body["message"], "at": time.time()}
        with (self.kept / "messages").open("a") as file:
            file.write(f"{json.dumps(told)}\n")


def _serve(kept: Path) -> None:
    _Receiver.kept = kept
    server = ThreadingHTTPServer(("0.0.0.0", PORT), _Receiver)  # noqa: S104 - a network of its own
    (kept / "ready").touch()
    server.serve_forever()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
