"""A Swarm that loses its quorum: half of two managers is not enough."""

from typing import Any

from lab import hosts, namespaces, processes, state
from lab.daemons import dockerd
from lab.errors import LabError
from lab.topology import Host, spare_manager

_SECONDS = 40


def quorum_loss(word: str) -> None:
    """Add a second manager to a site's Swarm and freeze it."""
    manager = hosts.find(word)
    spare = spare_manager(manager)
    with state.locked():
        if spare.name in state.current().inits:
            raise LabError(f"{manager.name} has lost its quorum already")
        _add(spare)
        dockerd.configure(spare)
        dockerd.start(spare)
        dockerd.join_swarm(spare, manager, role="Manager", availability="drain")
        processes.wait_until(
            lambda: _managers(manager) == 2, seconds=_SECONDS, what="a second manager"
        )
        dockerd.freeze(spare)
        processes.wait_until(
            lambda: not _has_leader(manager),
            seconds=_SECONDS,
            what=f"the Swarm of {manager.name} to lose its leader",
        )


def quorum_restore(word: str) -> None:
    """Bring the second manager back, take it out of the Swarm and remove it."""
    manager = hosts.find(word)
    spare = spare_manager(manager)
    with state.locked():
        if spare.name not in state.current().inits:
            return
        dockerd.thaw(spare)
        processes.wait_until(
            lambda: _has_leader(manager),
            seconds=_SECONDS,
            what=f"the Swarm of {manager.name} to have a leader again",
        )
        _retire(spare, manager)
        _drop(spare)
        processes.wait_until(
            lambda: _has_leader(manager) and _managers(manager) == 1,
            seconds=_SECONDS,
            what=f"{manager.name} to be the only manager",
        )


def _add(spare: Host) -> None:
    lab = state.current()
    namespaces.plug([spare])
    lab.inits[spare.name] = namespaces.boot(spare)
    lab.save()


def _drop(spare: Host) -> None:
    lab = state.current()
    namespaces.tear_down([spare.netns])
    del lab.inits[spare.name]
    lab.save()


def _retire(spare: Host, manager: Host) -> None:
    node_id = dockerd.swarm_state(spare)["NodeID"]

    def demoted() -> bool:
        # Each answer is true for a moment only while the two still elect a leader.
        try:
            node = hosts.api(manager, "GET", f"/nodes/{node_id}")
            if node["Spec"]["Role"] == "worker":
                return "ManagerStatus" not in node
            version = {"version": node["Version"]["Index"]}
            body = node["Spec"] | {"Role": "worker"}
            hosts.api(manager, "POST", f"/nodes/{node_id}/update", query=version, body=body)
        except LabError:
            return False
        return False

    processes.wait_until(demoted, seconds=_SECONDS, what=f"{spare.name} to be no manager")
    hosts.api(spare, "POST", "/swarm/leave", query={"force": True}, timeout=_SECONDS)
    hosts.api(manager, "DELETE", f"/nodes/{node_id}", query={"force": True})


def _managers(manager: Host) -> int:
    try:
        nodes: list[dict[str, Any]] = hosts.api(manager, "GET", "/nodes")
    except LabError:
        return 0
    states = [node["ManagerStatus"]["Reachability"] for node in nodes if "ManagerStatus" in node]
    return states.count("reachable")


def _has_leader(manager: Host) -> bool:
    try:
        swarm = dockerd.swarm_state(manager)
    except LabError:
        return False
    return bool(swarm["Managers"]) and not swarm["Error"]
