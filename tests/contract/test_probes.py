"""What probes are answered, good and bad, from the manager and from here."""

from dataclasses import replace

import pytest

from orchestrator.fleet.desired import (
    HttpProbe,
    JsonExpectation,
    PostgresProbe,
    Probe,
    TcpProbe,
    Via,
)
from orchestrator.procedures.effects import ProbeResult
from tests.contract.scene import Scene
from tests.contract.stacks import DATABASE, PORT, Does, Part
from tests.contract.stories import story
from tests.contract.world import HOSTS, QUIET, World

HOST = HOSTS[QUIET]
HEALTH = HttpProbe(
    name="health",
    host=HOST,
    port=PORT,
    path="/health/check",
    expect=(JsonExpectation(path="status", equals="ok"),),
)
OPEN = TcpProbe(name="open", host=HOST, port=PORT)
BASE = PostgresProbe(name="database", host=DATABASE)
NOBODY = 9


@story(QUIET)
def answers(world: World) -> dict[str, ProbeResult]:
    """Ask a server, its database and nobody; then with the database down; then without both."""
    scene = Scene(world, world.unit("server", QUIET))
    before = scene.probe(OPEN)
    scene.up(Part(name="server", does=Does.SERVE))
    _wait(scene, HEALTH)
    asked: dict[str, Probe] = {
        "http": HEALTH,
        "http from here": replace(HEALTH, via=Via.HERE),
        "tcp": OPEN,
        "tcp from here": replace(OPEN, via=Via.HERE),
        "postgres": BASE,
        "postgres from here": replace(BASE, via=Via.HERE),
        "http at nobody": replace(HEALTH, port=NOBODY),
        "tcp at nobody": replace(OPEN, port=NOBODY),
        "postgres at nobody": replace(BASE, host=HOST, port=NOBODY),
        "postgres at a web server": replace(BASE, host=HOST, port=PORT, timeout_seconds=2.0),
    }
    seen = {name: scene.probe(probe) for name, probe in asked.items()}
    world.stop_database()
    try:
        seen["postgres down"] = scene.probe(BASE)
        seen["http without its database"] = _wait(scene, HEALTH, ok=False)
        seen["tcp without its database"] = scene.probe(OPEN)
    finally:
        world.start_database()
    seen["http with its database again"] = _wait(scene, HEALTH)
    scene.ok(scene.remove_services())
    seen["tcp of a removed stack"] = _wait(scene, OPEN, ok=False)
    world.person_removes(scene.unit)
    return seen | {"tcp before the stack": before}


def _wait(scene: Scene, probe: Probe, *, ok: bool = True) -> ProbeResult:
    ends = scene.world.now() + 20 * scene.world.patience
    while (seen := scene.probe(probe)).ok is not ok:
        assert scene.world.now() < ends, seen
        scene.world.pause(0.2)
    return seen


GOOD = (
    "http",
    "http from here",
    "tcp",
    "tcp from here",
    "postgres",
    "postgres from here",
    "tcp without its database",
    "http with its database again",
)
REFUSED = (
    "tcp before the stack",
    "http at nobody",
    "tcp at nobody",
    "postgres at nobody",
    "postgres down",
    "tcp of a removed stack",
)


@pytest.mark.parametrize("name", GOOD)
def test_who_is_well_answers_well(answers: dict[str, ProbeResult], name: str) -> None:
    assert answers[name].ok, answers[name]


@pytest.mark.parametrize("name", REFUSED)
def test_where_nobody_listens_the_connection_is_refused(
    answers: dict[str, ProbeResult], name: str
) -> None:
    assert not answers[name].ok
    assert "connection refused" in answers[name].words.lower()


@pytest.mark.parametrize("name", ["http without its database", "postgres at a web server"])
def test_who_answers_otherwise_than_expected_is_not_well(
    answers: dict[str, ProbeResult], name: str
) -> None:
    assert not answers[name].ok
    assert answers[name].words
