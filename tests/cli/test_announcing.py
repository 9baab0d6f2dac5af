"""A command that takes the server down, and where downtime is announced: as a person meets it."""

from dataclasses import replace

import pytest

from orchestrator.cli.announcing import UrlPlaces, WithAnnouncements, check_notice
from orchestrator.cli.carry_out import follow
from orchestrator.cli.resuming import resume_in
from orchestrator.cli.rolling_back import roll_back_in
from orchestrator.errors import ExitCode, RefusedError, UsageError
from orchestrator.fleet.unit import Unit
from orchestrator.planning.notice import Notice
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request
from orchestrator.procedures.effects import Announce, Effect, ReadConfig, Result
from orchestrator.procedures.told import News
from orchestrator.simulation.backend import Killed, SimulatedBackend
from orchestrator.simulation.channel import ChannelState
from orchestrator.simulation.happening import Happening, What
from tests.cli.desk import Desk, order
from tests.simulated import PRODUCTION, Simulated, simulated

SERVER = Unit(stack="datatrail", site="chime")
CLIENT = Request(units=("datatrail-client@kko",))
BY_HAND = Notice(announced="#outages, by Ada")
MESSAGE = Announce(site="chime", news=News.BEFORE, title="t", body="b")


@pytest.fixture
def shared() -> Simulated:
    return simulated(generation=2)


@pytest.fixture
def desk(shared: Simulated) -> Desk:
    return Desk(shared=shared)


def said(shared: Simulated) -> list[str]:
    return [message.news.value for message in shared.fleet.channel.messages]


def test_a_restart_announces_before_anything_goes_down_and_when_it_is_over(
    desk: Desk, shared: Simulated
) -> None:
    seen: list[str] = []

    def watch(happening: Happening) -> None:
        if happening.what in (What.ANNOUNCED, What.SERVICE_REMOVED):
            seen.append(happening.detail.split(" ")[0] if happening.what is What.ANNOUNCED else "-")

    shared.fleet.subscribe(watch)
    assert follow(desk.world(), order()) is ExitCode.DONE
    assert seen[0] == "before"
    assert seen[-1] == "ended"
    assert set(seen[1:-1]) == {"-"}
    before, ended = shared.fleet.channel.messages
    assert before.title == ended.title
    assert before.body.startswith(f"{SERVER} goes down now.")
    assert "Measured outage: datatrail@chime " in ended.body


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (ChannelState.REFUSES, "announce.refused"),
        (ChannelState.HANGS, "announce.unknown"),
        (ChannelState.LOSES_REPLY, "announce.unknown"),
    ],
)
def test_without_a_receipt_nothing_is_touched(
    desk: Desk, shared: Simulated, state: ChannelState, code: str
) -> None:
    shared.fleet.channel.state = state
    before = shared.stacks_running()
    assert follow(desk.world(), order()) is ExitCode.ANNOUNCEMENT_FAILED
    assert code in desk.said()
    assert shared.stacks_running() == before
    assert shared.oracle.touched == set()
    # It is over: who looked in the channel types the command anew.
    shared.fleet.channel.state = ChannelState.OK
    assert follow(desk.world(), order(notice=BY_HAND)) is ExitCode.DONE
    assert said(shared).count("before") == (1 if state is ChannelState.LOSES_REPLY else 0)
    assert shared.oracle.violations == []


def test_what_nobody_else_needs_is_not_announced(desk: Desk, shared: Simulated) -> None:
    shared.fleet.channel.state = ChannelState.REFUSES
    assert follow(desk.world(), order(request=CLIENT)) is ExitCode.DONE
    assert said(shared) == []


def test_what_is_taken_down_is_announced_and_what_comes_up_is_not(
    desk: Desk, shared: Simulated
) -> None:
    assert follow(desk.world(), order(Command.DOWN)) is ExitCode.DONE
    assert said(shared) == ["before", "ended"]
    assert "is down, as planned" in shared.fleet.channel.messages[-1].body
    assert follow(desk.world(), order(Command.UP)) is ExitCode.DONE
    assert said(shared) == ["before", "ended"]


def test_notice_is_given_and_every_site_examined_again(desk: Desk, shared: Simulated) -> None:
    assert follow(desk.world(), order(notice=Notice(minutes=10))) is ExitCode.DONE
    words = desk.said()
    assert "10 min before anything goes down" in words
    assert "examine kko again  done" in words
    assert shared.backend.now() > 600
    assert "goes down at " in shared.fleet.channel.messages[0].body


def test_a_rollback_is_announced_too(desk: Desk, shared: Simulated) -> None:
    world = desk.world()
    assert follow(world, order()) is ExitCode.DONE
    shared.fleet.channel.state = ChannelState.REFUSES

    def back(notice: Notice) -> ExitCode:
        run = world.run_id
        return roll_back_in(
            desk.world(), run, take_over=False, yes=True, dry_run=False, notice=notice
        )

    assert back(Notice()) is ExitCode.ANNOUNCEMENT_FAILED
    assert back(BY_HAND) is ExitCode.DONE


def test_a_run_killed_while_it_announced_is_never_announced_again(
    desk: Desk, shared: Simulated
) -> None:
    backend = SimulatedBackend(shared.fleet, operator="first")

    def kill(happening: Happening) -> None:
        if happening.what is What.ANNOUNCED:
            backend.die()

    shared.fleet.subscribe(kill)
    with pytest.raises(Killed):
        follow(desk.world(backend), order())
    desk.alive.clear()
    desk.said()
    resume_in(desk.world(), "", take_over=False, yes=True, dry_run=True)
    assert "nobody can tell whether its downtime was announced" in desk.said()
    # Nobody says what stands in the channel: it is asked for.
    code = resume_in(desk.world(), "", take_over=False, yes=True, dry_run=False)
    assert code is ExitCode.ANNOUNCEMENT_FAILED
    words = desk.said()
    assert "announce.unknown" in words
    assert "NEXT" not in words
    assert said(shared) == ["before"]
    assert shared.oracle.touched == set()


def test_a_run_killed_while_it_announced_goes_on_once_somebody_looked(
    desk: Desk, shared: Simulated
) -> None:
    backend = SimulatedBackend(shared.fleet, operator="first")
    shared.fleet.subscribe(lambda h: backend.die() if h.what is What.ANNOUNCED else None)
    with pytest.raises(Killed):
        follow(desk.world(backend), order())
    desk.alive.clear()
    world = desk.world()
    code = resume_in(world, "", take_over=False, yes=True, dry_run=False, announced="#x, by me")
    assert code is ExitCode.DONE
    assert said(shared) == ["before", "resumed", "ended"]


# Where to


def places(*names: str, **environment: str) -> UrlPlaces:
    return UrlPlaces(replace(PRODUCTION, announce=names), environment, lambda: 0.0)


def test_without_a_variable_nothing_is_begun_and_the_way_round_is_named(desk: Desk) -> None:
    world = replace(desk.world(), places=places("A_URL", "B_URL"))
    with pytest.raises(RefusedError) as caught:
        follow(world, order())
    (problem,) = caught.value.problems
    assert caught.value.exit_code is ExitCode.ANNOUNCEMENT_FAILED
    assert problem.code == "announce.nowhere"
    assert "A_URL and B_URL are not set" in problem.what
    assert problem.fix == (
        "set A_URL or B_URL to an Apprise URL; or:"
        " dtdeploy restart --all --announced 'WHERE AND BY WHOM'"
    )


def test_without_a_variable_a_person_may_have_announced_it(desk: Desk) -> None:
    world = replace(desk.world(), places=places("A_URL"))
    assert follow(world, order(notice=BY_HAND)) is ExitCode.DONE
    words = desk.said()
    assert "by hand, #outages, by Ada" in words
    assert "UNSAID" not in words


def test_an_inventory_that_names_no_variable_says_so() -> None:
    (problem,) = places().problems()
    assert "sites.yaml names no variable" in problem.what


def test_a_url_that_nobody_understands_is_told_before_anything_is_begun() -> None:
    (problem,) = places("A_URL", A_URL="nonsense").problems()
    assert problem.code == "announce.bad-url"
    assert places("A_URL", A_URL="json://host/").problems() == ()


def test_an_empty_variable_is_not_set() -> None:
    assert not places("A_URL", A_URL="").known
    assert places("A_URL", "B_URL", B_URL="json://host/").known


def test_only_announcements_go_there() -> None:
    class Other:
        left: Effect | None = None

        def perform(self, effect: Effect) -> object:
            return effect

        def give_up(self, effect: Effect) -> None:
            self.left = effect

    other = Other()
    both = WithAnnouncements(other, places())
    read = ReadConfig(site="chime", name="x")
    assert both.perform(read) is read
    both.give_up(read)
    assert other.left is read
    answer = both.perform(MESSAGE)
    assert getattr(answer, "result", None) is Result.FAILED


def test_announced_by_hand_and_by_dtdeploy_is_a_contradiction() -> None:
    with pytest.raises(UsageError, match="--announced"):
        check_notice(Notice(announced="#x", minutes=5))
    check_notice(BY_HAND)
    check_notice(Notice(minutes=5))
