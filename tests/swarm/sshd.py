"""A real sshd on loopback, started and ended by the tests, and the operator's side of it."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from orchestrator.inventory.model import Manager
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.handshake import open_hops
from orchestrator.swarm.ssh_config import SshDefaults, Target, resolve
from orchestrator.swarm.ssh_program import SshProgram

SITE = "kko"
START_SECONDS = 10.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_key(path: Path, *, passphrase: str = "", comment: str = "test") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", comment, "-f", path]
    subprocess.run([str(word) for word in command], check=True)
    return path


def public(path: Path) -> str:
    return Path(f"{path}.pub").read_text()


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running sshd. `home` is HOME of what it runs, `bin` the head of its PATH."""

    folder: Path
    port: int
    host_key: Path
    process: "subprocess.Popen[bytes]" = field(repr=False)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def known_line(self) -> str:
        return f"[127.0.0.1]:{self.port} {public(self.host_key)}"


@contextmanager
def running(folder: Path, authorized: Path, *options: str) -> Iterator[Server]:
    """Run an sshd that lets the owner of `authorized` in; `options` come first, so they win."""
    Path("/run/sshd").mkdir(exist_ok=True)  # Debian's sshd wants it, also in the foreground
    for name in ("home", "bin"):
        (folder / name).mkdir(parents=True)
    host_key = make_key(folder / "host_ed25519")
    port = free_port()
    settings = (
        *options,
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {host_key}",
        f"AuthorizedKeysFile {authorized}.pub",
        f"PidFile {folder / 'pid'}",
        f"SetEnv HOME={folder / 'home'} PATH={folder / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin",
        "StrictModes no",
        "UsePAM no",
        "PermitRootLogin yes",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
    )
    if not any(option.startswith("MaxStartups") for option in options):
        settings = (*settings, "MaxStartups 100")  # of this one the last wins
    config = folder / "sshd_config"
    config.write_text("\n".join(settings) + "\n")
    program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    assert program, "these tests need an sshd (Debian: openssh-server)"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stderr=log)
    try:
        _until_it_answers(port, folder / "log", process)
        yield Server(folder=folder, port=port, host_key=host_key, process=process)
    finally:
        process.terminate()
        process.wait()


def _until_it_answers(port: int, log: Path, process: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"sshd did not start: {log.read_text()}")


@dataclass(frozen=True, kw_only=True)
class Operator:
    """The operator's machine: a key, a known_hosts, a configuration."""

    home: Path
    key: Path
    timeout: float = 5.0

    @property
    def known_hosts(self) -> Path:
        return self.home / "known_hosts"

    def trust(self, line: str) -> None:
        with self.known_hosts.open("a") as file:
            file.write(line.rstrip("\n") + "\n")

    def defaults(self) -> SshDefaults:
        return SshDefaults(
            home=self.home,
            user_known_hosts=(self.known_hosts,),
            identity_files=(self.key,),
            connect_timeout_seconds=self.timeout,
        )

    def target(self, port: int, config: str = "") -> Target:
        manager = Manager(host="127.0.0.1", port=port)
        return resolve(SITE, self.program(config), manager, self.defaults())

    def program(self, config: str) -> SshProgram:
        """Return ssh with this for its configuration, and nothing of the machine's."""
        file = self.home / f"config-{sha256(config.encode()).hexdigest()[:12]}"
        file.write_text(config)
        return SshProgram(file)

    def via(self, proxy_port: int, server: Server) -> Target:
        """Return the way to `server` through a proxy: under its own host key name."""
        target = self.target(proxy_port)
        return replace(target, host_key_names=(f"[127.0.0.1]:{server.port}",))

    @contextmanager
    def connected(self, target: Target) -> Iterator[SshConnection]:
        hops = open_hops(SITE, target)
        connection = SshConnection(SITE, target, hops, time.monotonic)
        try:
            yield connection
        finally:
            connection.close()
