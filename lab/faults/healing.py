"""Undoing faults."""

from lab import state
from lab.daemons import channel
from lab.faults import daemons, quorum
from lab.faults.network import heal_network
from lab.parallel import at_once
from lab.topology import LOGIN_ROLES, SERVICES, Host, Role


def heal(word: str | None = None) -> None:
    """Undo every network and process fault of a site or host, or of the whole lab."""
    shape = state.current().shape
    chosen = shape.hosts_of(word) if word else shape.hosts()
    at_once(heal_network, chosen)
    if word is None or any(host in SERVICES for host in chosen):
        daemons.registry_up()
        daemons.git_up()
        daemons.postgres_up()
        channel.behave(channel.Manner.OK)
    at_once(_heal_docker_host, [host for host in chosen if host.runs_docker])


def _heal_docker_host(host: Host) -> None:
    daemons.docker_thaw(host.name)
    daemons.docker_start(host.name)
    if host.role is Role.MANAGER:
        quorum.quorum_restore(host.name)
    if host.role in LOGIN_ROLES:
        daemons.registry_login(host.name)
        daemons.hostkey_restore(host.name)
