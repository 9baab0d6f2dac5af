"""The lab's real Swarms as a world: effects go the way they go in production."""

import os
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from lab import faults, hosts, paths, processes, state
from lab.faults.network import heal_network
from lab.topology import spare_manager
from orchestrator.fleet.unit import Unit
from orchestrator.procedures.effects import (
    CreateConfig,
    DeleteConfig,
    Effect,
    Observe,
    ReadConfig,
    RemoveServices,
    UpdateConfig,
)
from orchestrator.sources.model import Sourced
from tests.contract.stacks import MARK, Part
from tests.contract.world import HOSTS, PAIR, QUIET, WORKER
from tests.lab.performing import PROXIED, AtOnce, LabPerformer, Misbehave

_LABEL = "com.docker.stack.namespace"
_QUORUM_SECONDS = 120
_MOST_PATIENCE = 5.0


class RealWorld:
    """Four of the lab's sites, seen through a live performer on the operator's machine."""

    def __init__(self, performer: LabPerformer) -> None:
        self._performer = performer
        self._losing: threading.Thread | None = None
        self._left: Unit | None = None

    @property
    def patience(self) -> float:
        """Follow the load: what an idle machine does at once, a busy one does late."""
        busy = max(os.getloadavg()[:2]) / (os.cpu_count() or 1)
        return min(max(busy, 1.0), _MOST_PATIENCE)

    def unit(self, name: str, site: str) -> Unit:
        # What an earlier session left may still be going away.
        return Unit(f"contract-{os.getpid()}-{name}", site)

    def now(self) -> float:
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def at_once(self, effects: Sequence[Effect]) -> tuple[object, ...]:
        answers = self._performer.perform(AtOnce(tuple(effects)))
        assert isinstance(answers, tuple)
        return answers

    def learn(self, item: Sourced, parts: Sequence[Part]) -> None:
        """Do nothing: Docker reads the release itself."""

    def really_running(self, unit: Unit) -> Counter[str]:
        """Count process namespaces in which processes of the unit are, by their host's cgroup."""
        mark = f"{MARK}={unit.stack}"
        found = {_container(pid) for pid in processes.all_pids() if _marked(pid, mark)}
        return Counter(node for node, _ in found if node)

    def person_removes(self, unit: Unit) -> None:
        # What was removed before and is still listed makes it fail, as a person would see.
        hosts.docker(HOSTS[unit.site], "stack", "rm", unit.stack, check=False)

    def clear_away(self, unit: Unit) -> None:
        """Remove its services, and its network when the next unit goes.

        Docker 28 gives the addresses of a network that is removed to the next one, whose tasks
        are rejected where those of the first still end.
        """
        host, label = HOSTS[unit.site], f"label={_LABEL}={unit.stack}"
        ids = hosts.docker(host, "service", "ls", "--quiet", "--filter", label).stdout.split()
        if ids:
            hosts.docker(host, "service", "rm", *ids, check=False)
        self.clear_away_the_last()
        self._left = unit

    def clear_away_the_last(self) -> None:
        if self._left is not None:
            self.person_removes(self._left)
        self._left = None

    def kill(self, unit: Unit) -> None:
        host, label = HOSTS[unit.site], f"label={_LABEL}={unit.stack}"
        ids = hosts.docker(host, "ps", "--quiet", "--filter", label).stdout.split()
        hosts.docker(host, "kill", *ids)

    def freeze_worker(self) -> None:
        faults.docker_freeze(WORKER)

    def lose_worker(self) -> None:
        faults.cut(WORKER)

    def bring_worker_back(self) -> None:
        faults.heal(WORKER)

    def use_worker(self, availability: str) -> None:
        hosts.docker(HOSTS[PAIR], "node", "update", "--availability", availability, WORKER)

    def stop_daemon(self, site: str) -> None:
        faults.docker_stop(site)

    def start_daemon(self, site: str) -> None:
        faults.docker_start(site)

    def freeze_daemon(self, site: str) -> None:
        faults.docker_freeze(site)

    def thaw_daemon(self, site: str) -> None:
        faults.docker_thaw(site)

    def cut(self, site: str) -> None:
        faults.cut(site)

    def refuse(self, site: str) -> None:
        faults.reject(site)

    def hang(self, site: str) -> None:
        faults.hang(site)

    def mend(self, site: str) -> None:
        for host in state.current().shape.hosts_of(site):
            heal_network(host)

    def lose_quorum(self, site: str) -> None:
        """Add a second manager and let it vanish; the lab itself goes on to wait for the effect."""
        spare = spare_manager(hosts.find(site)).name
        self._losing = threading.Thread(target=faults.quorum_loss, args=(site,))
        self._losing.start()
        wait = partial(processes.wait_until, seconds=_QUORUM_SECONDS)
        wait(lambda: _is_up(spare), what=f"{spare} to come")
        wait(lambda: not _is_up(spare), what=f"{spare} to go")

    def regain_quorum(self, site: str) -> None:
        if self._losing is not None:
            self._losing.join(_QUORUM_SECONDS)
        self._losing = None
        faults.quorum_restore(site)

    def stop_database(self) -> None:
        faults.postgres_down()

    def start_database(self) -> None:
        faults.postgres_up()

    def answer_lost(self, effect: Effect) -> object:
        """Let the request pass a proxy that drops what comes back, and then ends the connection."""
        self.at_once((Observe(site=PROXIED),))
        # Open the channel on which it goes, so that the request itself passes.
        self.at_once((RemoveServices(unit=Unit("none", PROXIED), ids=("no-such-id",)),))
        self._performer.perform(Misbehave("swallow"))
        self._performer.perform(Misbehave("cut", after_seconds=1.5))
        answer = self.at_once((_proxied(effect),))[0]
        self._performer.perform(Misbehave("heal"))
        return answer


def heal() -> None:
    """Undo every fault that a world knows how to make."""
    for site in HOSTS:
        faults.heal(site)
    faults.postgres_up()


def _is_up(host: str) -> bool:
    return host in state.current().inits


def _proxied(effect: Effect) -> Effect:
    match effect:
        case RemoveServices():
            assert effect.unit.site == QUIET
            return replace(effect, unit=Unit(effect.unit.stack, PROXIED))
        case CreateConfig() | ReadConfig() | UpdateConfig() | DeleteConfig():
            assert effect.site == QUIET
            return replace(effect, site=PROXIED)
        case _:
            raise TypeError(f"the answer of {type(effect).__name__} cannot be lost here")


def _marked(pid: int, mark: str) -> bool:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return mark.encode() in words
    return False


def _container(pid: int) -> tuple[str, str]:
    """Return the node and the process namespace that a process is in."""
    with suppress(OSError):
        groups = Path(f"/proc/{pid}/cgroup").read_text()
        nodes = [
            name for name in (*HOSTS.values(), WORKER) if f"/{paths.label()}/{name}/" in groups
        ]
        return (nodes[0] if nodes else "", processes.namespace(pid, "pid") or "")
    return ("", "")
