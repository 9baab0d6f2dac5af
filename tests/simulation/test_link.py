"""Effects over links that fail: what is told, and what really happened."""

import pytest

from orchestrator.errors import ExitCode
from orchestrator.fleet.desired import HttpProbe, TcpProbe, Via
from orchestrator.fleet.observed import Unseen
from orchestrator.procedures.effects import (
    Examination,
    Examine,
    Observe,
    ProbeResult,
    PullImages,
    Result,
    RunProbe,
    Sleep,
)
from orchestrator.simulation.backend import SimulatedBackend, SimulationStalledError
from orchestrator.simulation.faults import Fault, FaultKind
from orchestrator.simulation.happening import What
from tests.simulation.rig import SITE, Rig, no_tasks, service, stack

REFUSALS = [
    (FaultKind.LINK_REFUSED, ExitCode.SITE_UNREACHABLE, "site.unreachable"),
    (FaultKind.HOST_KEY_CHANGED, ExitCode.HOST_KEY_REFUSED, "ssh.host-key-changed"),
    (FaultKind.LOGIN_REFUSED, ExitCode.LOGIN_REFUSED, "ssh.login-refused"),
]


def _faulty(kind: FaultKind, *, count: int = 1, for_seconds: float = 0.0) -> Rig:
    rig = Rig(stack()).running()
    rig.fault(Fault(at=0, kind=kind, count=count, for_seconds=for_seconds))
    rig.pass_time(0.01)
    return rig


@pytest.mark.parametrize(("kind", "exit_code", "code"), REFUSALS)
def test_who_is_turned_away_knows_at_once_and_nothing_was_sent(
    kind: FaultKind, exit_code: ExitCode, code: str
) -> None:
    rig = Rig(stack()).running()
    effect = rig.remove_services()
    rig.fault(Fault(at=0, kind=kind))
    rig.pass_time(0.01)
    look, answer = rig.look(), rig.change(effect)
    assert isinstance(look, Unseen)
    assert (look.problem.exit_code, look.problem.code) == (exit_code, code)
    assert answer.problem == look.problem
    assert answer.result is (Result.UNKNOWN if kind is FaultKind.LINK_REFUSED else Result.FAILED), (
        "a deletion may be tried again after another look, if that can help"
    )
    assert rig.change(rig.deploy_effect()).result is Result.FAILED
    assert rig.now < 1.0
    assert len(rig.swarm.services) == 1


def test_behind_a_cut_link_only_the_deadline_answers() -> None:
    rig = Rig(stack()).running()
    effect = rig.remove_services()
    rig.fault(Fault(at=0, kind=FaultKind.LINK_CUT))
    rig.pass_time(0.01)
    look = rig.look()
    assert isinstance(look, Unseen)
    assert rig.now == pytest.approx(15, abs=0.5)
    answer = rig.change(effect)
    assert (answer.result, len(rig.swarm.services)) == (Result.UNKNOWN, 1)
    assert answer.problem is not None
    assert answer.problem.exit_code is ExitCode.OUTCOME_UNKNOWN


def test_a_cut_in_the_middle_leaves_what_was_begun_to_go_on() -> None:
    """4.5: a remote command outlives its connection."""
    rig = Rig(stack())
    rig.fault(Fault(at=0.1, kind=FaultKind.LINK_CUT, for_seconds=1))
    answer = rig.change(rig.deploy_effect())
    assert answer.result is Result.UNKNOWN
    assert len(rig.sight().services) == 1


def test_a_series_of_requests_ends_with_its_connection() -> None:
    rig = Rig(stack(*(service(f"s{n}") for n in range(40)))).running()
    effect = rig.remove_services()
    rig.fault(Fault(at=0.5, kind=FaultKind.LINK_CUT))
    assert rig.change(effect).result is Result.UNKNOWN
    assert 0 < len(rig.swarm.services) < 40


def test_a_remote_command_is_ended_by_its_own_time_limit() -> None:
    """3.11: exit code 124; a daemon that thaws later finds nothing left to do."""
    rig = Rig(stack())
    rig.fault(Fault(at=0, kind=FaultKind.DAEMON_FROZEN, for_seconds=300))
    rig.pass_time(0.01)
    answer = rig.change(rig.deploy_effect())
    assert (answer.result, "124" in answer.words) == (Result.UNKNOWN, True)
    assert rig.now == pytest.approx(120, abs=1)
    rig.pass_time(300)
    assert rig.sight().services == ()


@pytest.mark.parametrize(("kind", "left"), [(FaultKind.LOSE_BEFORE, 1), (FaultKind.LOSE_AFTER, 0)])
def test_an_answer_is_lost_before_the_effect_or_after_it(kind: FaultKind, left: int) -> None:
    rig = Rig(stack()).running()
    effect = rig.remove_services()
    rig.fault(Fault(at=0, kind=kind))
    rig.pass_time(0.01)
    assert rig.change(effect).result is Result.UNKNOWN
    assert len(rig.sight().services) == left


def test_only_as_many_answers_are_lost_as_was_said() -> None:
    rig = _faulty(FaultKind.LOSE_BEFORE, count=1)
    effect = rig.remove_services()
    rig.change(effect)
    rig.ok(effect)
    rig.until(no_tasks)


def test_a_hanging_link_swallows_some_requests_and_all_answers() -> None:
    left = set()
    for attempt in range(12):
        rig = Rig(stack()).running()
        rig.fleet.rng.seed(attempt)
        effect = rig.remove_services()
        rig.fault(Fault(at=0, kind=FaultKind.LINK_HANGING))
        rig.pass_time(0.01)
        assert rig.change(effect).result is Result.UNKNOWN
        left.add(len(rig.swarm.services))
    assert left == {0, 1}


def test_a_slow_link_only_takes_longer() -> None:
    rig = Rig(stack()).running()
    rig.sight()
    quick = rig.now
    rig.fault(Fault(at=0, kind=FaultKind.LINK_SLOW, factor=50))
    rig.pass_time(0.01)
    began = rig.now
    rig.sight()
    assert rig.now - began > 5 * quick


def test_a_restored_link_works_again() -> None:
    rig = _faulty(FaultKind.LINK_REFUSED, for_seconds=5)
    assert isinstance(rig.look(), Unseen)
    rig.pass_time(5)
    rig.sight()


def test_a_probe_through_the_manager_needs_the_link_and_one_from_here_does_not() -> None:
    rig = _faulty(FaultKind.LINK_REFUSED)
    rig.fleet.outside["db.example", 80] = True
    for via, ok in ((Via.MANAGER, False), (Via.HERE, True)):
        probe = TcpProbe(name="db", host="db.example", port=80, via=via)
        answer = rig.ask(RunProbe(site=SITE, probe=probe))
        assert isinstance(answer, ProbeResult)
        assert answer.ok is ok


def test_the_effect_comes_strictly_between_submit_and_answer() -> None:
    rig = Rig(stack()).running()
    effect = rig.remove_services()
    began = rig.now
    rig.ok(effect)
    (removed,) = rig.told(What.SERVICE_REMOVED)
    assert began < removed.at < rig.now


def test_what_a_look_shows_is_no_older_than_the_look() -> None:
    rig = Rig(stack()).running()
    began = rig.now
    sight = rig.sight()
    assert began <= sight.started < sight.at <= rig.now


def test_effects_go_side_by_side() -> None:
    rig = Rig(stack()).running()
    for token in range(10):
        rig.backend.submit(token, Observe(site=SITE))
    answers = [rig.backend.wait(None) for _ in range(10)]
    assert sorted(answer[0] for answer in answers if answer) == list(range(10))
    assert rig.now < 0.5


def test_answers_that_are_there_take_no_time_to_be_given() -> None:
    rig = Rig(stack()).running()
    for token in range(3):
        rig.backend.submit(token, Observe(site=SITE))
    rig.pass_time(5)
    rig.backend.wake()
    answers = [rig.backend.wait(None) for _ in range(4)]
    assert [answer is None for answer in answers] == [False, False, False, True]
    assert rig.now == 5


def test_wait_returns_nothing_when_the_time_comes_first() -> None:
    rig = Rig(stack())
    assert rig.backend.wait(3.0) is None
    assert rig.now == 3.0
    assert rig.backend.wait(1.0) is None
    assert rig.now == 3.0, "time never goes back"


def test_wake_ends_a_wait() -> None:
    rig = Rig(stack())
    rig.fleet.clock.after(2.0, rig.backend.wake)
    assert rig.backend.wait(100.0) is None
    assert rig.now == 2.0


def test_waiting_for_ever_for_nothing_is_a_bug_and_said_so() -> None:
    rig = Rig(stack())
    with pytest.raises(SimulationStalledError):
        rig.backend.wait(None)


def test_waiting_again_and_again_for_what_is_past_is_a_bug_and_said_so() -> None:
    rig = Rig(stack())

    def wait_for(until: float) -> None:
        for _ in range(1100):
            rig.backend.wait(until)

    with pytest.raises(SimulationStalledError, match="no time passes"):
        wait_for(0.0)


def test_effects_of_the_engine_itself_are_refused() -> None:
    with pytest.raises(TypeError, match="Sleep"):
        Rig(stack()).backend.submit(1, Sleep(seconds=1))


def test_two_operators_share_a_world_and_get_their_own_answers() -> None:
    rig = Rig(stack()).running()
    other = SimulatedBackend(rig.fleet, operator="second")
    other.submit(5, rig.remove_services())
    rig.pass_time(5)
    answer = other.wait(None)
    assert answer is not None
    assert answer[0] == 5
    (command,), (removed,) = rig.told(What.COMMAND), rig.told(What.SERVICE_REMOVED)
    assert (command.detail, command.by, removed.by) == ("RemoveServices", "second", "second")
    assert rig.sight().services == ()


def test_an_examination_finds_a_healthy_site_healthy() -> None:
    rig = Rig(stack()).running()
    probe = HttpProbe(name="x", host="nobody.example", port=1)
    found = rig.ask(Examine(site=SITE, images=("registry.example/web:1",), requires=(probe,)))
    assert isinstance(found, Examination)
    assert [check.ok for check in found.images] == [True]
    assert [(p, result.ok) for p, result in found.requires] == [(probe, False)]
    assert found.all_networks[0] == "web_default"


@pytest.mark.parametrize(
    ("kind", "words"),
    [(FaultKind.REGISTRY_DENIED, "unauthorized"), (FaultKind.REGISTRY_UNREACHABLE, "timeout")],
)
def test_a_registry_that_says_no_is_quoted(kind: FaultKind, words: str) -> None:
    rig = Rig(stack())
    rig.fault(Fault(at=0, kind=kind))
    rig.pass_time(0.01)
    found = rig.ask(Examine(site=SITE, images=("registry.example/web:1",)))
    assert isinstance(found, Examination)
    assert (found.images[0].ok, words in found.images[0].words) == (False, True)
    answer = rig.change(PullImages(site=SITE, images=("registry.example/web:1",)))
    assert (answer.result, words in answer.words) == (Result.FAILED, True)
