"""The live performer on real Swarms: every effect, and what real faults look like through it.

All faults are at hco, where no other test of the lab deploys the production inventory.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from lab import faults, hosts
from lab.processes import wait_until
from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.desired import PostgresProbe, TcpProbe
from orchestrator.fleet.observed import Contents, Sight, TaskState, Unseen, contents
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.procedures.effects import (
    Answer,
    DeployStack,
    Examination,
    Examine,
    Observe,
    ProbeResult,
    PullImages,
    RemoveLeftovers,
    RemoveServices,
    Result,
    RunProbe,
    ShipRelease,
)
from orchestrator.sources.model import Release, ReleaseFile
from orchestrator.swarm.look import LISTS
from tests.lab.performing import (
    PROXIED,
    SECRET,
    LabPerformer,
    Measure,
    Measured,
    Misbehave,
    performing,
)

pytestmark = pytest.mark.lab

SITE, HOST = "hco", "ha1.hco"
STACK = "performed"
UNIT = Unit(STACK, SITE)
REGISTRY = "registry.lab:5000"
IMAGE = f"{REGISTRY}/chimefrb/maestro-datatrail-client:latest"
COMPOSE = f"""
version: "3.8"
services:
  web:
    image: {IMAGE}
    entrypoint: ["/bin/sh", "-c", "trap exit TERM; while :; do sleep 1 & wait; done"]
    environment: ["TAG=${{TAG}}", "PASSWORD=${{PASSWORD}}"]
    configs: [settings]
    secrets: [token]
    stop_grace_period: 3s
    deploy: {{labels: {{mine: stays}}, replicas: 2}}
configs: {{settings: {{file: ./conf/settings}}}}
secrets: {{token: {{file: ./conf/settings}}}}
"""


def release(*more: ReleaseFile) -> Release:
    return Release(
        unit=UNIT,
        revision=Revision("r", "a" * 40),
        name=f"{STACK}-a-{len(more)}",
        digest="d",
        compose="stacks/web.yaml",
        files=(
            ReleaseFile(path="stacks/web.yaml", content=COMPOSE.encode()),
            ReleaseFile(path="stacks/conf/settings", content=b"x=1\n"),
            *more,
        ),
    )


DEPLOY = DeployStack(
    unit=UNIT,
    release=release(),
    labels=(("dtdeploy.run", "r$1"),),
    variables=(("TAG", "a b"),),
    secret_variables=("PASSWORD",),
)


@pytest.fixture(scope="module")
def performer(lab_is_up: None) -> Iterator[LabPerformer]:
    del lab_is_up
    with performing() as performer:
        yield performer


@pytest.fixture(autouse=True)
def _whole(lab_is_up: None) -> Iterator[None]:
    del lab_is_up
    yield
    faults.heal(SITE)
    hosts.docker(HOST, "stack", "rm", STACK, check=False)
    wait_until(_nothing_is_left, seconds=60, what=f"{STACK} to go")


def _nothing_is_left() -> bool:
    label = f"label=com.docker.stack.namespace={STACK}"
    lists = (("ps", "-q"), ("network", "ls", "-q"))
    return not any(hosts.docker(HOST, *words, "--filter", label).stdout for words in lists)


def seen(performer: LabPerformer, site: str = SITE) -> Sight:
    look = performer.perform(Observe(site=site))
    assert isinstance(look, Sight), look
    return look


def until(
    performer: LabPerformer, holds: Callable[[Contents], bool], seconds: float = 40
) -> Contents:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = contents(seen(performer), STACK)
        if holds(found):
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s: {found}")


def answered(performer: LabPerformer, effect: object) -> Answer:
    answer = performer.perform(effect)  # type: ignore[arg-type] # any mutation
    assert isinstance(answer, Answer)
    return answer


def up(performer: LabPerformer) -> Contents:
    for effect in (ShipRelease(site=SITE, release=release()), DEPLOY):
        answer = answered(performer, effect)
        assert answer.result is Result.OK, answer
    return until(
        performer,
        lambda c: (
            [t.state for t in c.tasks if t.desired is TaskState.RUNNING] == [TaskState.RUNNING] * 2
        ),
    )


def ids(group: object) -> tuple[str, ...]:
    return tuple(item.id for item in group)  # type: ignore[attr-defined] # services and such


def ended(found: Contents) -> bool:
    return all(task.state.terminal for task in found.tasks)


def test_the_life_of_a_stack(performer: LabPerformer) -> None:
    pulled = answered(performer, PullImages(site=SITE, images=(IMAGE,)))
    assert pulled.result is Result.OK, pulled
    found = up(performer)
    (service,) = found.services
    assert (service.name, service.replicas, service.grace_seconds) == (f"{STACK}_web", 2, 3.0)
    assert (service.label("mine"), service.label("dtdeploy.run")) == ("stays", "r$1")
    assert "@sha256:" in service.image
    assert all(task.up_to_date for task in found.tasks)
    assert [len(g) for g in (found.networks, found.configs, found.secrets)] == [1, 1, 1]
    environment = hosts.docker(
        HOST, "service", "inspect", service.id, "--format", "{{json .Spec.TaskTemplate}}"
    ).stdout
    assert "TAG=a b" in environment
    assert f"PASSWORD={SECRET}" in environment
    removed = answered(performer, RemoveServices(unit=UNIT, ids=(service.id,)))
    assert removed.result is Result.OK, removed
    left = until(performer, ended)
    assert left.services == ()
    cleared = answered(
        performer,
        RemoveLeftovers(
            unit=UNIT,
            networks=ids(left.networks),
            secrets=ids(left.secrets),
            configs=ids(left.configs),
        ),
    )
    assert cleared.result is Result.OK, cleared
    until(performer, lambda c: not (c.networks or c.configs or c.secrets or c.tasks))


def test_what_is_in_use_is_not_deleted_and_said_to_be(performer: LabPerformer) -> None:
    found = up(performer)
    answer = answered(performer, RemoveLeftovers(unit=UNIT, configs=ids(found.configs)))
    assert answer.result is Result.FAILED
    assert "in use" in answer.words


def test_what_docker_refuses_is_quoted(performer: LabPerformer) -> None:
    broken = ReleaseFile(path="stacks/broken.yaml", content=b'version: "3.8"\nservices: [x]\n')
    shipped = release(broken)
    answered(performer, ShipRelease(site=SITE, release=shipped))
    effect = DeployStack(
        unit=UNIT, release=replace(shipped, compose="stacks/broken.yaml"), labels=()
    )
    answer = answered(performer, effect)
    assert (answer.result, answer.problem) == (Result.FAILED, None)
    assert "services must be a mapping" in answer.words


def test_nothing_is_lost_beside_the_labels(performer: LabPerformer) -> None:
    """Docker's command loses each of these when it merges two compose files."""
    content = f"""
version: "3.8"
services:
  web:
    image: {IMAGE}
    entrypoint: ["/bin/sleep", "999"]
    stop_grace_period: 1s
    ports: ["53:53/tcp", "53:53/udp", "7001", "7002"]
    configs: [{{source: settings, target: /one}}, {{source: settings, target: /two}}]
configs: {{settings: {{file: ./conf/settings}}}}
""".encode()
    shipped = release(ReleaseFile(path="stacks/doubles.yaml", content=content))
    answered(performer, ShipRelease(site=SITE, release=shipped))
    of = replace(shipped, compose="stacks/doubles.yaml")
    labels = (("dtdeploy.run", "r"),)
    answer = answered(performer, DeployStack(unit=UNIT, release=of, labels=labels))
    assert answer.result is Result.OK, answer
    asked = ("service", "inspect", f"{STACK}_web", "--format", "{{json .Spec}}")
    spec = json.loads(hosts.docker(HOST, *asked).stdout)
    ports = {(port["TargetPort"], port["Protocol"]) for port in spec["EndpointSpec"]["Ports"]}
    assert ports == {(53, "tcp"), (53, "udp"), (7001, "tcp"), (7002, "tcp")}
    mounted = spec["TaskTemplate"]["ContainerSpec"]["Configs"]
    assert {config["File"]["Name"] for config in mounted} == {"/one", "/two"}
    assert spec["Labels"]["dtdeploy.run"] == "r"
    # Its ports are those of every node's ingress.
    assert answered(performer, RemoveServices(unit=UNIT, ids=(f"{STACK}_web",))).result is Result.OK


def test_a_deletion_whose_answer_is_lost_is_unknown_and_done_once(
    performer: LabPerformer,
) -> None:
    found = up(performer)
    assert isinstance(performer.perform(Observe(site=PROXIED)), Sight)
    # Open the channel on which the deletion goes, so that the request itself passes.
    gone = answered(performer, RemoveServices(unit=Unit(STACK, PROXIED), ids=("no-such-id",)))
    assert gone.result is Result.OK, gone
    performer.perform(Misbehave("swallow"))
    performer.perform(Misbehave("cut", after_seconds=1.5))
    answer = answered(performer, RemoveServices(unit=Unit(STACK, PROXIED), ids=ids(found.services)))
    performer.perform(Misbehave("heal"))
    assert answer.result is Result.UNKNOWN
    assert answer.problem is not None
    assert answer.problem.exit_code is ExitCode.OUTCOME_UNKNOWN
    assert until(performer, ended).services == ()
    assert isinstance(performer.perform(Observe(site=PROXIED)), Sight)


def examined(performer: LabPerformer, effect: Examine) -> Examination:
    answer = performer.perform(effect)
    assert isinstance(answer, Examination), answer
    return answer


def test_an_examination(performer: LabPerformer) -> None:
    requires = (
        PostgresProbe(name="database", host="frb-l4.chime"),
        TcpProbe(name="nobody", host=HOST, port=1),
    )
    seen = examined(performer, Examine(site=SITE, requires=requires, ports=(22, 1)))
    assert seen.listening == ((22, "tcp"),)
    assert abs(seen.clock_offset_seconds) < 1
    assert 0 < seen.disk_free_bytes < seen.disk_total_bytes
    assert [result.ok for _, result in seen.requires] == [True, False]
    assert "Connection refused" in seen.requires[1][1].words
    assert seen.cli_version


def checks(performer: LabPerformer, *images: str) -> list[tuple[bool, bool, bool]]:
    found = examined(performer, Examine(site=SITE, images=images)).images
    return [(check.ok, check.denied, check.missing) for check in found]


def test_what_the_registry_says_is_told_apart(performer: LabPerformer) -> None:
    missing, nowhere = f"{REGISTRY}/no/such:1", "nowhere.lab:5000/a:1"
    assert checks(performer, IMAGE, missing, nowhere) == [
        (True, False, False),
        (False, False, True),
        (False, False, False),
    ]
    faults.registry_logout(SITE)
    try:
        assert checks(performer, IMAGE) == [(False, True, False)]
        answer = answered(performer, PullImages(site=SITE, images=(IMAGE,)))
    finally:
        faults.registry_login(SITE)
    assert answer.problem is not None
    assert answer.problem.exit_code is ExitCode.LOGIN_REFUSED


def test_a_full_disk_is_told_in_its_own_words(performer: LabPerformer) -> None:
    hosts.run(HOST, "mkdir", "-p", "/root/.dtdeploy")
    hosts.run(HOST, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/root/.dtdeploy")
    try:
        big = release(ReleaseFile(path="stacks/big", content=b"x" * 1_000_000))
        answer = answered(performer, ShipRelease(site=SITE, release=big))
        left = hosts.run(HOST, "find", "/root/.dtdeploy", "-type", "f").stdout
    finally:
        hosts.run(HOST, "umount", "/root/.dtdeploy")
    assert answer.result is Result.FAILED
    assert "No space left on device" in answer.words or " 100% " in answer.words
    assert left == ""


def problem(performer: LabPerformer) -> Problem:
    look = performer.perform(Observe(site=SITE))
    assert isinstance(look, Unseen), "the site is still seen"
    return look.problem


def test_another_host_key(lab_is_up: None) -> None:
    del lab_is_up
    faults.hostkey(SITE)
    try:
        with performing() as fresh:
            found = problem(fresh)
    finally:
        faults.hostkey_restore(SITE)
    assert (found.code, found.exit_code) == ("ssh.host-key-changed", ExitCode.HOST_KEY_REFUSED)
    assert "ssh-keygen -R ha1.hco" in found.fix


def test_probes_from_both_sides(performer: LabPerformer) -> None:
    database = PostgresProbe(name="db", host="frb-l4.chime")
    result = performer.perform(RunProbe(site=SITE, probe=database))
    assert isinstance(result, ProbeResult)
    assert (result.ok, result.words) == (True, "PostgreSQL answers N to SSLRequest")


@pytest.mark.alone
def test_a_look_is_quick_and_cheap(performer: LabPerformer) -> None:
    """24 services at hco, compared with the same questions asked beside the daemon."""
    services = "\n".join(
        f'  s{number}: {{image: "{IMAGE}", entrypoint: ["/bin/sleep", "999"], '
        "stop_grace_period: 1s}"
        for number in range(24)
    )
    content = f'version: "3.8"\nservices:\n{services}\n'.encode()
    many = release(ReleaseFile(path="stacks/many.yaml", content=content))
    answered(performer, ShipRelease(site=SITE, release=many))
    effect = DeployStack(unit=UNIT, release=replace(many, compose="stacks/many.yaml"), labels=())
    assert answered(performer, effect).result is Result.OK
    until(performer, lambda c: sum(t.state is TaskState.RUNNING for t in c.tasks) == 24, 90)
    measured = performer.perform(Measure(site=SITE, looks=40))
    assert isinstance(measured, Measured)
    middle = statistics.median(measured.seconds)
    beside = statistics.median(beside_the_daemon() for _ in range(40))
    print(f"look: {middle * 1e3:.1f} ms, beside {beside * 1e3:.1f} ms")  # noqa: T201
    assert middle < 2 * beside, (middle, beside)
    assert measured.cpu_seconds < 0.02


def beside_the_daemon() -> float:
    """Ask what a look asks, without SSH and without making anything of it."""
    began = time.monotonic()
    for asked in LISTS:
        hosts.api(hosts.find(SITE), "GET", asked.path)
    return time.monotonic() - began
