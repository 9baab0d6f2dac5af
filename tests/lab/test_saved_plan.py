"""What was approved is what happens, seen by a witness that is not dtdeploy."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab import faults, hosts
from lab.processes import wait_until
from lab.witness import records
from tests.lab.conftest import Done, Operator
from tests.lab.test_recovery import deep

pytestmark = pytest.mark.lab

KKO = "aux.kko"
Change = Callable[[], object]


def saves(operator: Operator, folder: Path, *words: str) -> tuple[Path, dict[str, Any]]:
    """Save a plan; returns its file, and what is in it."""
    path = folder / "some.plan"
    done = operator.types("plan", *words, "--out", str(path))
    assert done.code == 0, done
    held: dict[str, Any] = json.loads(path.read_text())
    assert done.out.splitlines()[0] == f"PLAN {held['sha256']}"
    operator.begin()
    return path, held


def applies(operator: Operator, path: Path) -> Done:
    digest = json.loads(path.read_text())["sha256"]
    return operator.types("apply", str(path), "--expect", digest)


def meant(held: dict[str, Any], services: Callable[[dict[str, Any]], list[str]]) -> set[str]:
    """Return the services of the plan's units as `site stack_service`."""
    return {
        f"{unit['unit']['site']} {unit['unit']['stack']}_{name}"
        for unit in held["plan"]["units"]
        for name in services(unit)
    }


def seen(action: str, since: float) -> list[str]:
    aliases = {"frb-vsop.chime": "chime", "outrigger_buffer.chime": "outrigger-buffer"}
    aliases |= {KKO: "kko", "aux.gbo": "gbo"}
    return [f"{aliases[e.host]} {e.name}" for e in records.services(action, since=since)]


def test_nothing_changed_and_exactly_the_plan_is_carried_out(
    operator: Operator, tmp_path: Path
) -> None:
    path, held = saves(operator, tmp_path, "--all")
    unattended = operator.types("apply", str(path), "--yes")
    assert unattended.code == 64, unattended
    assert operator.touched() == []
    done = applies(operator, path)
    assert done.code == 0, done
    removed, created = seen("remove", operator.since), seen("create", operator.since)
    assert sorted(removed) == sorted(meant(held, lambda unit: unit["before"]["services"]))
    assert sorted(created) == sorted(meant(held, lambda unit: unit["services"]))
    assert operator.violations() == []
    operator.begin()
    again = applies(operator.elsewhere(), path)
    assert again.code == 4, again
    assert "plan.used" in again.err
    assert operator.touched() == []


def first_service(host: str) -> str:
    names = hosts.docker(
        host, "service", "ls", "--format", "{{.Name}}", "--filter",
        "label=com.docker.stack.namespace=datatrail-client",
    ).stdout.split()  # fmt: skip
    return min(names)


def scale() -> None:
    hosts.docker(KKO, "service", "scale", "--detach", f"{first_service(KKO)}=2")


def redeploy() -> None:
    hosts.docker(KKO, "service", "update", "--force", first_service(KKO))


def commit() -> None:
    for number in range(2):
        faults.commit("datatrail-admin", {"NOTES.md": f"note {number}\n"})


CHANGES: list[tuple[str, Change, str, str]] = [
    ("scaled by hand", scale, "plan.fleet-moved", "was scaled from 1 to 2"),
    ("redeployed by hand", redeploy, "plan.fleet-moved", "datatrail-client@kko: service"),
    (
        "new commits",
        commit,
        "plan.ref-moved",
        "main of datatrail-admin has moved: 2 new commits",
    ),
    ("lost site", lambda: faults.cut("gbo"), "plan.fleet-moved", "gbo cannot be seen any more"),
]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [case[1:] for case in CHANGES],
    ids=[case[0] for case in CHANGES],
)
def test_what_changed_since_is_named_and_nothing_touched(
    operator: Operator, tmp_path: Path, change: Change, code: str, words: str
) -> None:
    path, _ = saves(operator, tmp_path, "--all")
    try:
        change()
        operator.begin()
        done = applies(operator, path)
        assert done.code == 4, done
        assert f"[{code}]" in done.err, done
        assert words in " ".join(done.err.split()), done
        assert operator.touched() == []
    finally:
        faults.heal()
        hosts.docker(KKO, "service", "scale", "--detach", f"{first_service(KKO)}=1")


def running(service: str) -> str:
    return hosts.docker(
        KKO, "ps", "-q", "--no-trunc", "--filter", f"label=com.docker.swarm.service.name={service}"
    ).stdout.strip()


@deep
def test_a_rescheduled_task_does_not_matter(operator: Operator, tmp_path: Path) -> None:
    names = hosts.docker(KKO, "ps", "--format", '{{.Label "com.docker.swarm.service.name"}}')
    service = next(n for n in sorted(names.stdout.split()) if n.startswith("datatrail-client_"))
    path, _ = saves(operator, tmp_path, "--site", "kko")
    before = running(service)
    hosts.docker(KKO, "kill", before)
    wait_until(
        lambda: running(service) not in ("", before), seconds=60, what=f"{service} to run again"
    )
    done = applies(operator, path)
    assert done.code == 0, done
    assert {words.split()[0] for words in operator.touched()} == {KKO}
    assert operator.violations() == []
