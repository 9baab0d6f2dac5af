"""The least a restart can take on this machine: docker beside each daemon, no SSH, full width."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lab import hosts

_POLL_SECONDS = 0.05
_DEADLINE_SECONDS = 120
_TERMINAL = frozenset({"complete", "shutdown", "failed", "rejected", "remove", "orphaned"})
Unit = tuple[str, str, str]
"""(host, stack, compose file on the host)"""


def restart(server: Unit, others: list[Unit], answers: Callable[[], bool]) -> None:
    """Take everything down and up again, as fast as the daemons allow."""
    with ThreadPoolExecutor(max_workers=len(others)) as pool:
        list(pool.map(_down, others))
        _down(server)
        _up(server)
        _until(answers, "the server to answer")
        list(pool.map(_up, others))


def _down(unit: Unit) -> None:
    host, stack, _ = unit
    for service in _listed(host, "services", stack):
        hosts.api(hosts.find(host), "DELETE", f"/services/{service['ID']}")
    _until(lambda: not _alive(host, stack), f"the tasks of {stack} at {host} to end")
    hosts.docker(host, "stack", "rm", stack)
    _until(lambda: not _listed(host, "networks", stack), f"the networks of {stack} at {host}")


def _up(unit: Unit) -> None:
    host, stack, file = unit
    hosts.docker(host, "stack", "deploy", "-c", file, "--with-registry-auth", stack)
    _until(lambda: _all_run(host, stack), f"{stack} at {host} to run")


def _all_run(host: str, stack: str) -> bool:
    modes = [service["Spec"]["Mode"] for service in _listed(host, "services", stack)]
    wanted = sum(int(mode["Replicated"]["Replicas"]) for mode in modes)
    tasks = _listed(host, "tasks", stack)
    return sum(1 for task in tasks if task["Status"]["State"] == "running") == wanted


def _alive(host: str, stack: str) -> list[Any]:
    tasks = _listed(host, "tasks", stack)
    return [task for task in tasks if task["Status"]["State"] not in _TERMINAL]


def _listed(host: str, what: str, stack: str) -> list[Any]:
    label = {"label": [f"com.docker.stack.namespace={stack}"]}
    found: list[Any] = hosts.api(hosts.find(host), "GET", f"/{what}", query={"filters": label})
    return found


def _until(so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {_DEADLINE_SECONDS} s for {what}")
        time.sleep(_POLL_SECONDS)
