"""Docker daemons and the Swarms they form."""

import base64
import json
import signal
import time
from pathlib import Path
from typing import Any

from lab import hosts, paths, processes, state, suites
from lab.daemons import registry
from lab.errors import LabError
from lab.packages import program
from lab.topology import Host

LOG_PORT = 5514
# A killed daemon leaves its pid behind, and pids come back soon in a small namespace. It may
# also leave overlay sandboxes, whose vxlan ids the next daemon then cannot use ("file exists").
_SWEEP = """
rm -f /run/docker.pid
for sandbox in /run/docker/netns/1-*; do
    [ -e "$sandbox" ] || continue
    umount "$sandbox"
    rm -f "$sandbox"
done
for link in $(ip -o link show type vxlan | cut -d: -f2); do ip link delete "$link"; done
"""
_START_SECONDS = 60
_STOP_SECONDS = 40


def configure(host: Host) -> None:
    """Write what the daemon reads at its start, and the registry login of its user."""
    folder = paths.host_folder(host.name)
    settings: dict[str, object] = {
        "insecure-registries": [registry.ADDRESS],
        # A folder of its own, so that taking the lab down can find every cgroup it left.
        "cgroup-parent": f"/{paths.label()}/{host.uts_name}",
        # The witness keeps what a container said when the container is long removed. UDP: a
        # dead witness must never keep a container from starting.
        "log-driver": "syslog",
        "log-opts": {
            "syslog-address": f"udp://127.0.0.1:{LOG_PORT}",
            "syslog-format": "rfc5424micro",
            "tag": "{{.Name}}",
        },
        "shutdown-timeout": 10,
    }
    (folder / "daemon.json").write_text(json.dumps(settings, indent=1))
    login(host)


def login(host: Host) -> None:
    """Let the host's user pull from the registry, as `docker login` would."""
    file = _login_file(host)
    file.parent.mkdir(parents=True, exist_ok=True)
    credentials = f"{registry.USER}:{registry.password()}".encode()
    auth = base64.b64encode(credentials).decode()
    file.write_text(json.dumps({"auths": {registry.ADDRESS: {"auth": auth}}}))
    file.chmod(0o600)


def logout(host: Host) -> None:
    """Forget the registry login."""
    _login_file(host).unlink(missing_ok=True)


def start(host: Host) -> None:
    """Start the daemon and wait until it answers."""
    folder = paths.host_folder(host.name)
    log = hosts.log_file(host, "dockerd")
    hosts.run(host.name, "bash", "-c", _SWEEP)
    command = ["dockerd", "--config-file", str(folder / "daemon.json")]
    words = [*suites.WORDS, *command] if state.current().shape.engine else command
    hosts.spawn(host, program(words[0]), *words[1:], log=log)
    seen: list[int] = []

    def ended() -> bool:
        there = hosts.pids(host, "dockerd")
        seen.extend(there)
        return bool(seen) and not there

    processes.wait_until(
        lambda: responds(host) or ended(),
        seconds=_START_SECONDS,
        what=f"dockerd at {host.name} (see {log})",
    )
    if not responds(host):
        raise LabError(f"dockerd at {host.name} ended as soon as it was started (see {log})")


def responds(host: Host) -> bool:
    """Whether the daemon answers right now."""
    try:
        return bool(hosts.api(host, "GET", "/_ping", timeout=2) == "OK")
    except LabError:
        return False


def stop(host: Host) -> None:
    """Stop the daemon as its service manager would: its containers end with it."""
    processes.end(hosts.pids(host, "dockerd"), seconds=_STOP_SECONDS, politely=True)
    processes.end(hosts.pids(host, "containerd"), politely=True)


def crash(host: Host) -> None:
    """Kill the daemon; its containers live on."""
    processes.end(hosts.pids(host, "dockerd", "containerd"))


def freeze(host: Host) -> None:
    """Stop the daemon from running without ending it; its containers live on."""
    processes.send(hosts.pids(host, "dockerd", "containerd"), signal.SIGSTOP)


def thaw(host: Host) -> None:
    """Let a frozen daemon run again."""
    processes.send(hosts.pids(host, "dockerd", "containerd"), signal.SIGCONT)


def init_swarm(manager: Host, ingress_subnet: str | None) -> None:
    """Make the host the manager of a new Swarm."""
    body = {"ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": manager.address}
    hosts.api(manager, "POST", "/swarm/init", body=body)
    if ingress_subnet:
        _replace_ingress(manager, ingress_subnet)


def join_swarm(host: Host, manager: Host, *, role: str, availability: str = "active") -> None:
    """Join the manager's Swarm as a worker or as another manager."""
    swarm: dict[str, Any] = hosts.api(manager, "GET", "/swarm")
    body = {
        "ListenAddr": "0.0.0.0:2377",
        "AdvertiseAddr": host.address,
        "RemoteAddrs": [f"{manager.address}:2377"],
        "JoinToken": swarm["JoinTokens"][role],
        "Availability": availability,
    }
    try:
        hosts.api(host, "POST", "/swarm/join", body=body, timeout=60)
    except LabError as error:
        # On a busy machine the daemon answers after 20 s and goes on; the caller looks for itself.
        if "will continue in the background" not in str(error):
            raise


def swarm_state(host: Host) -> dict[str, Any]:
    """Ask what the daemon says about its Swarm."""
    info: dict[str, Any] = hosts.api(host, "GET", "/info", timeout=5)
    swarm: dict[str, Any] = info["Swarm"]
    return swarm


def _replace_ingress(manager: Host, subnet: str) -> None:
    found: list[dict[str, Any]] = []

    def there() -> bool:
        networks = hosts.api(manager, "GET", "/networks", query={"filters": {"name": ["ingress"]}})
        found[:] = [network for network in networks if network["Ingress"]]
        return bool(found)

    processes.wait_until(there, seconds=20, what=f"the ingress network at {manager.name}")
    hosts.api(manager, "DELETE", f"/networks/{found[0]['Id']}")
    processes.wait_until(
        lambda: not there(), seconds=20, what=f"the old ingress network to go at {manager.name}"
    )
    body = {
        "Name": "ingress",
        "Driver": "overlay",
        "Ingress": True,
        "IPAM": {"Config": [{"Subnet": subnet}]},
    }
    _retry_create(manager, body)


def _retry_create(manager: Host, body: dict[str, object]) -> None:
    # The old network can be out of the list and still be in use for a moment.
    deadline = time.monotonic() + 20
    while True:
        try:
            hosts.api(manager, "POST", "/networks/create", body=body)
        except LabError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _login_file(host: Host) -> Path:
    return paths.host_folder(host.name) / "home" / ".docker" / "config.json"
