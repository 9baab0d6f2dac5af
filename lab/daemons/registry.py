"""A private Docker registry that asks for a password."""

import secrets
from pathlib import Path

from lab import hosts, paths, processes
from lab.namespaces import run
from lab.packages import program
from lab.topology import REGISTRY

PORT = 5000
ADDRESS = f"{REGISTRY.name}:{PORT}"
USER = "datatrail"
_CONFIG = """\
version: 0.1
log:
  level: warn
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
    """The registry's password, made up once for this lab."""
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


def stop() -> None:
    """End it: connections are refused."""
    processes.end(_pids())


def is_up() -> bool:
    """Whether the process is there."""
    return bool(_pids())


def _pids() -> list[int]:
    return hosts.pids(REGISTRY, "docker-registry")


def _folder() -> Path:
    return paths.folder() / "registry"
