"""The PostgreSQL behind Datatrail: real, small, and without durability."""

import shutil
import signal
import subprocess
from pathlib import Path

from lab import hosts, paths, processes
from lab.packages import program
from lab.topology import NETWORK, POSTGRES

PORT = 5432
ROLE = "datatrail"
_USER = "postgres"
_MOUNT = Path("/run/datatrail")
_DATA = _MOUNT / "data"
_SETTINGS = """
listen_addresses = '*'
unix_socket_directories = ''
fsync = off
shared_buffers = 16MB
max_connections = 100
"""
_ACCESS = f"host {ROLE} {ROLE} {NETWORK} trust\nhost {ROLE} {ROLE} 127.0.0.1/32 trust\n"


def start() -> None:
    """Start the database and wait until it takes connections."""
    _mount()
    _make()
    # Its last pid was one of a small namespace and may mean somebody else by now.
    _on_host("rm", "-f", f"{_DATA}/postmaster.pid")
    log = hosts.log_file(POSTGRES, "postgres")
    hosts.spawn(POSTGRES, *_as_postgres(program("postgres")), log=log)
    check = [program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(PORT)]
    processes.wait_until(
        lambda: hosts.run(POSTGRES.name, *check, check=False).returncode == 0,
        seconds=30,
        what=f"PostgreSQL (see {log})",
    )


def stop() -> None:
    """End it: connections are refused."""
    processes.end(_pids())


def freeze() -> None:
    """Let it take connections and answer nothing."""
    processes.send(_pids(), signal.SIGSTOP)


def thaw() -> None:
    """Let it answer again."""
    processes.send(_pids(), signal.SIGCONT)


def is_up() -> bool:
    """Whether the process is there."""
    return bool(_pids())


def _pids() -> list[int]:
    return hosts.pids(POSTGRES, "postgres")


def _mount() -> None:
    # The database's user may not be allowed to walk down to the lab's folder.
    folder = paths.folder() / "postgres"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.chown(folder, _USER)
    _on_host("mkdir", "-p", str(_MOUNT))
    if _on_host("mountpoint", "-q", str(_MOUNT), check=False).returncode:
        _on_host("mount", "--bind", str(folder), str(_MOUNT))


def _make() -> None:
    """Make the database once; later labs find it there."""
    finished = paths.folder() / "postgres" / "finished"
    if finished.exists():
        return
    _on_host("rm", "-rf", str(_DATA))
    _on_host(*_as_postgres(program("initdb"), "-A", "trust", "--no-sync", "-E", "UTF8"))
    statements = f"CREATE ROLE {ROLE} LOGIN;\n\nCREATE DATABASE {ROLE} OWNER {ROLE};\n\n"
    _on_host(*_as_postgres(program("postgres"), "--single", "-j", "postgres"), stdin=statements)
    data = paths.folder() / "postgres" / _DATA.name
    (data / "postgresql.auto.conf").write_text(_SETTINGS)
    (data / "pg_hba.conf").write_text(_ACCESS)
    finished.touch()


def _on_host(
    *command: str, check: bool = True, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    return hosts.run(POSTGRES.name, *command, check=check, stdin=stdin)


def _as_postgres(*command: str) -> list[str]:
    user = ["--reuid", _USER, "--regid", _USER, "--clear-groups"]
    environment = ["env", "-C", str(_MOUNT), f"PGDATA={_DATA}"]
    return [program("setpriv"), *user, *environment, *command]
