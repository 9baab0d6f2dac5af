"""A private Docker registry that asks for a password."""

import hashlib
import secrets
import subprocess
import sys
from pathlib import Path

from lab import hosts, paths, processes
from lab.namespaces import run, words_to_join
from lab.packages import program
from lab.topology import REGISTRY

PORT = 5000
ADDRESS = f"{REGISTRY.name}:{PORT}"
USER = "datatrail"
_CONFIG = """\
version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: {folder}/data
  delete:
    enabled: true
http:
  addr: 0.0.0.0:{port}
auth:
  htpasswd:
    realm: lab
    path: {folder}/htpasswd
"""


def password() -> str:
    """Give the registry's password, made up once for this lab."""
    file = _folder() / "password"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(18))
    return file.read_text()


def configure() -> None:
    """Write the configuration and the password file."""
    folder = _folder()
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "htpasswd").write_text(run("htpasswd", "-Bni", USER, stdin=password()))
    (folder / "config.yml").write_text(_CONFIG.format(folder=folder, port=PORT))


def start() -> None:
    """Start the registry; its images are kept from one lab to the next."""
    log = hosts.log_file(REGISTRY, "registry")
    config = str(_folder() / "config.yml")
    hosts.spawn(REGISTRY, program("docker-registry"), "serve", config, log=log)
    reachable = ["bash", "-c", f": < /dev/tcp/127.0.0.1/{PORT}"]
    processes.wait_until(
        lambda: hosts.run(REGISTRY.name, *reachable, check=False).returncode == 0,
        seconds=20,
        what=f"the registry to listen (see {log})",
    )


def fill() -> None:
    """Push the stand-in images, unless these very images are there from an earlier lab."""
    busybox = program("busybox")
    wanted = _fingerprint(Path(busybox))
    pushed = _folder() / "pushed"
    if pushed.exists() and pushed.read_text() == wanted:
        return
    _push(busybox)
    pushed.write_text(wanted)


def move_tags() -> None:
    """Push the images anew, with other digests under the same tags; `fill` puts them back."""
    (_folder() / "pushed").unlink(missing_ok=True)
    _push(program("busybox"), "2026-02-02T00:00:00Z")


def _push(busybox: str, *created: str) -> None:
    push = ["-m", "lab.standins.push", f"{REGISTRY.address}:{PORT}", USER, busybox, *created]
    subprocess.run(
        words_to_join(REGISTRY.name, sys.executable, *push),
        input=password(),
        text=True,
        cwd=paths.checkout(),
        timeout=120,
        check=True,
    )


def stop() -> None:
    """End it: connections are refused."""
    processes.end(_pids())


def is_up() -> bool:
    """Whether the process is there."""
    return bool(_pids())


def _fingerprint(busybox: Path) -> str:
    sources = sorted((paths.checkout() / "lab" / "standins").rglob("*.??*"))
    contents = [
        file.read_bytes() for file in [busybox, *sources] if file.suffix in {"", ".py", ".sh"}
    ]
    return hashlib.sha256(b"\0".join(contents)).hexdigest()


def _pids() -> list[int]:
    return hosts.pids(REGISTRY, "docker-registry")


def _folder() -> Path:
    return paths.folder() / "registry"
