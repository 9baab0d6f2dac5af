"""Configs and the audit log on real Swarms, all of it at hco: what a lock rests on."""

import pickle
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from lab import control, faults, hosts
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Manager
from orchestrator.procedures.effects import (
    Answer,
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    Effect,
    Observe,
    ReadConfig,
    RemoveServices,
    Result,
    StoredConfig,
    UpdateConfig,
    WriteAudit,
)
from orchestrator.swarm.audit import MOST_BYTES
from orchestrator.swarm.performer import LivePerformer, SshSettings
from orchestrator.swarm.ssh_config import SshDefaults
from tests.lab.conftest import DEEP
from tests.lab.performing import PROXIED, ROOT, LabPerformer, Misbehave, performing

pytestmark = pytest.mark.lab

SITE, HOST = "hco", "ha1.hco"
NAME = "test.lock"
CREATE = CreateConfig(site=SITE, name=NAME, labels=(("owner", "me"),), data=b"plan")
AT_ONCE = 20 if DEEP else 6
"""Operators, each with a connection of its own; what is said of many holds of some."""
LOG = "/root/.dtdeploy/audit.log"


@pytest.fixture(scope="module")
def performer(lab_is_up: None) -> Iterator[LabPerformer]:
    del lab_is_up
    with performing() as performer:
        yield performer


@pytest.fixture(autouse=True)
def _none_left(lab_is_up: None) -> Iterator[None]:
    del lab_is_up
    yield
    faults.heal(SITE)
    if ours := [name for name in names() if name.lower().startswith("test.")]:
        hosts.docker(HOST, "config", "rm", *ours)


def names() -> list[str]:
    return hosts.docker(HOST, "config", "ls", "--format", "{{.Name}}").stdout.split()


def performed(performer: LabPerformer, effect: Effect) -> ConfigAnswer:
    answer = performer.perform(effect)
    assert isinstance(answer, ConfigAnswer)
    return answer


def stored(performer: LabPerformer, effect: Effect) -> StoredConfig:
    answer = performed(performer, effect)
    assert answer.result is ConfigResult.OK, answer
    assert answer.config is not None
    return answer.config


def rush() -> None:
    """Create one config over many connections at the same moment; answers go to stdout."""
    home = control.home()
    performers = [
        LivePerformer(
            {SITE: (Manager(host=HOST),)},
            ssh=SshSettings(
                config=home / ".ssh/config",
                defaults=SshDefaults(home=home, user_known_hosts=(home / ".ssh/known_hosts",)),
            ),
            monotonic=time.monotonic,
            wall=time.time,
            secrets={},
        )
        for _ in range(AT_ONCE)
    ]
    start = threading.Barrier(AT_ONCE)

    def create(number: int) -> object:
        # Each has its channel open before: what is left to do at the moment is to send.
        performers[number].perform(DeleteConfig(site=SITE, id="x" * 25))
        start.wait(60)
        return performers[number].perform(
            replace(CREATE, labels=(("owner", str(number)),), data=b"plan %d" % number)
        )

    with ThreadPoolExecutor(AT_ONCE) as pool, ExitStack() as closing:
        for performer in performers:
            performer.perform(Observe(site=SITE))  # sshd lets in ten logins at once at most
            closing.callback(performer.close)
        answers = list(pool.map(create, range(AT_ONCE)))
    Path(sys.argv[1]).write_bytes(pickle.dumps(answers))


def test_of_many_connections_at_once_one_wins(performer: LabPerformer, tmp_path: Path) -> None:
    file = tmp_path / "answers"
    words = [sys.executable, "-c", "from tests.lab.test_configs import rush; rush()", str(file)]
    done = control.ops(words, cwd=ROOT, timeout=200)
    assert done.returncode == 0, done.stderr
    answers: list[ConfigAnswer] = pickle.loads(file.read_bytes())  # noqa: S301 written by `rush`
    results = [answer.result for answer in answers]
    assert (results.count(ConfigResult.OK), results.count(ConfigResult.TAKEN)) == (1, AT_ONCE - 1)
    assert all("already exists" in a.words for a in answers if a.result is ConfigResult.TAKEN)
    winner = results.index(ConfigResult.OK)
    found = stored(performer, ReadConfig(site=SITE, name=NAME))
    assert found == answers[winner].config
    assert (found.labels, found.data) == ((("owner", str(winner)),), b"plan %d" % winner)


def test_the_life_of_a_config(performer: LabPerformer) -> None:
    read = ReadConfig(site=SITE, name=NAME)
    assert performed(performer, read).result is ConfigResult.ABSENT
    made = stored(performer, CREATE)
    assert (made.name, made.labels, made.data) == (NAME, CREATE.labels, CREATE.data)
    assert made.updated_at.endswith("Z")
    assert stored(performer, read) == made
    labels = (("heartbeat", "1"), ("owner", "me"))
    update = UpdateConfig(site=SITE, id=made.id, version=made.version, labels=labels)
    written = stored(performer, update)
    assert (written.id, written.labels, written.data) == (made.id, labels, CREATE.data)
    assert written.version > made.version
    assert written.updated_at > made.updated_at
    assert performed(performer, DeleteConfig(site=SITE, id=made.id)).result is ConfigResult.OK
    assert performed(performer, read).result is ConfigResult.ABSENT
    assert performed(performer, update).result is ConfigResult.ABSENT


def test_who_names_an_old_version_changes_nothing(performer: LabPerformer) -> None:
    made = stored(performer, CREATE)
    theirs, ours = (
        UpdateConfig(site=SITE, id=made.id, version=made.version, labels=(("owner", who),))
        for who in ("them", "us")
    )
    assert stored(performer, theirs).label("owner") == "them"
    late = performed(performer, ours)
    assert (late.result, late.problem) == (ConfigResult.MOVED, None)
    assert stored(performer, ReadConfig(site=SITE, name=NAME)).label("owner") == "them"


def test_one_that_was_replaced_is_not_deleted_nor_written(performer: LabPerformer) -> None:
    """ABA: the name is the same, the config is somebody else's."""
    first = stored(performer, CREATE)
    performed(performer, DeleteConfig(site=SITE, id=first.id))
    second = stored(performer, replace(CREATE, labels=(("owner", "them"),)))
    assert second.id != first.id
    update = UpdateConfig(site=SITE, id=first.id, version=second.version, labels=())
    for effect in (DeleteConfig(site=SITE, id=first.id), update):
        assert performed(performer, effect).result is ConfigResult.ABSENT
    assert stored(performer, ReadConfig(site=SITE, name=NAME)) == second


def test_names_differ_by_more_than_their_case(performer: LabPerformer) -> None:
    longer = stored(performer, replace(CREATE, name=f"{NAME}.older"))
    assert performed(performer, ReadConfig(site=SITE, name=NAME)).result is ConfigResult.ABSENT
    made = stored(performer, replace(CREATE, name="Test.Lock"))
    assert performed(performer, CREATE).result is ConfigResult.TAKEN
    assert stored(performer, ReadConfig(site=SITE, name=NAME)) == made
    assert stored(performer, ReadConfig(site=SITE, name=longer.name)) == longer


def test_half_a_megabyte_and_the_least(performer: LabPerformer) -> None:
    data = bytes(range(256)) * 2000
    made = stored(performer, replace(CREATE, data=data))
    assert made.data == data
    update = UpdateConfig(site=SITE, id=made.id, version=made.version, labels=(("a", "1"),))
    assert stored(performer, update).data == data
    assert stored(performer, ReadConfig(site=SITE, name=NAME)).data == data
    for wrong in (b"", b"x" * 1_024_000):
        answer = performed(performer, replace(CREATE, name="test.wrong", data=wrong))
        assert answer.result is ConfigResult.FAILED
        assert "larger than 0 and less than 1024000 bytes" in answer.words


def test_a_lost_answer_is_unknown_and_what_was_done_is_found(performer: LabPerformer) -> None:
    """The channel stands before, so that the request itself passes."""
    performed(performer, DeleteConfig(site=PROXIED, id="x" * 25))
    performer.perform(Misbehave("swallow"))
    performer.perform(Misbehave("cut", after_seconds=1.5))
    answer = performed(performer, replace(CREATE, site=PROXIED))
    performer.perform(Misbehave("heal"))
    assert answer.result is ConfigResult.UNKNOWN
    assert answer.problem is not None
    assert answer.problem.code == "answer.lost"
    assert stored(performer, ReadConfig(site=PROXIED, name=NAME)).label("owner") == "me"


def test_without_quorum_nothing_is_told_done_that_is_not(performer: LabPerformer) -> None:
    """Write all the while that the quorum is lost: a write of unknown outcome is told as such."""
    made = stored(performer, CREATE)
    answers: dict[str, ConfigAnswer] = {}
    lost = threading.Event()

    def write() -> None:
        while not lost.is_set():
            name = f"test.{len(answers)}"
            answers[name] = performed(performer, replace(CREATE, name=name))
            lost.wait(0.3)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        faults.quorum_loss(SITE)
        lost.set()
        thread.join(60)
        read = performed(performer, ReadConfig(site=SITE, name=NAME))
        writes = [
            performed(performer, replace(CREATE, name="test.late")),
            performed(performer, DeleteConfig(site=SITE, id=made.id)),
            performed(
                performer, UpdateConfig(site=SITE, id=made.id, version=made.version, labels=())
            ),
        ]
    finally:
        lost.set()
        faults.quorum_restore(SITE)
    assert read.result is ConfigResult.FAILED
    for answer in (read, *writes):
        assert answer.result in (ConfigResult.FAILED, ConfigResult.UNKNOWN), answer
        assert answer.problem is not None
        assert answer.problem.code == "swarm.no-quorum"
    results = {answer.result for answer in answers.values()}
    assert results >= {ConfigResult.OK, ConfigResult.UNKNOWN}
    assert not results - {ConfigResult.OK, ConfigResult.UNKNOWN, ConfigResult.FAILED}
    there = names()
    for name, answer in answers.items():
        if answer.result is ConfigResult.OK:
            assert name in there, answer
        if answer.result is ConfigResult.FAILED:
            assert name not in there, answer
    assert NAME in there


def test_what_is_late_is_not_deleted(performer: LabPerformer) -> None:
    hosts.docker(HOST, "service", "create", "--detach", "--replicas", "0", "--name", "late", "x:1")
    try:
        id_ = hosts.docker(HOST, "service", "inspect", "-f", "{{.ID}}", "late").stdout.strip()
        effect = RemoveServices(unit=Unit("late", SITE), ids=(id_,), not_after=0.0)
        late = performer.perform(effect)
        assert isinstance(late, Answer)
        assert late.result is Result.LATE
        assert "late" in hosts.docker(HOST, "service", "ls", "--format", "{{.Name}}").stdout
        in_time = performer.perform(replace(effect, not_after=time.monotonic() + 60))
        assert isinstance(in_time, Answer)
        assert in_time.result is Result.OK
    finally:
        hosts.docker(HOST, "service", "rm", "late", check=False)


def written(performer: LabPerformer, line: str) -> Answer:
    answer = performer.perform(WriteAudit(site=SITE, line=line))
    assert isinstance(answer, Answer)
    return answer


def audited() -> list[str]:
    return hosts.run(HOST, "cat", LOG).stdout.splitlines()


def test_the_audit_log_is_bounded(performer: LabPerformer) -> None:
    rows = "".join(f"{number:015d}\n" for number in range(MOST_BYTES // 16))
    hosts.run(HOST, "mkdir", "-p", "/root/.dtdeploy")
    hosts.run(HOST, "sh", "-c", f"cat >{LOG}", stdin=rows)
    try:
        answers = [written(performer, line) for line in ("one\ntwo", "three")]
        size = int(hosts.run(HOST, "stat", "-c", "%s", LOG).stdout)
        lines = audited()
    finally:
        hosts.run(HOST, "rm", LOG)
    assert [answer.result for answer in answers] == [Result.OK, Result.OK]
    assert lines[-3:] == [f"{MOST_BYTES // 16 - 1:015d}", r"one\ntwo", "three"]
    assert MOST_BYTES // 2 - 100 < size < MOST_BYTES // 2 + 100


def test_a_full_disk_is_told_and_eats_no_line(performer: LabPerformer) -> None:
    hosts.run(HOST, "mkdir", "-p", "/root/.dtdeploy")
    hosts.run(HOST, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/root/.dtdeploy")
    try:
        written(performer, "before")
        hosts.run(HOST, "sh", "-c", "cat /dev/zero >/root/.dtdeploy/fill", check=False)
        full = [written(performer, "x" * 3000) for _ in range(2)]
        hosts.run(HOST, "rm", "/root/.dtdeploy/fill")
        after = written(performer, "after")
        lines = audited()
    finally:
        hosts.run(HOST, "umount", "/root/.dtdeploy")
    assert full[-1].result is Result.FAILED
    assert " 100% " in full[-1].words
    assert after.result is Result.OK
    assert (lines[0], lines[-1]) == ("before", "after")
