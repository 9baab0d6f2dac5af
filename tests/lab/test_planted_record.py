"""A record that somebody plants with docker's own commands, on real Swarms."""

import json
import shlex
from typing import Any

import pytest

from lab import hosts
from tests.lab.conftest import Operator
from tests.lab.screen_reader import Reader, offers
from tests.lab.test_recovery import COORDINATOR, everything_is_well, lock, run_of

pytestmark = pytest.mark.lab

LOCK = "dtdeploy.run"
WORDS = "restart datatrail-client@gbo"
"""What it says that it does; it takes everything down."""


def taken_down_by(operator: Operator) -> tuple[str, dict[str, Any]]:
    """Return the id and the config of a `down --all` that somebody began, and take it away.

    It was killed before it touched anything: so anybody gets such a record who can run dtdeploy.
    """
    running = operator.starts("down", "--all", "--yes")
    running.until_it_says("examine")
    run = run_of(running)
    running.kill()
    (config,) = json.loads(hosts.docker(COORDINATOR, "config", "inspect", LOCK).stdout)
    hosts.docker(COORDINATOR, "config", "rm", LOCK)
    return run, config["Spec"]


def planted(spec: dict[str, Any], **labels: str) -> None:
    """Put up a lock by hand, with labels that nobody's dtdeploy wrote."""
    said = spec["Labels"] | {f"dtdeploy.{name}": value for name, value in labels.items()}
    options = [word for name in said for word in ("--label", f"{name}={said[name]}")]
    line = shlex.join(("docker", "config", "create", *options, LOCK, "-"))
    hosts.run(COORDINATOR, "sh", "-c", f"base64 -d | {line}", stdin=spec["Data"])


def test_a_planted_record_is_neither_believed_nor_belittled(operator: Operator) -> None:
    run, spec = taken_down_by(operator.elsewhere())
    done = "f" * len(spec["Labels"]["dtdeploy.done"])
    everything = {"phase": "stopped", "touched": "yes", "done": done}
    planted(spec, words=WORDS, **everything)
    operator.begin()
    refused = operator.types("resume", "--yes")
    assert refused.code == 20, refused
    assert "[lock.labels-differ]" in refused.err
    assert "dtdeploy down --all" in refused.err
    assert offers(refused.err, "lock", "break", run)
    broken = operator.types("lock", "break", run, "--because", "nobody began it")
    assert broken.code == 0, broken
    assert not lock()
    assert operator.touched() == []

    planted(spec, **everything)
    refused = operator.types("resume", "--yes")
    assert refused.code == 20, refused
    assert "[lock.record-unread]" in refused.err
    assert operator.touched() == []
    digest = operator.expecting()[1]
    assert offers(refused.err, "resume", run, "--yes", "--expect", digest)
    gone = operator.types("resume", run, "--yes", "--expect", digest)
    assert gone.code == 0, gone
    assert "examine gbo  done" in gone.err, "nothing that the labels say lets it pass preflight"
    assert not lock()
    up = Reader(operator)
    assert up.leads_back_to_health("NEXT  dtdeploy up --all"), up.typed
    everything_is_well(operator)
