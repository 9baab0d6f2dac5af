"""What must be refused, with nothing touched at any site: the witness is asked."""

from collections.abc import Callable

import pytest

from lab import faults, hosts
from lab.processes import wait_until
from tests.lab.conftest import Operator

pytestmark = pytest.mark.lab

Break = Callable[[], object]


def worker_is_down() -> None:
    """Stop a worker and wait until its Swarm has noticed: some ten seconds."""
    faults.docker_stop("kko-w1")
    wait_until(
        lambda: "Down" in hosts.docker("kko", "node", "ls", "--format", "{{.Status}}").stdout,
        seconds=60,
        what="kko's Swarm to miss its worker",
    )


CASES: list[tuple[str, Break, int, str]] = [
    ("site cut off", lambda: faults.cut("gbo"), 11, "gbo"),
    ("site that rejects", lambda: faults.reject("gbo"), 11, "gbo"),
    ("site that hangs", lambda: faults.hang("gbo"), 11, "gbo"),
    ("another host key", lambda: faults.hostkey("kko"), 12, "ssh-keygen"),
    ("no registry login", lambda: faults.registry_logout("kko"), 13, "docker login"),
    (
        "image for other machines",
        lambda: faults.image(
            "other-machine", stack="datatrail-client", service="replicator", site="gbo"
        ),
        14,
        "registry.other-platform",
    ),
    ("git down", faults.git_down, 14, "datatrail"),
    (
        "compose file missing",
        lambda: faults.commit("datatrail-admin", {"stacks/outrigger-buffer-client.yaml": None}),
        14,
        "state: watched",
    ),
    ("unset variable", lambda: faults.unset_variable("datatrail"), 14, "compose.yaml:"),
    ("no YAML", lambda: faults.broken("datatrail"), 14, "compose.yaml"),
    ("undeclared stack", lambda: faults.stack("gbo", "datatrail-extra"), 20, "datatrail-extra"),
    ("no quorum", lambda: faults.quorum_loss("gbo"), 11, "leader"),
    ("database down", faults.postgres_down, 20, "database"),
    ("daemon frozen", lambda: faults.docker_freeze("gbo"), 11, "gbo"),
    ("worker down", worker_is_down, 20, "kko-w1"),
]


@pytest.mark.parametrize(
    ("break_it", "code", "words"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_refused_before_anything_is_touched(
    operator: Operator, break_it: Break, code: int, words: str
) -> None:
    break_it()
    operator.begin()
    done = operator.types("restart", "--all", "--yes")
    assert done.code == code, done
    assert words in done.err, done
    assert operator.touched() == []
