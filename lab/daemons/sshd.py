"""Logging in: host keys, the operators' keys, and the ssh daemons."""

from pathlib import Path

from lab import hosts, paths, processes, state
from lab.namespaces import run
from lab.packages import program
from lab.topology import LOGIN_ROLES, OPERATORS, Host

_CONFIG = """\
HostKey {key}
PidFile /run/sshd.pid
AuthorizedKeysFile {authorized}
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
"""


def configure(host: Host, *, force_command: Path | None = None) -> None:
    """Write the daemon's configuration; the host key is kept from one lab to the next."""
    folder = paths.host_folder(host.name)
    restore_key(host)
    make_key(key_file(host), comment=host.name)
    authorized = " ".join(str(operator_key(machine).with_suffix(".pub")) for machine in OPERATORS)
    text = _CONFIG.format(key=key_file(host), authorized=authorized)
    if force_command:
        text += f"ForceCommand {force_command}\n"
    (folder / "sshd_config").write_text(text)


def operator_key(machine: Host) -> Path:
    """Locate the private key of the operator at that machine."""
    return paths.host_folder(machine.name) / "home" / ".ssh" / "id_ed25519"


def key_file(host: Host) -> Path:
    """Locate the host's private key."""
    return paths.host_folder(host.name) / "ssh_host_ed25519_key"


def make_key(file: Path, *, comment: str) -> None:
    """Make a key unless there is one."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file))


def change_key(host: Host) -> None:
    """Put another host key in place and keep the true one aside."""
    for key in _key_files(host):
        if not _aside(key).exists():
            key.rename(_aside(key))
    key_file(host).unlink(missing_ok=True)
    make_key(key_file(host), comment=host.name)


def restore_key(host: Host) -> bool:
    """Put the true host key back; false when it was never taken away."""
    aside = [(key, _aside(key)) for key in _key_files(host) if _aside(key).exists()]
    for key, true_key in aside:
        true_key.replace(key)
    return bool(aside)


def start(host: Host) -> None:
    """Start the daemon and wait until it listens."""
    config = str(paths.host_folder(host.name) / "sshd_config")
    log = hosts.log_file(host, "sshd")
    hosts.run(host.name, "rm", "-f", "/run/sshd.pid")
    hosts.spawn(host, program("sshd"), "-D", "-e", "-f", config, log=log)
    listening = Path(f"/proc/{state.init_pid(host)}/root/run/sshd.pid")
    processes.wait_until(listening.exists, seconds=10, what=f"sshd at {host.name} (see {log})")


def stop(host: Host) -> None:
    """End the daemon and every login."""
    processes.end(hosts.pids(host, "sshd"))


def restart(host: Host) -> None:
    """Read configuration and host key anew; logins that are open stay open."""
    processes.end(listeners(host))
    start(host)


def listeners(host: Host) -> list[int]:
    """Find the daemon itself, without the processes that serve a login."""
    return [pid for pid in hosts.pids(host, "sshd") if "[listener]" in processes.command_line(pid)]


def public_key(host: Host) -> str:
    """Type and key as a known_hosts line wants them."""
    kind, key, *_ = key_file(host).with_suffix(".pub").read_text().split()
    return f"{kind} {key}"


def _key_files(host: Host) -> list[Path]:
    return [key_file(host), key_file(host).with_suffix(".pub")]


def _aside(key: Path) -> Path:
    return key.with_name(f"true_{key.name}")


def write_operator_files(machine: Host, all_hosts: list[Host]) -> None:
    """Give the operator at a machine a client configuration and the right host keys."""
    folder = operator_key(machine).parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    serving = [host for host in all_hosts if host.runs_sshd]
    lines = [f"{host.name} {public_key(host)}\n" for host in serving]
    (folder / "known_hosts").write_text("".join(lines))
    managers = " ".join(host.name for host in serving if host.role in LOGIN_ROLES)
    (folder / "config").write_text(
        f"Host {managers}\n    User root\n\n"
        "Host *\n    IdentityFile ~/.ssh/id_ed25519\n    IdentitiesOnly yes\n"
        "    StrictHostKeyChecking yes\n    BatchMode yes\n    ConnectTimeout 10\n"
    )
