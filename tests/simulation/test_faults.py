"""Faults around an operator: requests that come late, people at the manager, lost coordinators."""

from dataclasses import replace

import pytest

from orchestrator.fleet.drift import drift
from orchestrator.fleet.observed import contents
from orchestrator.procedures.effects import (
    Answer,
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    ReadConfig,
    Result,
    ShipRelease,
    WriteAudit,
)
from orchestrator.simulation import api
from orchestrator.simulation.faults import Fault, FaultKind, inject
from orchestrator.simulation.happening import What
from orchestrator.simulation.scenario import FaultText
from orchestrator.simulation.synthetic import made_up
from tests.simulation.rig import SITE, UNIT, Rig, all_running, no_tasks, service, sourced, stack

LOCK = CreateConfig(site=SITE, name="dtdeploy.run", labels=(), data=b"plan")
LABELS = (("dtdeploy.revision", "a" * 40),)


def _delayed(seconds: float, *, count: int = 1) -> Rig:
    rig = Rig(stack()).running()
    rig.fault(Fault(at=0, kind=FaultKind.DELAY, delay_seconds=seconds, count=count))
    rig.pass_time(0.01)
    return rig


def test_a_delayed_command_acts_late_and_is_answered() -> None:
    rig = _delayed(10)
    effect = rig.remove_services()
    began = rig.now
    rig.ok(effect)
    (removed,) = rig.told(What.SERVICE_REMOVED)
    assert 10 < removed.at - began < 11
    rig.ok(effect)
    assert rig.now - began < 11, "only as many as was said"


def test_a_command_may_act_after_it_was_given_up() -> None:
    """Unknown is not undone."""
    rig = _delayed(100)
    assert rig.change(rig.remove_services()).result is Result.UNKNOWN
    assert len(rig.sight().services) == 1
    rig.pass_time(100)
    assert rig.sight().services == ()


def test_of_a_delayed_series_only_the_first_was_sent_when_it_was_given_up() -> None:
    rig = Rig(stack(service("a"), service("b"))).running()
    rig.fault(Fault(at=0, kind=FaultKind.DELAY, delay_seconds=100))
    rig.pass_time(0.01)
    assert rig.change(rig.remove_services()).result is Result.UNKNOWN
    rig.pass_time(100)
    assert len(rig.sight().services) == 1


def test_what_was_sent_in_time_acts_however_late_it_arrives() -> None:
    """On its way nobody asks what time it is: 6.4, a lock of this kind fences nothing."""
    rig = _delayed(20)
    rig.ok(replace(rig.remove_services(), not_after=rig.now + 15))
    assert rig.sight().services == ()


def test_the_rest_of_a_series_is_not_sent_past_its_time() -> None:
    """The live connection asks before each request; a part of it makes the whole unknown."""
    rig = Rig(stack(*(service(f"s{n}") for n in range(40)))).running()
    answer = rig.change(replace(rig.remove_services(), not_after=rig.now + 0.5))
    assert (answer.result, answer.problem) == (Result.UNKNOWN, None)
    left = len(rig.swarm.services)
    assert 0 < left < 40
    assert answer.words == f"{40 - left} of 40 were sent"


def test_reads_and_audit_lines_are_not_delayed_and_locks_are() -> None:
    rig = _delayed(10)
    rig.sight()
    rig.ok(WriteAudit(site=SITE, line="a"))
    assert rig.now < 1
    assert isinstance(rig.ask(LOCK), ConfigAnswer)
    assert 10 < rig.now < 11


def test_a_delay_and_a_lost_answer_can_meet() -> None:
    rig = _delayed(5)
    rig.fault(Fault(at=0, kind=FaultKind.LOSE_AFTER))
    rig.pass_time(0.01)
    assert rig.change(rig.remove_services()).result is Result.UNKNOWN
    assert rig.sight().services == ()


def test_a_person_removes_the_lock_and_it_is_known_who() -> None:
    rig = Rig(stack())
    rig.ask(LOCK)
    api.create_config(rig.swarm, "other", stack="")
    rig.fault(Fault(at=0, kind=FaultKind.CONFIG_RM))
    rig.pass_time(1)
    (removed,) = rig.told(What.CONFIG_REMOVED)
    assert (removed.detail, removed.by) == ("dtdeploy.run", "person")
    answer = rig.ask(ReadConfig(site=SITE, name="dtdeploy.run"))
    assert isinstance(answer, ConfigAnswer)
    assert answer.result is ConfigResult.ABSENT
    rig.fault(Fault(at=0, kind=FaultKind.CONFIG_RM, config="OTHER"))
    rig.pass_time(1)
    assert rig.swarm.configs == {}


def test_a_person_that_removes_what_is_not_there_does_no_harm() -> None:
    rig = Rig(stack()).running()
    before = dict(rig.swarm.configs)
    rig.fault(Fault(at=0, kind=FaultKind.CONFIG_RM))
    rig.pass_time(1)
    assert rig.swarm.configs == before


def _labels(rig: Rig) -> list[tuple[tuple[str, str], ...]]:
    return [found.labels for found in rig.sight().services]


def test_a_person_deploys_over_what_runs_and_its_labels_are_gone() -> None:
    rig = Rig(stack())
    rig.ok(replace(rig.deploy_effect(), labels=LABELS))
    assert _labels(rig) == [LABELS]
    rig.until(all_running)
    rig.fault(Fault(at=0, kind=FaultKind.STACK_DEPLOY, stack="web"))
    rig.pass_time(3)
    assert _labels(rig) == [()]
    (updated,) = rig.told(What.SERVICE_UPDATED)
    assert updated.by == "person"
    assert len(rig.told(What.CONTAINER_STARTED)) == 1, "the same images restart nothing"


def test_a_person_deploys_what_was_down_from_the_newest_revision() -> None:
    rig = Rig(stack())
    rig.fleet.learn([sourced(stack(service(image="registry.example/web:2")), "d2")])
    rig.fault(Fault(at=0, kind=FaultKind.STACK_DEPLOY, stack="web"))
    rig.pass_time(5)
    (found,) = rig.sight().services
    assert (found.image.partition("@")[0], found.labels) == ("registry.example/web:2", ())
    assert {h.by for h in rig.told(What.SERVICE_CREATED)} == {"person"}


def test_a_person_deploys_in_the_middle_of_a_removal() -> None:
    rig = Rig(stack()).running()
    effect = rig.remove_services()
    rig.fault(Fault(at=1, kind=FaultKind.STACK_DEPLOY, stack="web"))
    rig.ok(effect)
    rig.pass_time(1)
    assert len(rig.until(all_running).services) == 1


def test_nobody_can_deploy_what_is_in_no_repository() -> None:
    rig = Rig(stack())
    rig.fault(Fault(at=0, kind=FaultKind.STACK_DEPLOY, stack="stranger"))
    rig.pass_time(5)
    assert rig.sight().services == ()


def test_a_person_removes_a_stack() -> None:
    rig = Rig(stack()).running()
    rig.fault(Fault(at=0, kind=FaultKind.STACK_RM, stack="web"))
    rig.until(no_tasks)
    assert {h.by for h in rig.told(What.SERVICE_REMOVED)} == {"person"}


@pytest.mark.parametrize("kind", [FaultKind.LINK_CUT, FaultKind.QUORUM_LOST])
def test_a_coordinator_that_is_lost_stops_no_other_sites_work(kind: FaultKind) -> None:
    """The lock is one site's business, the stacks are another's."""
    rig = Rig(stack()).running()
    rig.fleet.add_site("chime", host="host.chime")
    effect = rig.remove_services()
    inject(rig.fleet, Fault(at=rig.now, kind=kind, site="chime"))
    rig.pass_time(0.01)
    rig.backend.submit(1, replace(LOCK, site="chime"))
    rig.backend.submit(2, effect)
    first, second = rig.backend.wait(None), rig.backend.wait(None)
    assert first is not None
    assert second is not None
    assert (first[0], second[0]) == (2, 1)
    assert isinstance(first[1], Answer)
    assert isinstance(second[1], ConfigAnswer)
    assert (first[1].result, second[1].result) == (Result.OK, ConfigResult.UNKNOWN)
    assert rig.now >= 15


def test_a_scenario_says_the_same_as_a_fault() -> None:
    for key in ("count", "factor", "delay_seconds", "config", "for_seconds"):
        text, plain = FaultText(at=1, kind=FaultKind.DELAY), Fault(at=1, kind=FaultKind.DELAY)
        assert getattr(text.fault(), key) == getattr(plain, key), key


HEALTH_CHECKED = made_up(UNIT, ("app",), image="registry.example/web:1", ports=(8001,))


def test_a_docker_command_that_is_too_old_refuses_the_file_and_creates_nothing() -> None:
    rig = Rig(stack())
    rig.fault(Fault(at=0, kind=FaultKind.FILE_REFUSED, for_seconds=60))
    rig.pass_time(0.01)
    deploy = rig.deploy_effect()
    read = rig.change(ShipRelease(site=SITE, release=deploy.release, deploy=deploy))
    assert (read.result, read.problem and read.problem.code) == (
        Result.FAILED,
        "source.manager-refuses",
    )
    refused = rig.change(deploy)
    assert (refused.result, refused.problem) == (Result.FAILED, None)
    assert "unsupported Compose file version" in refused.words
    assert rig.sight().services == ()
    rig.pass_time(60)
    rig.ok(ShipRelease(site=SITE, release=deploy.release, deploy=deploy))
    rig.ok(deploy)


def test_an_engine_that_is_too_old_drops_a_field_without_a_word() -> None:
    rig = Rig(HEALTH_CHECKED)
    rig.fault(Fault(at=0, kind=FaultKind.FIELD_DROPPED, for_seconds=60))
    rig.pass_time(0.01)
    rig.ok(rig.deploy_effect())
    changes = drift(HEALTH_CHECKED, contents(rig.sight(), UNIT.stack))
    assert {change.kind for change in changes} == {"health check"}
    rig.pass_time(60)
    rig.ok(rig.deploy_effect())
    assert drift(HEALTH_CHECKED, contents(rig.sight(), UNIT.stack)) == ()
