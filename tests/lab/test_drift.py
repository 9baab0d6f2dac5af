"""Drift on a real Swarm: none where there is none, and each change made by hand named rightly."""

import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import control, faults, hosts
from lab.processes import wait_until
from orchestrator.fleet.desired import DesiredStack
from orchestrator.fleet.drift import drift, moved_images
from orchestrator.fleet.observed import Contents, Sight, contents
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.procedures.effects import (
    Answer,
    CheckedImages,
    CheckImages,
    DeployStack,
    Observe,
    Result,
    ShipRelease,
)
from orchestrator.sources.compose import compose
from orchestrator.sources.declared_facts import with_facts
from orchestrator.sources.interpolate import Variables
from orchestrator.sources.model import Release, ReleaseFile
from tests import kitchen
from tests.lab.conftest import DEEP
from tests.lab.fleet import ROOT
from tests.lab.performing import LabPerformer, performing

pytestmark = [pytest.mark.lab, pytest.mark.engine]

SITE, HOST = "hco", "ha1.hco"
STACK = "kitchen"
UNIT = Unit(STACK, SITE)
OUT_OF_SEQUENCE = "update out of sequence"
OUTSIDE = (("network", "outside"), ("secret", "outside-key"), ("volume", "outside"))
SITES = f"""
version: 1
managed_prefix: kitchen
coordinator: {SITE}
repos:
  admin: {{url: "ssh://git@github.com/chimefrb/datatrail-admin"}}
sites:
  {SITE}:
    manager: {HOST}
    stacks:
      kitchen:
        variables: {{LEVEL: info, GIVEN: here}}
        secret_variables: [PASSWORD]
"""
STACK_FILE = f"""
repo: admin
compose: {kitchen.PATH}
public: [LEVEL]
policy: {{stable: 1s}}
"""


@pytest.fixture(scope="module")
def performer(lab_is_up: None) -> Iterator[LabPerformer]:
    del lab_is_up
    with performing() as performer:
        yield performer


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory, lab_is_up: None) -> Iterator[Path]:
    """Give an inventory of one stack, which is in the repository and all of whose needs exist."""
    del lab_is_up
    folder = tmp_path_factory.mktemp("kitchen")
    (folder / "stacks").mkdir()
    (folder / "sites.yaml").write_text(SITES)
    (folder / "stacks" / "kitchen.yaml").write_text(STACK_FILE)
    faults.heal(SITE)
    faults.commit("datatrail-admin", dict(kitchen.FILES))
    hosts.docker(HOST, "network", "create", "-d", "overlay", "outside")
    hosts.run(HOST, "docker", "secret", "create", "outside-key", "-", stdin="x")
    yield folder / "sites.yaml"
    faults.heal(SITE)
    faults.stack_remove(HOST, STACK)
    for kind, name in OUTSIDE:
        hosts.docker(HOST, kind, "rm", name, check=False)
    hosts.docker(HOST, "config", "rm", "dtdeploy.run", "dtdeploy.owed", check=False)
    faults.pristine()
    shutil.rmtree(folder)


def changes(*words: str) -> None:
    """Change something by hand, again where the Swarm wrote at the same moment (moby#39891)."""
    said = ""

    def done() -> bool:
        nonlocal said
        tried = hosts.docker(HOST, *words, check=False)
        said = tried.stderr
        assert tried.returncode == 0 or OUT_OF_SEQUENCE in said, (words, said)
        return tried.returncode == 0

    wait_until(done, seconds=60, what=f"{words} to meet no other write")


def types(inventory: Path, *words: str) -> tuple[int, str, str]:
    done = control.ops(
        ["dtdeploy", "-i", str(inventory), *words], cwd=ROOT, env=kitchen.SECRETS, timeout=200
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert kitchen.SECRETS["PASSWORD"] not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def brought_up(inventory: Path) -> Path:
    """Give the inventory once dtdeploy has brought everything up."""
    code, out, err = types(inventory, "up", "--all", "--yes")
    assert code == 0, out + err
    return inventory


@pytest.fixture
def deployed(brought_up: Path, performer: LabPerformer) -> Iterator[Path]:
    """Give the same to each test as it was: what a failed one has left is taken back."""
    yield brought_up
    if not isinstance(performer.perform(Observe(site=SITE)), Sight):
        faults.heal(SITE)
        wait_until(
            lambda: isinstance(performer.perform(Observe(site=SITE)), Sight),
            seconds=60,
            what="the site to be seen again",
        )
    if differing(performer):
        faults.stack_remove(HOST, STACK)
        code, out, err = types(brought_up, "up", "--all", "--yes")
        assert code == 0, out + err


def shown(inventory: Path) -> list[str]:
    """Return what `dtdeploy drift` says, differences alone."""
    code, out, err = types(inventory, "--json", "drift", "--detailed-exitcode")
    (unit,) = json.loads(out)["units"]
    assert code == (2 if unit["differs"] else 0), err
    return [change["words"] for change in unit["drift"]]


def test_right_after_a_deploy_there_is_none_nor_after_a_restart_of_the_daemon(
    deployed: Path,
) -> None:
    assert shown(deployed) == []
    faults.docker_stop(HOST)

    def is_back() -> bool:
        # Nothing happens where it runs; a dockerd may end once more after it was started.
        faults.docker_start(HOST)
        return types(deployed, "drift")[0] == 0

    wait_until(is_back, seconds=60, what="the Swarm to be back")
    assert shown(deployed) == []


DESIRED = with_facts(
    (
        READ := compose(
            kitchen.COMPOSE.encode(),
            file=kitchen.PATH,
            unit=UNIT,
            variables=Variables(
                plain=kitchen.VARIABLES,
                secret=frozenset(kitchen.SECRETS),
                present=frozenset(kitchen.SECRETS),
            ),
        )
    ).desired,
    READ.root,
    env_files={
        path.removeprefix(f"{kitchen.FOLDER}/"): text.encode()
        for path, text in kitchen.FILES.items()
        if path.endswith(".env")
    },
    plain=kitchen.VARIABLES,
    secrets=kitchen.SECRETS,
)


def found(performer: LabPerformer, stack: str = STACK) -> Contents:
    look = performer.perform(Observe(site=SITE))
    assert isinstance(look, Sight), look
    return contents(look, stack)


def differing(performer: LabPerformer, desired: DesiredStack = DESIRED) -> list[str]:
    public = frozenset({"LEVEL"})
    return [str(change) for change in drift(desired, found(performer), public=public)]


UPDATES = [
    ("plain", "--env-add EXTRA=s3cret", "plain: environment EXTRA not declared"),
    ("restarted", "--env-add LISTED=9", "restarted: environment LISTED differs (values hidden)"),
    ("restarted", "--env-rm LISTED", "restarted: environment LISTED missing"),
    ("full", "--env-add LEVEL=debug", "full: environment LEVEL debug, declared info"),
    (
        "plain",
        f"--image {kitchen.OTHER_IMAGE}",
        f"plain: image {kitchen.OTHER_IMAGE}:latest, declared {kitchen.IMAGE}:latest",
    ),
    ("plain", "--args 'idle two'", "plain: command differs (values hidden)"),
    ("plain", "--entrypoint /bin/maestro", "plain: entrypoint differs (values hidden)"),
    ("plain", "--label-add a=s3cret", "plain: label a not declared"),
    ("restarted", "--container-label-rm listed", "restarted: container label listed missing"),
    ("plain", "--limit-memory 64M", "plain: limit memory not declared: 64 MiB"),
    ("full", "--limit-cpu 0.25", "full: limit cpus 0.25, declared 0.5"),
    ("full", "--reserve-memory 8M", "full: reservation memory 8 MiB, declared 4608 KiB"),
    (
        "plain",
        "--constraint-add node.role==manager",
        "plain: placement constraint node.role == manager not declared",
    ),
    (
        "full",
        "--constraint-rm node.role==manager",
        "full: placement constraint node.role == manager missing",
    ),
    ("plain", "--mount-add type=tmpfs,target=/x", "plain: mount /x not declared: tmpfs"),
    ("full", "--mount-rm /tmp", "full: mount /tmp missing: tmpfs, size 1 MiB"),
    ("plain", "--network-add outside", "plain: network outside not declared"),
    ("full", "--network-rm outside", "full: network outside missing: as full"),
    (
        "plain",
        "--publish-add 18555:80",
        "plain: port 80/tcp not declared: published as 18555 (ingress)",
    ),
    ("full", "--publish-rm 80", "full: port 80/tcp missing: published as 18080 (ingress)"),
    ("plain", "--health-cmd true", "plain: health check differs (values hidden)"),
    ("everywhere", "--health-interval 5s", "everywhere: health interval 5 s, declared 1 s"),
    ("plain", "--stop-grace-period 3s", "plain: stop grace period 3 s, declared none"),
    ("plain", "--update-parallelism 3", "plain: update parallelism not declared: 3"),
    ("plain", "--user 1", "plain: user 1, declared none"),
    (
        "plain",
        "--secret-add outside-key",
        "plain: secret outside-key at outside-key not declared: owner 0:0, mode 0444",
    ),
]
MORE_UPDATES = [
    ("plain", "--restart-max-attempts 2", "plain: restart attempts not declared: 2"),
    ("plain", "--restart-condition none", "plain: restart condition not declared: none"),
    ("plain", "--rollback-order start-first", "plain: rollback order not declared: start-first"),
    ("plain", "--stop-signal INT", "plain: stop signal INT, declared none"),
    ("plain", "--workdir /tmp", "plain: working directory /tmp, declared none"),
    ("plain", "--hostname h", "plain: hostname h, declared none"),
    ("plain", "--group-add 5", "plain: groups 5, declared none"),
    ("plain", "--read-only", "plain: root filesystem read-only, declared none"),
    ("plain", "--tty", "plain: tty yes, declared none"),
    ("plain", "--init", "plain: init yes, declared none"),
    ("plain", "--dns-add 198.18.0.7", "plain: dns 198.18.0.7, declared none"),
    ("plain", "--dns-option-add ndots:2", "plain: dns options ndots:2, declared none"),
    ("plain", "--dns-search-add lab", "plain: dns search lab, declared none"),
    ("plain", "--host-add a:198.18.0.7", "plain: extra host 198.18.0.7 a not declared"),
    ("plain", "--cap-add NET_RAW", "plain: capability CAP_NET_RAW not declared"),
    ("plain", "--cap-drop MKNOD", "plain: dropped capability CAP_MKNOD not declared"),
    ("full", "--sysctl-rm net.core.somaxconn", "full: sysctl net.core.somaxconn missing: 1024"),
    ("full", "--ulimit-add nproc=600", "full: ulimit nproc 600, declared 500"),
    (
        "full",
        "--config-rm kitchen_settings",
        "full: config kitchen_settings at settings missing: owner 0:0, mode 0444",
    ),
    ("plain", "--log-driver json-file", "plain: log driver json-file, declared none"),
    (
        "full",
        "--log-driver json-file --log-opt max-size=2m",
        "full: log option max-file missing\nfull: log option max-size differs (values hidden)",
    ),
    ("plain", "--endpoint-mode dnsrr", "plain: endpoint mode dnsrr, declared none"),
    ("plain", "--replicas-max-per-node 9", "plain: replicas per node at most 9, declared none"),
    (
        "plain",
        "--placement-pref-add spread=node.id",
        "plain: placement preference spread node.id, declared none",
    ),
    ("plain", "--limit-pids 50", "plain: limit pids not declared: 50"),
]


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(("service", "flags", "line"), [*UPDATES, *(MORE_UPDATES if DEEP else [])])
def test_an_update_by_hand_is_named_and_after_its_roll_back_none_is(
    performer: LabPerformer, service: str, flags: str, line: str
) -> None:
    name = f"{STACK}_{service}"
    changes("service", "update", "--detach", *shlex.split(flags), name)
    try:
        assert "\n".join(differing(performer)) == line
    finally:
        changes("service", "update", "--detach", "--rollback", name)
    assert differing(performer) == []


def by_hand(name: str) -> list[str]:
    """Return the labels that make something a part of the stack, and its name in it."""
    return ["--label", f"com.docker.stack.namespace={STACK}", f"{STACK}_{name}"]


CREATED = {
    "service": [
        "service",
        "create",
        "--detach",
        "--name",
        f"{STACK}_helper",
        *by_hand("")[:2],
        "--replicas",
        "0",
        f"{kitchen.IMAGE}:latest",
    ],
    "network": ["network", "create", "--driver", "overlay", *by_hand("more")],
}


@pytest.mark.usefixtures("deployed")
def test_services_scaled_made_and_removed_by_hand_are_named_until_a_redeploy(
    performer: LabPerformer,
) -> None:
    changes("service", "scale", "--detach", f"{STACK}_plain=3")
    assert differing(performer) == ["plain: replicas 3, declared 1"]
    hosts.docker(HOST, "service", "rm", f"{STACK}_guarded")
    hosts.docker(HOST, *CREATED["service"])
    assert differing(performer) == [
        "service guarded missing",
        "service helper not declared",
        "plain: replicas 3, declared 1",
    ]
    redeploy(performer)
    assert differing(performer) == ["service helper not declared"]
    hosts.docker(HOST, "service", "rm", f"{STACK}_helper")
    assert differing(performer) == []


@pytest.mark.usefixtures("deployed")
def test_what_belongs_to_the_stack_and_is_not_declared_is_named(performer: LabPerformer) -> None:
    hosts.docker(HOST, *CREATED["network"])
    for kind in ("config", "secret"):
        hosts.run(HOST, "docker", kind, "create", *by_hand("more"), "-", stdin="x")
    assert differing(performer) == [
        "network kitchen_more not declared",
        "secret kitchen_more not declared",
        "config kitchen_more not declared",
    ]
    for kind in ("network", "config", "secret"):
        hosts.docker(HOST, kind, "rm", f"{STACK}_more")
    assert differing(performer) == []


@pytest.mark.usefixtures("deployed")
def test_a_forced_update_and_a_task_that_was_killed_are_no_drift(performer: LabPerformer) -> None:
    changes("service", "update", "--detach", "--force", f"{STACK}_plain")
    assert differing(performer) == []


def test_dtdeploy_tells_several_changes_at_once_in_order(deployed: Path) -> None:
    name = f"{STACK}_plain"
    update = ["service", "update", "--detach", "--replicas", "2", "--env-add", "TOKEN=s3cret"]
    changes(*update, "--label-add", "a=b", name)
    assert shown(deployed) == [
        "plain: replicas 2, declared 1",
        "plain: environment TOKEN not declared",
        "plain: label a not declared",
    ]
    code, out, _ = types(deployed, "plan", "--all")
    assert code == 0
    assert "plain: replicas 2, declared 1" in out
    assert "s3cret" not in out
    changes("service", "update", "--detach", "--rollback", name)
    assert shown(deployed) == []


def redeploy(performer: LabPerformer) -> None:
    """Deploy once more, as dtdeploy does, without waiting for health."""
    files = tuple(
        ReleaseFile(path=path, content=text.encode()) for path, text in kitchen.FILES.items()
    )
    release = Release(
        unit=UNIT,
        revision=Revision("admin", "a" * 40),
        name=f"{STACK}-again",
        digest="d",
        compose=kitchen.PATH,
        files=files,
    )
    deploy = DeployStack(
        unit=UNIT,
        release=release,
        labels=(("dtdeploy.run", "again"),),
        variables=tuple(kitchen.VARIABLES.items()),
        secret_variables=tuple(kitchen.SECRETS),
    )
    shipped = performer.perform(ShipRelease(site=SITE, release=release))
    assert isinstance(shipped, Answer), shipped
    assert shipped.result is Result.OK, shipped

    def deployed() -> bool:
        answer = performer.perform(deploy)
        assert isinstance(answer, Answer), answer
        # The procedure around it sends it again as well.
        assert answer.result is Result.OK or OUT_OF_SEQUENCE in answer.words, answer
        return answer.result is Result.OK

    wait_until(deployed, seconds=60, what="a deploy that meets no other write")


def test_an_image_that_moved_under_its_tag_is_named(performer: LabPerformer) -> None:
    tag = f"{kitchen.IMAGE}:moving"
    push(f"{kitchen.IMAGE}:latest", tag)
    text = f'version: "3.8"\nservices:\n  one:\n    image: {tag}\n    command: [idle]\n'
    faults.stack_remove(HOST, "kitchen-moving")
    hosts.run(
        HOST,
        *("docker", "stack", "deploy", "--with-registry-auth", "-c", "-", "kitchen-moving"),
        stdin=text,
    )
    unit = Unit("kitchen-moving", SITE)
    desired = compose(text.encode(), file="x", unit=unit, variables=Variables()).desired
    try:
        assert moved_images(desired, found(performer, unit.stack), digests(performer, tag)) == ()
        push(f"{kitchen.OTHER_IMAGE}:latest", tag)
        now = digests(performer, tag)
        (moved,) = moved_images(desired, found(performer, unit.stack), now)
        assert str(moved).startswith(f"one: image {tag} moved: ")
        assert moved.declared == now[tag].removeprefix("sha256:")[:12]
    finally:
        faults.stack_remove(HOST, "kitchen-moving")


def push(image: str, tag: str) -> None:
    """Let a tag lead to an image, as somebody who builds images would."""
    for words in (("pull", image), ("tag", image, tag), ("push", tag)):
        hosts.docker(HOST, *words)


def digests(performer: LabPerformer, image: str) -> dict[str, str]:
    checked = performer.perform(CheckImages(site=SITE, images=(image,)))
    assert isinstance(checked, CheckedImages), checked
    return {check.image: check.digest for check in checked.images}
