"""An Engine API that records what `docker stack deploy` asks for, and has nothing behind it.

So docker's own command says what a compose file means, up to the request that a Swarm would get.
"""

import json
import os
import re
import socketserver
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

_VERSION = re.compile(r"^/v[0-9.]+")
_NAMED = re.compile(r"/(services|networks|configs|secrets)/(?!create$)([^/]+)(/update)?")
_NEWEST_API = "1.50"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What one deploy asked to be created, by name, and what the command said; 0 is all well."""

    rc: int
    words: str
    services: dict[str, Any]
    networks: dict[str, Any]
    configs: dict[str, Any]
    secrets: dict[str, Any]


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Handler)
        self.created: dict[str, dict[str, Any]] = {}
        self.forget()

    def forget(self) -> None:
        self.created = {kind: {} for kind in ("services", "networks", "configs", "secrets")}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def address_string(self) -> str:
        return "docker"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
        del format, args

    def do_HEAD(self) -> None:
        self._answer({})

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        path = _VERSION.sub("", url.path)
        if path == "/info":
            node = {"NodeID": "n", "LocalNodeState": "active", "ControlAvailable": True}
            self._answer({"Swarm": node, "OSType": "linux"})
        elif found := _NAMED.fullmatch(path):
            name = urllib.parse.unquote(found[2])
            self._answer({"ID": name, "Name": name, "Scope": "swarm", "Spec": {"Name": name}})
        elif path in {"/configs", "/secrets"}:
            query = urllib.parse.parse_qs(url.query).get("filters", ["{}"])[0]
            names = json.loads(query).get("name", {})
            self._answer([{"ID": name, "Spec": {"Name": name}} for name in names])
        else:
            self._answer([] if path in {"/services", "/networks"} else {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        kind = _VERSION.sub("", urllib.parse.urlsplit(self.path).path).split("/")[1]
        if kind in self.server.created:
            self.server.created[kind][body["Name"]] = body
        self._answer({"ID": body.get("Name", ""), "Id": body.get("Name", "")}, 201)

    def _answer(self, value: object, code: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(code)
        for name, text in (
            ("Api-Version", _NEWEST_API),
            ("Ostype", "linux"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(content))),
        ):
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@dataclass(frozen=True, slots=True)
class RecordedEngine:
    """Asks one docker command; `folder` is where files that are named in compose files lie."""

    docker: Path
    is_newest: bool
    folder: Path
    server: _Server = field(repr=False)

    def deploy(self, text: str | bytes, variables: Mapping[str, str] | None = None) -> Deployed:
        """Have a compose file deployed as the stack `s`."""
        self.server.forget()
        content = text.encode() if isinstance(text, str) else text
        environment = {
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
            # Half of what so short a command costs is the Go runtime's.
            "GOMAXPROCS": "1",
            "GOGC": "off",
            **(variables or {}),
        }
        ran = subprocess.run(
            [
                *(self.docker, "-H", f"unix://{self.server.server_address!s}"),
                *("stack", "deploy", "--resolve-image", "never", "-c", "-", "s"),
            ],
            check=False,
            input=content,
            capture_output=True,
            env=environment,
            cwd=self.folder,
            timeout=60,
        )
        created = self.server.created
        return Deployed(ran.returncode, ran.stderr.decode(errors="replace"), **created)


@cache
def docker_versions() -> dict[Path, str]:
    """Find the docker commands of this machine, the newest first, one of each version."""
    found: dict[str, Path] = {}
    for folder in os.environ["PATH"].split(os.pathsep):
        command = Path(folder, "docker")
        if not os.access(command, os.X_OK):
            continue
        asked = [str(command), "version", "--format", "{{.Client.Version}}"]
        said = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=60)
        version = said.stdout.strip()
        if version[:1].isdigit():
            found.setdefault(version, command)
    return {found[version]: version for version in sorted(found, key=_by_number, reverse=True)}


def docker_commands() -> list[Path]:
    """Return the docker commands of this machine, the newest first."""
    return list(docker_versions())


def _by_number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]+", version)[:3])


@contextmanager
def recorded_engine(docker: Path, folder: Path) -> Iterator[RecordedEngine]:
    """Serve the API on a socket within `folder` for the docker command at `docker`."""
    with _Server(folder / "engine.sock") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield RecordedEngine(docker, docker == docker_commands()[0], folder, server)
        finally:
            server.shutdown()
            thread.join()
