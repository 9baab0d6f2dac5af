"""Undoing faults."""

from lab import state
from lab.faults import daemons, quorum
from lab.faults.network import heal_network
from lab.topology import SERVICES, Host, Role


def heal(word: str | None = None) -> None:
    """Undo every network and process fault of a site or host, or of the whole lab."""
    shape = state.current().shape
    chosen = shape.hosts_of(word) if word else shape.hosts()
    for host in chosen:
        heal_network(host)
    if word is None or any(host in SERVICES for host in chosen):
        daemons.registry_up()
        daemons.git_up()
        daemons.postgres_up()
    for host in chosen:
        if host.runs_docker:
            _heal_docker_host(host)


def _heal_docker_host(host: Host) -> None:
    daemons.docker_thaw(host.name)
    daemons.docker_start(host.name)
    if host.role is not Role.MANAGER:
        return
    quorum.quorum_restore(host.name)
    daemons.registry_login(host.name)
    daemons.hostkey_restore(host.name)
