"""Daemons that stop, crash, freeze or show another face, and how each comes back."""

from lab import hosts
from lab.daemons import dockerd, git, postgres, registry, sshd


def docker_stop(word: str) -> None:
    """Stop dockerd as its service manager would: its containers stop too."""
    dockerd.stop(hosts.find(word))


def docker_crash(word: str) -> None:
    """Kill dockerd; its containers live on."""
    dockerd.crash(hosts.find(word))


def docker_start(word: str) -> None:
    """Start a stopped or crashed dockerd."""
    host = hosts.find(word)
    if not hosts.pids(host, "dockerd"):
        dockerd.start(host)


def docker_freeze(word: str) -> None:
    """Freeze dockerd: the Swarm sees the node go down while its containers run on."""
    dockerd.freeze(hosts.find(word))


def docker_thaw(word: str) -> None:
    """Let a frozen dockerd run again."""
    dockerd.thaw(hosts.find(word))


def hostkey(word: str) -> None:
    """Give a host another SSH host key than the operator knows."""
    host = hosts.find(word)
    sshd.change_key(host)
    sshd.restart(host)


def hostkey_restore(word: str) -> None:
    """Give a host its own SSH host key back."""
    host = hosts.find(word)
    if sshd.restore_key(host):
        sshd.restart(host)


def registry_logout(word: str) -> None:
    """Take the registry login away from a manager."""
    dockerd.logout(hosts.find(word))


def registry_login(word: str) -> None:
    """Log a manager in to the registry."""
    dockerd.login(hosts.find(word))


def registry_down() -> None:
    """Stop the registry: connections are refused."""
    registry.stop()


def registry_up() -> None:
    """Start the registry."""
    if not registry.is_up():
        registry.start()


def git_down() -> None:
    """Stop the git server: connections are refused."""
    git.stop()


def git_up() -> None:
    """Start the git server."""
    if not git.is_up():
        git.start()


def postgres_down() -> None:
    """Stop PostgreSQL: connections are refused."""
    postgres.stop()


def postgres_up() -> None:
    """Start PostgreSQL, or let a frozen one go on."""
    if postgres.is_up():
        postgres.thaw()
    else:
        postgres.start()


def postgres_freeze() -> None:
    """Freeze PostgreSQL: connections are made, and nothing answers."""
    postgres.freeze()
