"""A Swarm that loses its quorum: one of two managers is not enough.

Coming back is done as Docker's own documentation says to do it, with --force-new-cluster: waiting
for a demotion took anything from 0.2 s to 137 s here. It restarts the tasks on that manager.
"""

import shutil
from typing import Any

from lab import hosts, namespaces, paths, processes, state
from lab.daemons import dockerd
from lab.errors import LabError
from lab.topology import Host, spare_manager

_SECONDS = 90


def quorum_loss(word: str) -> None:
    """Add a second manager to a site's Swarm and let it vanish; takes about half a minute."""
    manager = hosts.find(word)
    spare = spare_manager(manager)
    with state.locked():
        if _has_second_manager(manager):
            raise LabError(f"{manager.name} has lost its quorum already")
        _add(spare)
        try:
            dockerd.configure(spare)
            dockerd.start(spare)
            dockerd.join_swarm(spare, manager, role="Manager", availability="drain")
            processes.wait_until(
                lambda: _has_second_manager(manager), seconds=_SECONDS, what="a second manager"
            )
        finally:
            _drop(spare)
    # For some seconds the old leader still answers, then it hangs, and only then it knows.
    processes.wait_until(
        lambda: "does not have a leader" in _error(manager),
        seconds=_SECONDS,
        what=f"the Swarm of {manager.name} to lose its leader",
    )


def quorum_restore(word: str) -> None:
    """Make the manager the only one again, and wait until all its nodes are ready."""
    manager = hosts.find(word)
    if not _has_second_manager(manager):
        return _wait_for_ready_nodes(manager)
    body = {
        "ForceNewCluster": True,
        "ListenAddr": "0.0.0.0:2377",
        "AdvertiseAddr": manager.address,
    }
    hosts.api(manager, "POST", "/swarm/init", body=body, timeout=_SECONDS)
    return _wait_for_ready_nodes(manager)


def _wait_for_ready_nodes(manager: Host) -> None:
    processes.wait_until(
        lambda: _only_ready_nodes(manager),
        seconds=_SECONDS,
        what=f"the nodes of {manager.name} to be ready",
    )


def _add(spare: Host) -> None:
    lab = state.current()
    namespaces.plug([spare])
    lab.inits[spare.name] = namespaces.boot(spare, lab.shape)
    lab.save()


def _drop(spare: Host) -> None:
    lab = state.current()
    namespaces.tear_down([spare.name])
    shutil.rmtree(paths.host_folder(spare.name))
    del lab.inits[spare.name]
    lab.save()


def _has_second_manager(manager: Host) -> bool:
    spare = f"{spare_manager(manager).address}:"
    try:
        known = dockerd.swarm_state(manager)["RemoteManagers"]
    except LabError:
        return False
    return any(str(one["Addr"]).startswith(spare) for one in known)


def _error(manager: Host) -> str:
    try:
        return str(dockerd.swarm_state(manager)["Error"])
    except LabError:
        return ""


def _only_ready_nodes(manager: Host) -> bool:
    try:
        nodes: list[dict[str, Any]] = hosts.api(manager, "GET", "/nodes")
        spare = spare_manager(manager).uts_name
        for node in nodes:
            # A node that never finished joining has no name; only a spare can be that.
            if node["Description"].get("Hostname", spare) == spare:
                hosts.api(manager, "DELETE", f"/nodes/{node['ID']}", query={"force": True})
    except LabError:
        return False
    return all(node["Status"]["State"] == "ready" for node in nodes)
