from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestrator.errors import ExitCode, Problem, Retry
from orchestrator.fleet.desired import PublishedPort, TcpProbe
from orchestrator.fleet.observed import Look, NodeState, Unseen
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, Manager, SiteState, UnitSpec
from orchestrator.planning.plan import Action, Before, Command, Plan, Step, StepKind, UnitPlan
from orchestrator.procedures.book import Book
from orchestrator.procedures.deploy import deploy_effect
from orchestrator.procedures.effects import (
    Answer,
    Done,
    Effect,
    Examination,
    Examine,
    Failed,
    ProbeResult,
    Procedure,
    PullImages,
    Result,
    RunProbe,
    ShipRelease,
)
from orchestrator.procedures.preflight import examine, foreseen, prepare
from tests.build import (
    CLIENT,
    DAEMONS,
    HOME_CLIENT,
    SERVER,
    inventory,
    node,
    running,
    service,
    sight,
    sourced,
    spec,
    task,
    unseen,
    wanted,
)
from tests.drive import Driven, drive

DATABASE = TcpProbe(name="database", host="db", port=5432)
HEALTH = TcpProbe(name="health", host="here", port=8001)
PRESENT = Before(presence=Presence.PRESENT)
REFUSED = Problem(code="registry.x", what="denied", exit_code=ExitCode.LOGIN_REFUSED)


def book(
    command: Command = Command.RESTART,
    *,
    inv: Inventory | None = None,
    deployed: tuple[Unit, ...] = (),
    **actions: Action,
) -> Book:
    """Keywords: what happens to the server, the daemons and the two clients."""
    names = {"server": SERVER, "daemons": DAEMONS, "home_client": HOME_CLIENT, "client": CLIENT}
    units = tuple(
        UnitPlan(unit=names[name], action=action, reason="", before=PRESENT)
        for name, action in actions.items()
    )
    plan = Plan(
        command=command,
        selection="--all",
        coordinator="home",
        revisions=(),
        units=units,
        steps=(),
    )
    web = wanted(ports=(PublishedPort(port=443), PublishedPort(port=80)))
    sources = {unit: sourced(unit, web, wanted("worker")) for unit in deployed}
    return Book(run="r1", inventory=inv or inventory(), plan=plan, sourced=sources)


def step(site: str = "far", kind: StepKind = StepKind.EXAMINE) -> Step:
    return Step(id="x", kind=kind, site=site)


def examination(of: Look) -> Examination | Look:
    if isinstance(of, Unseen):
        return of
    return Examination(
        sight=of,
        api_version="1.41",
        cli_version="29.0",
        disk_free_bytes=50_000_000_000,
        disk_total_bytes=100_000_000_000,
        clock_offset_seconds=0.0,
    )


def examined(
    of: Book, site: str = "far", *, probe: bool = True, **looks: Look
) -> tuple[Driven, Examine]:
    def look(name: str, _now: float) -> Look:
        return looks.get(name, sight(name))

    def perform(effect: Effect, now: float) -> object:
        if isinstance(effect, RunProbe):
            return ProbeResult(ok=probe, at=now, words="HTTP 503")
        assert isinstance(effect, Examine)
        return examination(look(effect.site, now))

    driven = drive(examine(of, step(site)), look, perform)
    asked = driven.effects[0]
    assert isinstance(asked, Examine)
    return driven, asked


def codes(driven: Driven) -> list[str]:
    if isinstance(driven.outcome, Done):
        return []
    assert isinstance(driven.outcome, Failed)
    return [problem.code for problem in driven.outcome.problems]


def with_spec(replaced: UnitSpec) -> Inventory:
    base = inventory()
    units = tuple(replaced if s.unit == replaced.unit else s for s in base.units)
    return replace(base, units=units)


def test_what_is_prepared_needs_no_registry_any_more() -> None:
    def asked_for(*, prepared: bool) -> tuple[str, ...]:
        made = book(deployed=(CLIENT,), client=Action.UP, server=Action.KEEP)
        driven = drive(
            examine(replace(made, prepared=prepared), step()),
            lambda site, _: sight(site),
            lambda *_: unseen("far"),
        )
        (effect,) = (effect for effect in driven.effects if isinstance(effect, Examine))
        return effect.images

    assert asked_for(prepared=False) != ()
    assert asked_for(prepared=True) == ()


def test_a_fit_site_passes() -> None:
    of = book(client=Action.RESTART, server=Action.RESTART, deployed=(CLIENT, SERVER))
    driven, _ = examined(of)
    assert driven.outcome == Done(words="passed")


def test_it_asks_for_all_that_will_be_deployed_there_each_thing_once() -> None:
    inv = with_spec(spec(CLIENT, SERVER, requires=(DATABASE, DATABASE)))
    of = book(inv=inv, client=Action.RESTART, server=Action.RESTART, deployed=(CLIENT, SERVER))
    _, asked = examined(of)
    assert asked == Examine(
        site="far", images=("registry/app:1",), requires=(DATABASE,), ports=(80, 443)
    )


def test_what_is_only_taken_down_or_kept_needs_neither_images_nor_ports() -> None:
    assert examined(book(client=Action.DOWN))[1] == Examine(site="far")
    kept = book(client=Action.KEEP, deployed=(CLIENT,))
    assert examined(kept)[1] == Examine(site="far")


def test_a_site_that_cannot_be_seen_fails_with_its_own_problem_and_the_way_without_it() -> None:
    driven, _ = examined(book(client=Action.DOWN), far=unseen("far"))
    way = "or go on without it: add --without far --because TEXT"
    retry = Retry(adds=(("--without", "far"),))
    assert driven.outcome == Failed(problems=(replace(unseen().problem, fix=way, retry=retry),))
    back, _ = examined(book(client=Action.DOWN, command=Command.ROLLBACK), far=unseen("far"))
    assert back.outcome == Failed(problems=(unseen("far").problem,))
    alone, _ = examined(book(server=Action.DOWN), "home", home=unseen("home"))
    assert alone.outcome == Failed(problems=(unseen("home").problem,))


def test_all_that_is_wrong_is_reported_at_once() -> None:
    of = book(client=Action.UP, deployed=(CLIENT,), command=Command.UP)
    crowded = sight(
        "far", nodes=(), services=(service(stack="shop", published=((80, "tcp", "x"),)),)
    )
    driven, _ = examined(of, far=crowded, home=sight("home"))
    assert codes(driven) == ["swarm.no-leader", "swarm.port-taken", "deploy.refused"]


STRAY = sight("far", services=(service(stack="app-extra"),))


@pytest.mark.parametrize("action", [Action.RESTART, Action.DOWN])
def test_an_undeclared_stack_matters_where_the_server_goes_down(action: Action) -> None:
    driven, _ = examined(book(server=action), far=STRAY)
    assert codes(driven) == ["swarm.undeclared-stack"]


def test_advice_is_typed_at_the_manager_that_was_asked() -> None:
    near, far = inventory().sites
    spare = replace(far, others=(Manager(host="spare.example", user="ada"),))
    inv = replace(inventory(), sites=(near, spare))
    dead = node("far-w1", NodeState.DOWN, leader=False)
    there = replace(
        sight("far", nodes=(node(), dead), services=(service(),), via="spare.example"),
        tasks=(task(node_id=dead.id),),
    )
    driven, _ = examined(book(inv=inv, client=Action.RESTART), far=there)
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].evidence[0].startswith("ssh ada@spare.example docker node rm")


def test_an_undeclared_stack_is_in_nobodys_way_else() -> None:
    up = book(Command.UP, server=Action.UP)
    assert codes(examined(up, far=STRAY)[0]) == []
    kept = book(server=Action.KEEP)
    assert codes(examined(kept, far=STRAY)[0]) == []
    # Taking the client down concerns its own site alone.
    assert (
        codes(examined(book(client=Action.DOWN), "home", home=replace(STRAY, site="home"))[0]) == []
    )


def test_what_depends_on_a_removal_and_is_not_removed_by_this_run_must_be_gone() -> None:
    inv = inventory(states={"far": SiteState.WATCHED})
    of = book(inv=inv, server=Action.RESTART, daemons=Action.RESTART, home_client=Action.RESTART)
    assert codes(examined(of, far=running(CLIENT))[0]) == ["removal.blocked"]
    assert codes(examined(of, far=sight("far"))[0]) == []
    assert codes(examined(of, "home", home=running(DAEMONS))[0]) == []


def test_what_this_run_removes_itself_need_not_be_gone_yet() -> None:
    of = book(server=Action.RESTART, client=Action.RESTART)
    assert codes(examined(of, far=running(CLIENT))[0]) == []


def test_a_dependency_that_this_run_does_not_bring_up_must_be_healthy_now() -> None:
    """Else the site would be taken down and could not come back."""
    of = book(client=Action.RESTART, deployed=(CLIENT,))
    assert codes(examined(of, home=running(SERVER))[0]) == []
    driven, _ = examined(of, home=sight("home"))
    assert codes(driven) == ["deploy.refused"]
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].evidence == ("app@home does not run",)


def test_what_this_run_brings_up_need_not_be_healthy_yet_beside_what_it_leaves_alone() -> None:
    inv = with_spec(spec(HOME_CLIENT, SERVER, DAEMONS))
    of = book(
        Command.UP,
        inv=inv,
        server=Action.UP,
        daemons=Action.KEEP,
        home_client=Action.UP,
        deployed=(SERVER, HOME_CLIENT),
    )
    assert "deploy.refused" not in codes(examined(of, "home", home=running(DAEMONS))[0])
    assert "deploy.refused" in codes(examined(of, "home", home=sight("home"))[0])


def test_its_probes_are_asked_too() -> None:
    inv = with_spec(spec(SERVER, probes=(HEALTH,)))
    of = book(inv=inv, client=Action.RESTART, deployed=(CLIENT,))
    driven, _ = examined(of, home=running(SERVER), probe=False)
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].evidence == ("app@home: probe health: HTTP 503",)


# Preparing

OK = Answer(result=Result.OK, at=0.0)
SILENT = Answer(result=Result.UNKNOWN, at=0.0, words="it could not be begun in time")
DENIED = Answer(result=Result.FAILED, at=0.0, words="no", problem=REFUSED)


def prepared(of: Book, *answers: Answer) -> Driven:
    coming: Iterator[Answer] = iter(answers)
    procedure: Procedure = prepare(of, step("far", StepKind.PREPARE))
    return drive(procedure, lambda site, _: sight(site), lambda *_: next(coming, OK))


CLIENT_UP = book(Command.UP, client=Action.UP, deployed=(CLIENT,))


def test_a_spare_copy_is_kept_for_another_site_and_nothing_fails_for_it() -> None:
    steps = tuple(
        Step(id=f"prepare {site}", kind=StepKind.PREPARE, site=site) for site in ("far", "home")
    )
    made = book(Command.UP, server=Action.UP, deployed=(SERVER,))
    made = replace(made, plan=replace(made.plan, steps=steps))
    driven = prepared(made, DENIED)
    assert isinstance(driven.outcome, Done)
    spare, *_ = driven.effects
    assert spare == ShipRelease(site="far", release=sourced(SERVER).release)


def test_what_ran_before_is_kept_as_it_is_needed_for_the_way_back() -> None:
    (item,) = CLIENT_UP.plan.units
    before = replace(PRESENT, release="e" * 64, revision="f" * 40)
    plan = replace(CLIENT_UP.plan, units=(replace(item, before=before),))
    ship, *_ = prepared(replace(CLIENT_UP, plan=plan)).effects
    assert isinstance(ship, ShipRelease)
    assert ship.former == f"{CLIENT.stack}-{'f' * 12}-{'e' * 12}"


def test_releases_are_shipped_and_then_images_pulled() -> None:
    driven = prepared(CLIENT_UP)
    assert driven.outcome == Done(words="1 images in place")
    ship, pull = driven.effects
    deploy = deploy_effect(CLIENT_UP, CLIENT)
    assert ship == ShipRelease(site="far", release=sourced(CLIENT).release, deploy=deploy)
    assert pull == PullImages(site="far", images=("registry/app:1",))


def test_where_nothing_is_deployed_nothing_is_prepared() -> None:
    driven = prepared(book(client=Action.DOWN))
    assert driven.outcome == Done(words="0 images in place")
    assert driven.effects == []


@pytest.mark.parametrize("first", [SILENT, DENIED])
def test_shipping_is_tried_once_more(first: Answer) -> None:
    driven = prepared(CLIENT_UP, first)
    assert isinstance(driven.outcome, Done)
    assert [type(effect) for effect in driven.effects] == [ShipRelease, ShipRelease, PullImages]


def test_what_the_managers_docker_command_refuses_is_not_asked_again() -> None:
    problem = replace(REFUSED, exit_code=ExitCode.SOURCE_FAILED)
    driven = prepared(CLIENT_UP, replace(DENIED, problem=problem))
    assert driven.outcome == Failed(problems=(problem,))
    assert [type(effect) for effect in driven.effects] == [ShipRelease]


def test_what_is_not_known_to_be_shipped_is_no_success() -> None:
    driven = prepared(CLIENT_UP, SILENT, SILENT)
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].code == "preflight.not-prepared"
    assert driven.outcome.problems[0].evidence == ("it could not be begun in time",)
    assert prepared(CLIENT_UP, DENIED, DENIED).outcome == Failed(problems=(REFUSED,))


def test_images_are_pulled_once_and_must_be_known_to_be_there() -> None:
    denied = prepared(CLIENT_UP, OK, DENIED)
    assert denied.outcome == Failed(problems=(REFUSED,))
    assert len(denied.effects) == 2
    silent = prepared(CLIENT_UP, OK, Answer(result=Result.UNKNOWN, at=0.0))
    assert isinstance(silent.outcome, Failed)
    assert silent.outcome.problems[0].evidence == ()


LATE = Answer(result=Result.LATE, at=0.0, words="its time had passed")


def test_what_could_not_begin_in_time_did_nothing_and_is_tried_again() -> None:
    driven = prepared(CLIENT_UP, LATE, LATE, OK, LATE)
    assert isinstance(driven.outcome, Done)
    kinds = [type(effect) for effect in driven.effects]
    assert kinds == [ShipRelease] * 3 + [PullImages] * 2


def test_what_never_begins_in_time_is_not_prepared() -> None:
    driven = prepared(CLIENT_UP, *[LATE] * 20)
    assert isinstance(driven.outcome, Failed)
    assert driven.outcome.problems[0].evidence == ("its time had passed",)
    assert [type(effect) for effect in driven.effects] == [ShipRelease] * 6


def all_foreseen(of: Book, **looks: Look) -> tuple[Problem, ...]:
    steps = tuple(step(site) for site in ("home", "far"))
    steps += (step("home", StepKind.PREPARE),)
    seen = {site: looks.get(site, sight(site)) for site in ("home", "far")}
    return foreseen(replace(of, plan=replace(of.plan, steps=steps)), seen)


def foreseen_codes(of: Book, **looks: Look) -> list[str]:
    return [problem.code for problem in all_foreseen(of, **looks)]


def test_what_is_foreseen_is_advised_at_the_manager_that_answers() -> None:
    of = book(client=Action.RESTART, deployed=(CLIENT,), command=Command.RESTART)
    away = node("far-w1", NodeState.DOWN, leader=False)
    there = task(node_id=away.id)
    far = sight("far", nodes=(node(), away), services=(service(),), tasks=(there,))
    home = replace(running(SERVER), site="home")
    (problem,) = all_foreseen(of, far=far, home=home)
    assert problem.evidence[0].startswith("ssh far.example docker node rm --force far-w1 ")
    driven, _ = examined(of, far=far, home=home)
    assert driven.outcome == Failed(problems=(problem,))


def test_what_the_looks_tell_is_known_before_anybody_is_asked() -> None:
    """And is what preflight refuses for: the same judgment, of the same sight."""
    of = book(client=Action.UP, deployed=(CLIENT,))
    assert foreseen_codes(of, home=replace(running(SERVER), site="home")) == []
    assert foreseen_codes(of) == ["deploy.refused"] == codes(examined(of)[0])
    assert foreseen_codes(of, far=unseen("far")) == [unseen("far").problem.code]
    blind = sight("far", nodes=())
    assert foreseen_codes(of, home=replace(running(SERVER), site="home"), far=blind) == codes(
        examined(of, far=blind, home=replace(running(SERVER), site="home"))[0]
    )
