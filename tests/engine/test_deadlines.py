import pytest

from orchestrator.engine.deadlines import LONGEST_SECONDS, longest_seconds, unanswered, words_of
from orchestrator.errors import ExitCode
from orchestrator.fleet.desired import TcpProbe
from orchestrator.fleet.observed import Unseen
from orchestrator.procedures.effects import (
    Announce,
    Answer,
    CheckImages,
    CheckVolumes,
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    DeployStack,
    Effect,
    Examine,
    Observe,
    ProbeResult,
    PullImages,
    PullOnNodes,
    ReadAudit,
    ReadConfig,
    ReadLogs,
    ReadRelease,
    RemoveLeftovers,
    RemoveServices,
    Result,
    RunProbe,
    ShipRelease,
    UpdateConfig,
    WatchPulls,
    WriteAudit,
    Written,
)
from orchestrator.procedures.inspection import Inspect
from orchestrator.procedures.told import News
from tests.build import CLIENT, sourced

RELEASE = sourced(CLIENT).release
PROBE = TcpProbe(name="database", host="db", port=5432)
READ: tuple[Effect, ...] = (
    Observe(site="far"),
    Examine(site="far"),
    CheckImages(site="far", images=("a",)),
    CheckVolumes(site="far", names=("a",)),
    WatchPulls(site="far", run="r"),
    Inspect(site="far"),
    ReadRelease(site="far", name="n"),
    ReadAudit(site="far"),
)
CONFIGS: tuple[Effect, ...] = (
    CreateConfig(site="far", name="n", labels=(), data=b""),
    UpdateConfig(site="far", id="i", version=1, labels=()),
    DeleteConfig(site="far", id="i"),
)
CHANGES: tuple[Effect, ...] = (
    RemoveServices(unit=CLIENT, ids=("s",)),
    RemoveLeftovers(unit=CLIENT),
    ShipRelease(site="far", release=RELEASE),
    PullImages(site="far", images=("a",)),
    PullOnNodes(site="far", run="r"),
    DeployStack(unit=CLIENT, release=RELEASE, labels=()),
    WriteAudit(site="far", line="x"),
    Announce(site="far", news=News.BEFORE, title="t", body="b"),
)
OTHERS: tuple[Effect, ...] = (
    RunProbe(site="far", probe=PROBE),
    ReadLogs(site="far", queries=()),
    ReadConfig(site="far", name="n"),
)


@pytest.mark.parametrize("effect", READ, ids=lambda effect: type(effect).__name__)
def test_a_site_that_was_not_seen_in_time_is_unseen(effect: Effect) -> None:
    answer = unanswered(effect, 7.0, 91.0)
    assert isinstance(answer, Unseen)
    assert (answer.site, answer.at) == ("far", 7.0)
    assert answer.problem.exit_code is ExitCode.SITE_UNREACHABLE
    assert answer.problem.where.site == "far"
    assert answer.problem.what.endswith("was given up after 91 s")


@pytest.mark.parametrize("effect", CHANGES, ids=lambda effect: type(effect).__name__)
def test_of_a_change_nobody_knows_what_became(effect: Effect) -> None:
    answer = unanswered(effect, 7.0, 91.0)
    assert isinstance(answer, Answer)
    assert (answer.result, answer.at) == (Result.UNKNOWN, 7.0)
    assert answer.problem is not None
    assert answer.problem.code == "answer.lost"


@pytest.mark.parametrize("effect", CONFIGS, ids=lambda effect: type(effect).__name__)
def test_of_a_write_to_the_record_nobody_knows_what_became(effect: Effect) -> None:
    answer = unanswered(effect, 7.0, 91.0)
    assert isinstance(answer, ConfigAnswer)
    assert (answer.result, answer.at) == (ConfigResult.UNKNOWN, 7.0)
    assert answer.problem is not None
    assert answer.problem.code == "answer.lost"


def test_what_only_reads_and_is_no_look_says_that_it_failed() -> None:
    probe, logs, record = (unanswered(effect, 7.0, 91.0) for effect in OTHERS)
    words = "a probe at far was given up after 91 s"
    assert probe == ProbeResult(ok=False, at=7.0, words=words)
    assert logs == Written()
    assert isinstance(record, ConfigAnswer)
    assert record.result is ConfigResult.FAILED
    assert record.problem is not None
    assert record.problem.code == "site.unreachable"


@pytest.mark.parametrize(
    "effect", [*READ, *CHANGES, *CONFIGS, *OTHERS], ids=lambda effect: type(effect).__name__
)
def test_every_effect_has_longer_than_its_own_deadline_and_is_named(effect: Effect) -> None:
    own = getattr(effect, "timeout_seconds", 0.0)
    assert longest_seconds(effect) >= own + LONGEST_SECONDS
    assert words_of(effect) != type(effect).__name__
    assert "{" not in words_of(effect)
