"""Saving a plan and applying it on the simulated fleet, with the code that runs live."""

import base64
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from orchestrator.cli.applying import follow_plan
from orchestrator.cli.carry_out import follow
from orchestrator.cli.fleet_status import fleet_status
from orchestrator.cli.judging import fully_healthy
from orchestrator.cli.meeting import find_run
from orchestrator.cli.planning import draw
from orchestrator.cli.resuming import resume_in
from orchestrator.cli.saving import read_plan, save_plan
from orchestrator.engine.alone import carry_alone
from orchestrator.engine.record import decode
from orchestrator.errors import DtdeployError, ExitCode, RefusedError, UsageError
from orchestrator.fleet.unit import Unit
from orchestrator.planning.asked import Asked, OnFailure
from orchestrator.planning.plan import Command, Plan
from orchestrator.planning.selection import Request
from orchestrator.procedures.asking import ask_sleep
from orchestrator.simulation.behaviour import Behaviour, Kind
from orchestrator.simulation.faults import Fault, FaultKind, inject
from orchestrator.simulation.link import LinkState
from orchestrator.simulation.rollout import update_service
from orchestrator.simulation.synthetic import synthetic_sources
from tests.cli.desk import Desk, order, reached_otherwise
from tests.operators import Operators
from tests.simulated import ALL, PRODUCTION, simulated

KKO = Unit(stack="datatrail-client", site="kko")
SERVER = Unit(stack="datatrail", site="chime")
DAY = 86400.0


@dataclass(slots=True, kw_only=True)
class Bench:
    """A desk and a plan that was saved there."""

    desk: Desk
    path: Path

    def save(self, asked: Asked, *, lifetime: float = DAY, force: bool = False) -> None:
        world = self.desk.world()
        drawn = draw(world, asked)
        save_plan(world, asked, drawn, self.path, lifetime=lifetime, force=force)

    def apply(self, desk: Desk | None = None, *, dry_run: bool = False) -> ExitCode:
        world = (desk or self.desk).world()
        file = read_plan(self.path)
        return follow_plan(world, file, self.path, lock_wait=0.0, asks=False, dry_run=dry_run)

    def refused(self) -> tuple[str, str]:
        """Return code and words of why it is not applied, and that nothing was touched."""
        before = self.changes()
        with pytest.raises(RefusedError) as caught:
            self.apply()
        assert caught.value.exit_code is ExitCode.PLAN_STALE
        assert self.changes() == before
        (problem,) = caught.value.problems
        return problem.code, "\n".join((problem.what, *problem.evidence))

    def changes(self) -> set[str]:
        fleet = self.desk.shared.fleet
        return {
            service.id for site in fleet.sites.values() for service in site.swarm.services.values()
        }


def asked(request: Request = ALL, command: Command = Command.RESTART, **more: object) -> Asked:
    return Asked(command=command, request=request, **more)  # type: ignore[arg-type]  # by name


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(desk=Desk(shared=simulated(generation=2)), path=tmp_path / "some.plan")
    made.save(asked())
    yield made
    assert made.desk.shared.oracle.violations == []


def test_a_plan_after_which_nothing_changed_is_carried_out(bench: Bench) -> None:
    assert bench.apply() == ExitCode.DONE
    shared = bench.desk.shared
    fleet = fleet_status(bench.desk.world())
    assert fully_healthy(fleet)
    wanted = {source.release.revision.sha for source in shared.sources.values()}
    assert {row.revision for row in fleet.rows} == wanted


def test_exactly_the_saved_steps_are_carried_out(bench: Bench) -> None:
    desk = bench.desk
    steps = {step.id for step in read_plan(bench.path).saved.plan.steps}
    world = desk.world()
    follow_plan(world, read_plan(bench.path), bench.path, lock_wait=0, asks=False, dry_run=False)
    done = {entry.step for entry in desk.journals.read(world.run_id)} - {""}
    assert done == steps


def test_it_is_shown_with_its_hash_and_how_to_apply_it(bench: Bench) -> None:
    bench.desk.said()
    assert bench.apply(dry_run=True) == ExitCode.DONE
    said = bench.desk.said()
    digest = read_plan(bench.path).sha256
    assert said.splitlines()[0] == f"PLAN {digest}"
    assert f"--expect {digest}" in said
    assert "restart --all" in said


def test_a_plan_is_applied_once_from_whatever_machine(bench: Bench) -> None:
    assert bench.apply() == ExitCode.DONE
    code, words = bench.refused()
    assert (code, "by run run-" in words) == ("plan.used", True)
    other = Desk(shared=bench.desk.shared, name="ops2")
    with pytest.raises(RefusedError) as caught:
        bench.apply(other)
    assert caught.value.problems[0].code == "plan.used"


def test_what_was_only_shown_is_not_used(bench: Bench) -> None:
    bench.apply(dry_run=True)
    assert bench.apply() == ExitCode.DONE


def test_a_plan_that_expired_is_refused(bench: Bench) -> None:
    bench.save(asked(), lifetime=60, force=True)
    passes(bench, 61)
    assert bench.refused()[0] == "plan.expired"


def test_a_plan_of_another_inventory_is_refused(bench: Bench) -> None:
    units = tuple(
        replace(spec, depends_on=()) if spec.unit == KKO else spec for spec in PRODUCTION.units
    )
    bench.desk.inventory = replace(PRODUCTION, units=units)
    code, words = bench.refused()
    assert code == "plan.other-inventory"
    assert f"{KKO}: depends_on was datatrail@chime, and is not given" in words


def test_a_plan_is_carried_out_however_its_sites_are_reached(bench: Bench) -> None:
    bench.desk.inventory = reached_otherwise(PRODUCTION)
    assert bench.apply() == ExitCode.DONE


Change = Callable[[Bench], None]


def passes(bench: Bench, seconds: float) -> None:
    """Let time pass."""
    carry_alone(bench.desk.shared.backend, ask_sleep(seconds))


def scaled(bench: Bench) -> None:
    swarm = bench.desk.shared.fleet.sites["kko"].swarm
    one = swarm.services_of("datatrail-client")[0]
    more = replace(one.desired, replicas=one.desired.replicas + 2)
    update_service(swarm, one, more, labels=one.labels, networks=one.networks)


def updated(bench: Bench) -> None:
    swarm = bench.desk.shared.fleet.sites["kko"].swarm
    one = swarm.services_of("datatrail-client")[0]
    update_service(swarm, one, one.desired, labels=one.labels, networks=one.networks)


def redeployed(bench: Bench) -> None:
    follow(bench.desk.world(), order(request=Request(units=(str(KKO),))))


def committed(bench: Bench) -> None:
    shared = bench.desk.shared
    units = list(shared.sources)
    shared.sources = synthetic_sources(shared.inventory, units, generation=3)
    shared.fleet.learn(shared.sources.values())


def lost(bench: Bench) -> None:
    bench.desk.shared.fleet.sites["gbo"].link.turn(LinkState.CUT)


def retagged(bench: Bench) -> None:
    for site in bench.desk.shared.fleet.sites.values():
        site.swarm.registry.generation["registry.example/datatrail-client:2"] = 1


def digests(bench: Bench, image: str) -> set[str]:
    """Return by which digests tasks run `image`, at all sites."""
    return {
        task.template[0].partition("@")[2]
        for site in bench.desk.shared.fleet.sites.values()
        for task in site.swarm.tasks.values()
        if task.template[0].startswith(f"{image}@") and not task.state.terminal
    }


def test_a_tag_that_moved_since_changes_nothing_of_what_was_approved(bench: Bench) -> None:
    image = "registry.example/datatrail-client:2"
    saved = read_plan(bench.path).saved
    retagged(bench)
    assert bench.apply() == ExitCode.DONE
    assert digests(bench, image) == {saved.images[image]}


def test_a_tag_that_moves_in_the_middle_reaches_no_site(bench: Bench) -> None:
    fleet = bench.desk.shared.fleet
    for site, at in zip(sorted(fleet.sites), (4.0, 12.0, 20.0, 28.0), strict=False):
        kind = FaultKind.IMAGE_MOVED
        inject(fleet, Fault(at=at, kind=kind, site=site, stack="datatrail-client"))
    world = bench.desk.world()
    assert follow(world, order()) == ExitCode.DONE
    assert len(digests(bench, "registry.example/datatrail-client:2")) == 1
    shown = {
        image
        for item in planned(bench.desk, world.run_id).units
        for _, image in item.images
        if "datatrail-client:" in image
    }
    assert {image.partition("@")[2] for image in shown} == digests(
        bench, "registry.example/datatrail-client:2"
    )


def planned(desk: Desk, run: str) -> Plan:
    """Return the plan that the record of a run holds."""
    opened = next(iter(desk.journals.read(run)))
    return decode(base64.b64decode(str(opened.body["record"]))).plan


def removed(bench: Bench) -> None:
    follow(bench.desk.world(), order(Command.DOWN, Request(units=(str(KKO),))))


def ruined(bench: Bench) -> None:
    swarm = bench.desk.shared.fleet.sites["kko"].swarm
    one = swarm.services_of("datatrail-client")[0]
    one.update_state, one.update_message, one.saw = "paused", "task failed", None


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (scaled, "plan.fleet-moved", "datatrail-client@kko: service"),
        (updated, "plan.fleet-moved", "was updated or redeployed"),
        (redeployed, "plan.fleet-moved", "datatrail-client@kko"),
        (removed, "plan.fleet-moved", "datatrail-client@kko is gone now, was present"),
        (ruined, "plan.fleet-moved", "datatrail-client@kko is unhealthy now, and was not"),
        (lost, "plan.fleet-moved", "gbo cannot be seen any more"),
        (committed, "plan.ref-moved", "main of datatrail has moved: 1 new commit"),
    ],
)
def test_what_changed_since_is_named_and_nothing_touched(
    bench: Bench, change: Change, code: str, words: str
) -> None:
    change(bench)
    told, said = bench.refused()
    assert told == code
    assert words in said


def test_how_a_service_was_scaled_is_said(bench: Bench) -> None:
    scaled(bench)
    assert "was scaled from 1 to 3" in bench.refused()[1]


def test_a_lost_coordinator_is_named_too(bench: Bench) -> None:
    bench.desk.shared.fleet.sites["chime"].link.turn(LinkState.CUT)
    code, words = bench.refused()
    assert (code, "chime cannot be seen any more" in words) == ("plan.fleet-moved", True)


def test_a_rescheduled_task_does_not_matter(bench: Bench) -> None:
    fleet = bench.desk.shared.fleet
    swarm = fleet.sites["kko"].swarm
    before = {task.id for task in swarm.task_list()}
    kind = FaultKind.KILL
    inject(fleet, Fault(at=fleet.clock.now, kind=kind, site="kko", stack="datatrail-client"))
    passes(bench, 30)
    assert {task.id for task in swarm.task_list()} - before
    assert bench.apply() == ExitCode.DONE


@pytest.mark.usefixtures("signals")
def test_a_resumed_run_of_an_applied_plan_goes_on(bench: Bench) -> None:
    shared, desk = bench.desk.shared, bench.desk
    turns = Operators(shared.fleet)
    file = read_plan(bench.path)
    first = turns.start(
        "first",
        lambda backend: follow_plan(
            desk.world(backend), file, bench.path, lock_wait=0, asks=False, dry_run=False
        ),
    )
    first.kill(at=8.0)
    turns.run(until=9.0)
    turns.close()
    desk.alive.clear()
    assert find_run(desk.world()) is not None
    code = resume_in(desk.world(), "", take_over=True, yes=True, dry_run=False)
    assert code == ExitCode.DONE
    assert bench.refused()[0] == "plan.used"


def test_a_plan_to_restore_on_failure_does_so(bench: Bench) -> None:
    bench.save(asked(on_failure=OnFailure.RESTORE), force=True)
    crash = Fault(
        at=9.2,
        kind=FaultKind.BEHAVE,
        site="kko",
        stack="datatrail-client",
        service="replicator",
        for_seconds=22.0,
        behaviour=Behaviour(kind=Kind.CRASH_LOOP),
    )
    inject(bench.desk.shared.fleet, crash)
    assert bench.apply() == ExitCode.RESTORED
    wanted = {source.release.revision.sha for source in bench.desk.shared.former.values()}
    assert {row.revision for row in fleet_status(bench.desk.world()).rows} == wanted


def test_the_file_is_for_its_owner_alone_and_never_overwritten(bench: Bench) -> None:
    assert stat.S_IMODE(bench.path.stat().st_mode) == 0o600
    before = bench.path.read_bytes()
    with pytest.raises(UsageError) as caught:
        bench.save(asked())
    assert caught.value.problems[0].code == "usage.file-exists"
    assert bench.path.read_bytes() == before
    bench.save(asked(Request(units=(str(KKO),))), force=True)
    assert bench.path.read_bytes() != before
    assert [path.name for path in bench.path.parent.iterdir()] == [bench.path.name]


def test_a_folder_that_is_not_there_is_told(bench: Bench) -> None:
    bench.path = bench.path.parent / "none" / "some.plan"
    for act in (lambda: bench.save(asked()), lambda: read_plan(bench.path)):
        with pytest.raises(DtdeployError) as caught:
            act()
        assert caught.value.problems[0].code == "usage.file-unusable"
