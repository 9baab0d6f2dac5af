"""The live performer at the operator's machine of the lab, driven from the test's process.

Effects and observations are values of this project, so pickle carries them between the two.
"""

import copyreg
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

from lab import control, state
from lab.topology import Host, Role
from orchestrator.engine.pool import ThreadedBackend
from orchestrator.fleet.observed import Sight
from orchestrator.inventory.model import Manager
from orchestrator.procedures.effects import Effect, Observe
from orchestrator.swarm.performer import LivePerformer, SshSettings
from orchestrator.swarm.ssh_config import SshDefaults
from tests.swarm.proxy import Proxy, proxied

ROOT = Path(__file__).parent.parent.parent
MANAGERS = {"hco": "ha1.hco", "gbo": "aux.gbo", "kko": "aux.kko", "chime": "frb-vsop.chime"}
PROXIED = "hco-through-a-proxy"
SECRET = "plan'ted $x"


@dataclass(frozen=True)
class Misbehave:
    """Tell the proxy in front of hco to do something: a name of one of its methods."""

    what: str
    after_seconds: float = 0.0


@dataclass(frozen=True)
class Measure:
    """Look many times at a site, with a pause between."""

    site: str
    looks: int


@dataclass(frozen=True)
class AtOnce:
    """Perform effects side by side, as the engine does; answered in the order asked."""

    effects: tuple[Effect, ...]


@dataclass(frozen=True)
class Measured:
    """Seconds each look took, and seconds of CPU a look cost here."""

    seconds: tuple[float, ...]
    cpu_seconds: float


class LabPerformer:
    """Performs effects as the lab's operator."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin
        assert process.stdout
        self._to: BinaryIO = process.stdin  # type: ignore[assignment] # a binary pipe
        self._from: BinaryIO = process.stdout  # type: ignore[assignment] # likewise

    def perform(self, effect: "Effect | Misbehave | Measure | AtOnce") -> object:
        pickle.dump(effect, self._to)
        self._to.flush()
        return pickle.load(self._from)  # noqa: S301 from a process of our own


@contextmanager
def performing() -> Iterator[LabPerformer]:
    # Not `-m`: classes of a module called __main__ are no others' classes to pickle.
    start = "from tests.lab.performing import main; main()"
    words = control.words([sys.executable, "-c", start], cwd=ROOT)
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=control.environment()
    )
    try:
        yield LabPerformer(process)
    finally:
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def _performer(proxy: Proxy, home: Path) -> LivePerformer:
    # Several perform side by side, each with a proxy of its own.
    config = home / f"performing-{os.getpid()}.config"
    config.write_text(
        # An Include within a Host section holds for that host only (ssh_config(5)).
        f"Include {home}/.ssh/config\n"
        f"Host {PROXIED}\n HostName 127.0.0.1\n Port {proxy.port}\n HostKeyAlias ha1.hco\n"
    )
    deputies = [host for host in state.current().shape.swarm_hosts() if host.role is Role.DEPUTY]
    managers = {
        site: tuple(Manager(host=name) for name in (host, *_names(deputies, site)))
        for site, host in MANAGERS.items()
    }
    return LivePerformer(
        {**managers, PROXIED: (Manager(host=PROXIED, user="root"),)},
        ssh=SshSettings(
            config=config,
            defaults=SshDefaults(home=home, user_known_hosts=(home / ".ssh/known_hosts",)),
        ),
        monotonic=time.monotonic,
        wall=time.time,
        secrets={"PASSWORD": SECRET},
    )


def _names(deputies: list[Host], site: str) -> tuple[str, ...]:
    return tuple(host.name for host in deputies if host.site == site)


def _measured(performer: LivePerformer, wanted: Measure) -> Measured:
    performer.perform(Observe(site=wanted.site))
    began, seconds = time.process_time(), []
    for _ in range(wanted.looks):
        start = time.monotonic()
        performer.perform(Observe(site=wanted.site))
        seconds.append(time.monotonic() - start)
        time.sleep(0.1)
    return Measured(tuple(seconds), (time.process_time() - began) / wanted.looks)


def _at_once(performer: LivePerformer, effects: tuple[Effect, ...]) -> tuple[object, ...]:
    backend = ThreadedBackend(performer, time.monotonic, workers=len(effects))
    for token, effect in enumerate(effects):
        backend.submit(token, effect)
    came = [backend.wait(None) for _ in effects]
    backend.close()
    answers = dict(item for item in came if item is not None)
    return tuple(answers[token] for token in range(len(effects)))


def _built(given: dict[str, Any]) -> Sight:
    return Sight(**given)


def _by_its_fields(sight: Sight) -> tuple[Callable[[dict[str, Any]], Sight], tuple[Any, ...]]:
    """Tell pickle to build a sight anew: it holds a read-only index of itself."""
    given = {f.name: getattr(sight, f.name) for f in fields(sight) if f.init}
    return _built, (given,)


def main() -> None:
    """Answer effects on stdin until it ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is logged is not in the way of the answers
    copyreg.pickle(Sight, _by_its_fields)
    home = Path(os.environ["HOME"])
    with proxied(22, host="ha1.hco") as proxy:
        performer = _performer(proxy, home)
        while True:
            try:
                effect = pickle.load(sys.stdin.buffer)  # noqa: S301 from a process of our own
            except EOFError:
                break
            match effect:
                case Misbehave():
                    proxy.later(effect.what, effect.after_seconds)
                    answer: object = None
                case Measure():
                    answer = _measured(performer, effect)
                case AtOnce():
                    answer = _at_once(performer, effect.effects)
                case _:
                    answer = performer.perform(effect)
            pickle.dump(answer, answers)
            answers.flush()
        performer.close()
