from dataclasses import replace

import pytest

from orchestrator.engine.custodian import Custodian, details
from orchestrator.engine.events import (
    Event,
    RunStopping,
    StepDone,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepStopped,
    StepWaits,
)
from orchestrator.engine.journal_problems import problems_told
from orchestrator.engine.keeper import Keeper
from orchestrator.errors import ExitCode, Problem
from orchestrator.planning.plan import Step, StepKind
from orchestrator.procedures.effects import (
    Announce,
    Answer,
    DeployStack,
    Mutation,
    PullImages,
    RemoveLeftovers,
    RemoveServices,
    Result,
    Saw,
    ShipRelease,
    UpdateConfig,
    site_of,
)
from orchestrator.procedures.hold import Hold, Holder, Phase, to_labels
from orchestrator.procedures.told import News, Sent
from tests.build import CLIENT, SERVER, plan, sourced, unit_plan
from tests.configs import Configs
from tests.engine.desk import FULL, Notes

STEPS = tuple(
    Step(id=f"{kind.value} x", kind=kind, site="home", unit=SERVER)
    for kind in (
        StepKind.EXAMINE,
        StepKind.GATE,
        StepKind.PREPARE,
        StepKind.REMOVE,
        StepKind.DEPLOY,
        StepKind.SETTLE,
    )
)
EXAMINE, GATE, PREPARE, REMOVE, DEPLOY, SETTLE = STEPS
PLAN = plan(unit_plan(SERVER), unit_plan(CLIENT), steps=STEPS)
HOLDER = Holder(owner="ann", host="desk", pid=7, session="s1")
HOLD = Hold(run="r1", words="restart --all", holder=HOLDER, started=1000.0, beat=1000.0)
RELEASE = sourced(CLIENT).release
REMOVES = RemoveServices(unit=SERVER, ids=("s1", "s2"))
SHIPS = ShipRelease(site="far", release=RELEASE)
PULLS = PullImages(site="far", images=("a", "b"))
LEFT = RemoveLeftovers(unit=CLIENT, networks=("n",), secrets=("s",), configs=("c",))
DEPLOYS = DeployStack(
    unit=CLIENT,
    release=RELEASE,
    labels=(),
    variables=(("PASSWORD", "hunter2"),),
)
BROKEN = Problem(code="x.y", what="it broke", exit_code=ExitCode.UNHEALTHY)


class Desk:
    """A custodian with a clock that the test moves."""

    def __init__(self, hold: Hold = HOLD) -> None:
        self.notes = Notes()
        self.wall = 5000.0
        lock = Configs().put("dtdeploy.run", *to_labels(hold, STEPS))
        keeper = Keeper("home", lock, hold, STEPS)
        self.custodian = Custodian(PLAN, keeper, self.notes, lambda: self.wall)

    def hold(self) -> Hold:
        return self.custodian.keeper.hold

    def start(self, *steps: Step) -> Phase:
        for step in steps:
            self.custodian.note(StepStarted(at=0.0, step=step))
        return self.hold().phase


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_intent_is_written_down_as_what_when_and_for_which_step(desk: Desk) -> None:
    assert desk.custodian.intend(REMOVE, REMOVES) is None
    body = {"effect": "RemoveServices", "unit": "app@home", "services": "s1,s2"}
    assert desk.notes.told() == [("intended", "remove x", body)]
    assert desk.notes.entries[0].at == 5000.0


def test_what_cannot_be_written_down_has_touched_nothing(desk: Desk) -> None:
    desk.notes.full = lambda _: True
    assert desk.custodian.intend(REMOVE, REMOVES) == FULL
    assert desk.hold() == HOLD


def test_from_the_first_intent_to_remove_or_deploy_the_run_has_touched_something(
    desk: Desk,
) -> None:
    desk.custodian.intend(PREPARE, SHIPS)
    assert not desk.hold().touched
    desk.custodian.intend(DEPLOY, DEPLOYS)
    assert desk.hold().touched
    assert desk.hold().down == ()


def test_since_when_a_server_is_down_is_kept_from_its_first_removal(desk: Desk) -> None:
    desk.custodian.intend(REMOVE, REMOVES)
    desk.wall = 5009.0
    desk.custodian.intend(REMOVE, REMOVES)
    desk.custodian.intend(REMOVE, replace(LEFT, unit=SERVER))
    assert desk.hold().down == ((SERVER, 5000.0),)


def test_what_nothing_depends_on_is_no_outage(desk: Desk) -> None:
    desk.custodian.intend(REMOVE, RemoveServices(unit=CLIENT, ids=("s",)))
    assert (desk.hold().touched, desk.hold().down) == (True, ())


def test_a_server_is_down_until_its_deploy_is_done(desk: Desk) -> None:
    desk.custodian.intend(REMOVE, REMOVES)
    desk.custodian.note(StepDone(at=1.0, step=REMOVE, words="gone", seconds=1.0))
    assert desk.hold().down == ((SERVER, 5000.0),)
    other = replace(DEPLOY, id="deploy y", unit=CLIENT)
    desk.custodian.note(StepDone(at=2.0, step=other, words="", seconds=1.0))
    assert desk.hold().down == ((SERVER, 5000.0),)
    desk.custodian.note(StepDone(at=3.0, step=DEPLOY, words="healthy", seconds=1.0))
    assert desk.hold().down == ()
    assert desk.hold().done == {"remove x", "deploy x", "deploy y"}


def test_what_was_seen_is_written_down_within_bounds(desk: Desk) -> None:
    answer = Answer(result=Result.FAILED, at=9.0, words="no " * 1000)
    assert desk.custodian.saw(REMOVE, Saw(effect=LEFT, answer=answer)) is None
    ((kind, step, body),) = desk.notes.told()
    assert (kind, step) == ("observed", "remove x")
    assert (body["effect"], body["result"]) == ("RemoveLeftovers", "failed")
    assert body["words"] == ("no " * 1000)[:2000]
    desk.notes.full = lambda _: True
    assert desk.custodian.saw(REMOVE, Saw(effect=LEFT, answer=answer)) == FULL


@pytest.mark.parametrize(
    ("effect", "site", "told"),
    [
        (REMOVES, "home", {"unit": "app@home", "services": "s1,s2"}),
        (LEFT, "far", {"unit": "app-client@far", "leftovers": "n,s,c"}),
        (SHIPS, "far", {"unit": "app-client@far", "release": RELEASE.name}),
        (PULLS, "far", {"site": "far", "images": 2}),
        (DEPLOYS, "far", {"unit": "app-client@far", "revision": f"app@{RELEASE.revision.sha}"}),
    ],
)
def test_effects_are_told_in_plain_words_without_their_secrets(
    desk: Desk, effect: Mutation, site: str, told: dict[str, object]
) -> None:
    assert site_of(effect) == site
    assert details(effect) == {"effect": type(effect).__name__, **told}
    assert "hunter2" not in desk.custodian.audit_line(DEPLOY, effect).line


def test_the_manager_keeps_a_line_about_who_did_what_when(desk: Desk) -> None:
    audit = desk.custodian.audit_line(REMOVE, REMOVES)
    assert audit.site == "home"
    assert audit.line == (
        "1970-01-01T01:23:20.000+00:00 run=r1 by=ann@desk step='remove x'"
        " effect=RemoveServices unit=app@home services=s1,s2"
    )


def test_the_lock_is_kept_by_both_clocks(desk: Desk) -> None:
    sent = desk.custodian.next_for_lock(100.0)
    assert isinstance(sent, UpdateConfig)
    assert dict(sent.labels)["dtdeploy.beat"] == "1970-01-01T01:23:20.000+00:00"
    assert desk.custodian.next_for_lock(200.0) is None


def test_the_phase_is_that_of_the_step_that_is_furthest(desk: Desk) -> None:
    assert desk.start(EXAMINE) is Phase.PREFLIGHT
    assert desk.start(PREPARE) is Phase.PREPARING
    assert desk.start(GATE) is Phase.PREPARING
    assert desk.start(DEPLOY) is Phase.DEPLOYING
    assert desk.start(REMOVE) is Phase.DEPLOYING
    assert desk.start(SETTLE) is Phase.WATCHING


def test_a_run_that_was_stopped_stays_so_for_its_reader() -> None:
    desk = Desk(replace(HOLD, phase=Phase.STOPPED))
    assert desk.start(DEPLOY) is Phase.STOPPED


@pytest.mark.parametrize(
    ("event", "state", "more"),
    [
        (StepStarted(at=0.0, step=REMOVE), "started", {}),
        (StepDone(at=0.0, step=REMOVE, words="gone", seconds=1.0), "done", {"words": "gone"}),
        (
            StepFailed(at=0.0, step=REMOVE, problems=(BROKEN,), seconds=1.0),
            "failed",
            problems_told([BROKEN]),
        ),
        (StepSkipped(at=0.0, step=REMOVE, because="a"), "skipped", {"because": "a"}),
        (StepStopped(at=0.0, step=REMOVE, words="left"), "stopped", {}),
    ],
)
def test_how_each_step_goes_is_remembered(
    desk: Desk, event: Event, state: str, more: dict[str, object]
) -> None:
    desk.custodian.note(event)
    assert desk.notes.told() == [("step", "remove x", {"state": state, **more})]
    desk.notes.full = lambda _: True
    # The next intent meets the same disk, and that one counts.
    desk.custodian.note(event)


@pytest.mark.parametrize(
    "event",
    [
        StepStarted(at=0.0, step=GATE),
        StepWaits(at=0.0, step=REMOVE, waiting_for="x", items=(), deadline=None),
        RunStopping(at=0.0),
    ],
)
def test_waiting_and_gates_are_not_worth_a_line(desk: Desk, event: Event) -> None:
    desk.custodian.note(event)
    assert desk.notes.entries == []
    assert desk.hold() == HOLD


def test_a_step_that_failed_is_not_finished(desk: Desk) -> None:
    desk.custodian.note(StepFailed(at=0.0, step=REMOVE, problems=(BROKEN,), seconds=1.0))
    assert desk.hold().done == frozenset()


def test_what_is_announced_stands_in_the_lock_before_it_is_sent_and_after() -> None:
    desk = Desk()
    message = Announce(site="home", news=News.BEFORE, title="t", body="b")
    step = Step(id="announce downtime", kind=StepKind.ANNOUNCE, site="home")
    assert desk.custodian.intend(step, message) is None
    (told,) = desk.hold().told
    assert (told.news, told.sent, told.at) == (News.BEFORE, Sent.SENDING, 5000.0)
    assert not desk.hold().touched
    answer = Answer(result=Result.OK, at=0.0, words="chat: accepted")
    desk.custodian.saw(step, Saw(effect=message, answer=answer))
    (told,) = desk.hold().told
    assert (told.sent, told.words) == (Sent.RECEIVED, "chat: accepted")
    assert site_of(message) == "home"


def test_how_long_a_unit_was_down_is_kept_once_it_is_back() -> None:
    desk = Desk()
    desk.custodian.intend(REMOVE, REMOVES)
    assert desk.hold().down == ((SERVER, 5000.0),)
    desk.wall += 7.5
    desk.custodian.note(StepDone(at=0.0, step=DEPLOY, words="", seconds=1.0))
    assert (desk.hold().down, desk.hold().outages) == ((), ((SERVER, 7.5),))


def test_of_what_is_announced_it_is_known_since_when_it_is_down_whoever_needs_it() -> None:
    desk = Desk()
    alone = RemoveServices(unit=CLIENT, ids=("s",))
    desk.custodian.intend(REMOVE, alone)
    assert desk.hold().down == ()
    keeper = desk.custodian.keeper
    announced = frozenset({CLIENT})
    told = Custodian(PLAN, keeper, desk.notes, lambda: 9.0, announced=announced)
    told.intend(REMOVE, alone)
    assert keeper.hold.down == ((CLIENT, 9.0),)
