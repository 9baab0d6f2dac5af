"""The PostgreSQL behind Datatrail: real, small, and without durability."""

import shutil
import signal
from pathlib import Path

from lab import hosts, paths, processes
from lab.namespaces import CLEAN_ENVIRONMENT, run
from lab.packages import program
from lab.topology import NETWORK, POSTGRES

PORT = 5432
ROLE = "datatrail"
_USER = "postgres"
_SETTINGS = """
listen_addresses = '*'
unix_socket_directories = ''
fsync = off
shared_buffers = 16MB
max_connections = 100
"""
_ACCESS = f"host {ROLE} {ROLE} {NETWORK} trust\nhost {ROLE} {ROLE} 127.0.0.1/32 trust\n"


def configure() -> None:
    """Make the database once; later labs find it there."""
    data = _data()
    finished = data.parent / "finished"
    if not finished.exists():
        shutil.rmtree(data, ignore_errors=True)
        data.parent.mkdir(parents=True, exist_ok=True)
        shutil.chown(data.parent, _USER)
        run(*_as_postgres(program("initdb"), "-A", "trust", "--no-sync", "-E", "UTF8"))
        statements = f"CREATE ROLE {ROLE} LOGIN;\nCREATE DATABASE {ROLE} OWNER {ROLE};\n"
        single = _as_postgres(program("postgres"), "--single", "-j", "postgres")
        run(*single, stdin=statements.replace("\n", "\n\n"))
        (data / "postgresql.auto.conf").write_text(_SETTINGS)
        (data / "pg_hba.conf").write_text(_ACCESS)
        finished.touch()
    # Its pid was one of a small namespace and means somebody else in the next one.
    (data / "postmaster.pid").unlink(missing_ok=True)


def start() -> None:
    """Start the database and wait until it takes connections."""
    (_data() / "postmaster.pid").unlink(missing_ok=True)
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


def _as_postgres(*command: str) -> list[str]:
    user = ["--reuid", _USER, "--regid", _USER, "--clear-groups"]
    environment = ["env", f"PGDATA={_data()}", f"PATH={CLEAN_ENVIRONMENT['PATH']}"]
    return [program("setpriv"), *user, *environment, *command]


def _data() -> Path:
    return paths.folder() / "postgres" / "data"
