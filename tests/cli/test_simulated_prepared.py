"""Once prepared, a run needs nothing but its sites: no git, no registry, not its first machine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from orchestrator.cli.carry_out import follow
from orchestrator.cli.checkout import Checkout, MadeUpCheckout, commit_gone
from orchestrator.cli.fleet_status import fleet_status
from orchestrator.cli.judging import fully_healthy
from orchestrator.cli.meeting import find_run
from orchestrator.cli.resuming import resume_in
from orchestrator.cli.rolling_back import roll_back_in
from orchestrator.errors import ExitCode, SourceError
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.planning.asked import OnFailure
from orchestrator.procedures.signature import RecordKey
from orchestrator.simulation.link import LinkState
from orchestrator.simulation.registry import Access
from orchestrator.sources.model import ReleaseFile, Sourced
from tests.cli.desk import Desk, order
from tests.operators import Operators
from tests.simulated import Simulated, simulated

KEY = RecordKey(b"k" * 32)
SERVER = Unit(stack="datatrail", site="chime")
KKO = Unit(stack="datatrail-client", site="kko")
pytestmark = pytest.mark.usefixtures("signals")


class NoGit(MadeUpCheckout):
    """A machine from which no repository can be had, or whose branch was force-pushed."""

    def read_at(self, revisions: Mapping[Unit, Revision]) -> dict[Unit, Sourced]:
        raise SourceError(
            commit_gone(at, ("not here",)) for at in dict.fromkeys(revisions.values())
        )


class OtherGit(MadeUpCheckout):
    """A repository that has other files at the same commit."""

    def read_at(self, revisions: Mapping[Unit, Revision]) -> dict[Unit, Sourced]:
        read = super().read_at(revisions)
        return {
            unit: replace(source, release=replace(source.release, digest="0" * 64))
            for unit, source in read.items()
        }


@dataclass(slots=True, kw_only=True)
class Bare(Desk):
    """A machine with the inventory, and nothing else."""

    git: type[MadeUpCheckout] = NoGit

    def checkout(self) -> Checkout:
        shared = self.shared
        return self.git(shared.inventory, shared.sources, shared.former)


def stopped(
    *,
    at: float = 6.0,
    on_failure: OnFailure = OnFailure.STOP,
    key: RecordKey | None = None,
) -> tuple[Simulated, str]:
    """Kill a restart at a revision of its own; returns the fleet and the run's id."""
    shared = simulated(generation=2)
    desk = Desk(shared=shared, key=key)
    turns = Operators(shared.fleet)
    asked = order(on_failure=on_failure)
    first = turns.start("first", lambda backend: follow(desk.world(backend), asked))
    first.kill(at=at)
    turns.run(until=at + 1)
    turns.close()
    found = find_run(desk.world())
    assert found is not None
    for site in shared.fleet.sites.values():
        site.swarm.registry.access = Access.UNREACHABLE
    return shared, found.hold.run


def resume(desk: Desk, announced: str = "") -> ExitCode:
    return resume_in(
        desk.world(),
        "",
        take_over=True,
        yes=True,
        dry_run=False,
        announced=announced,
        expect=desk.digest(),
    )


def roll_back(desk: Desk, run: str, *, take_over: bool = True) -> ExitCode:
    world, expect = desk.world(), desk.digest()
    return roll_back_in(world, run, take_over=take_over, yes=True, dry_run=False, expect=expect)


def is_well(shared: Simulated, sources: dict[Unit, Sourced]) -> None:
    fleet = fleet_status(Desk(shared=shared).world())
    assert fully_healthy(fleet)
    assert {row.revision for row in fleet.rows} == {
        source.release.revision.sha for source in sources.values()
    }
    assert shared.oracle.violations == []


def loses_releases(shared: Simulated, site: str) -> None:
    shared.fleet.sites[site].releases.clear()


def tampers(shared: Simulated, site: str) -> None:
    there = shared.fleet.sites[site].releases
    for key, release in there.items():
        there[key] = replace(release, files=(ReleaseFile(path="evil", content=b""),))


@pytest.mark.parametrize("at", [6.0, 9.0, 12.0])
def test_it_is_resumed_without_git_and_registry(at: float) -> None:
    shared, _ = stopped(at=at)
    assert resume(Bare(shared=shared, name="ops2")) == ExitCode.DONE
    is_well(shared, shared.sources)


def test_so_it_is_if_it_was_killed_while_the_downtime_was_announced() -> None:
    """Nothing is touched yet: preflight begins anew, but what is prepared is not asked for."""
    shared, _ = stopped(at=4.5, key=KEY)
    found = find_run(Desk(shared=shared).world())
    assert found is not None
    assert not found.hold.touched
    bare = Bare(shared=shared, name="ops2", key=KEY)
    assert resume(bare, "in the channel") == ExitCode.DONE
    is_well(shared, shared.sources)


def test_that_all_is_prepared_is_not_believed_where_nothing_vouches_for_it() -> None:
    """Nothing is touched yet, so that being refused costs nothing."""
    shared, _ = stopped(at=4.5)
    assert resume(Bare(shared=shared, name="ops2"), "in the channel") == ExitCode.SAFETY_REFUSED
    assert shared.oracle.violations == []


@pytest.mark.parametrize("site", ["chime", "kko", "gbo", "outrigger-buffer"])
def test_no_managers_disk_is_the_only_one_that_is_needed(site: str) -> None:
    shared, _ = stopped()
    loses_releases(shared, site)
    assert resume(Bare(shared=shared, name="ops2")) == ExitCode.DONE
    is_well(shared, shared.sources)


def test_what_somebody_changed_is_named_and_not_used() -> None:
    shared, _ = stopped()
    tampers(shared, "kko")
    desk = Bare(shared=shared, name="ops2")
    assert resume(desk) == ExitCode.DONE
    said = desk.said()
    assert "release.damaged" in said
    assert "evil was added" in said
    is_well(shared, shared.sources)


def test_it_is_rolled_back_without_git_and_registry() -> None:
    shared, run = stopped()
    assert roll_back(Bare(shared=shared, name="ops2"), run) == ExitCode.DONE
    is_well(shared, shared.former)


def test_what_it_would_restore_is_read_from_the_managers_as_well() -> None:
    shared, _ = stopped(on_failure=OnFailure.RESTORE)
    assert resume(Bare(shared=shared, name="ops2")) == ExitCode.DONE
    is_well(shared, shared.sources)


def test_what_ended_is_rolled_back_by_what_its_services_say_of_what_ran_before() -> None:
    shared = simulated(generation=2)
    world = Desk(shared=shared).world()
    assert follow(world, order()) == ExitCode.DONE
    assert roll_back(Bare(shared=shared, name="ops2"), world.run_id) == ExitCode.DONE
    is_well(shared, shared.former)


def nowhere(shared: Simulated) -> None:
    for site in shared.fleet.sites:
        loses_releases(shared, site)


def test_what_no_manager_holds_is_read_from_git() -> None:
    shared, _ = stopped()
    nowhere(shared)
    assert resume(Desk(shared=shared, name="ops2")) == ExitCode.DONE
    is_well(shared, shared.sources)


def test_what_nobody_has_is_told_before_anything_is_touched() -> None:
    shared, _ = stopped()
    nowhere(shared)
    before = len(shared.fleet.running_containers())
    with pytest.raises(SourceError) as refused:
        resume(Bare(shared=shared, name="ops2"))
    evidence = [line for problem in refused.value.problems for line in problem.evidence]
    assert {problem.code for problem in refused.value.problems} == {"source.commit-gone"}
    assert any(line.startswith("chime: datatrail-") for line in evidence)
    assert len(shared.fleet.running_containers()) == before


def test_what_git_has_otherwise_is_not_used() -> None:
    shared, _ = stopped()
    nowhere(shared)
    with pytest.raises(SourceError) as refused:
        resume(Bare(shared=shared, name="ops2", git=OtherGit))
    assert {problem.code for problem in refused.value.problems} == {"release.differs"}


def test_a_site_that_is_away_keeps_nobody_from_reading_the_rest() -> None:
    shared, _ = stopped()
    shared.fleet.sites["gbo"].link.state = LinkState.CUT
    desk = Bare(shared=shared, name="ops2")
    assert resume(desk) != ExitCode.DONE
    shared.fleet.sites["gbo"].link.state = LinkState.OK
    found = find_run(desk.world())
    others = Desk(shared=shared)
    code = resume(desk) if found else follow(others.world(), order(owed=True))
    assert code == ExitCode.DONE
    assert shared.oracle.violations == []


def keeps_secrets(shared: Simulated) -> Simulated:
    """Let every release have files of secrets."""
    for sources in (shared.sources, shared.former):
        for unit, source in list(sources.items()):
            sources[unit] = replace(source, release=replace(source.release, holds_secrets=True))
    return shared


@pytest.mark.parametrize("back", [False, True])
def test_files_of_secrets_are_there_for_as_long_as_a_way_needs_them(*, back: bool) -> None:
    shared = keeps_secrets(simulated(generation=2))
    desk = Desk(shared=shared)
    turns = Operators(shared.fleet)
    first = turns.start("first", lambda backend: follow(desk.world(backend), order()))
    first.kill(at=9.0)
    turns.run(until=10.0)
    turns.close()
    found = find_run(desk.world())
    assert found is not None
    bare = Bare(shared=shared, name="ops2")
    code = roll_back(bare, found.hold.run) if back else resume(bare)
    assert code == ExitCode.DONE
    is_well(shared, shared.former if back else shared.sources)


def test_those_of_runs_before_are_gone_once_a_run_is_prepared() -> None:
    shared = keeps_secrets(simulated(generation=2))
    there = shared.fleet.sites["chime"].releases
    running = shared.former[SERVER].release
    older = replace(running, name="datatrail-older", digest="1" * 64)
    elsewhere = replace(older, unit=Unit(stack="other", site="chime"))
    there |= {(older.name, older.digest): older, ("other", "2" * 64): elsewhere}
    desk = Desk(shared=shared)
    assert follow(desk.world(), order()) == ExitCode.DONE
    names = {name for name, _ in there}
    assert {running.name, shared.sources[SERVER].release.name, "other"} <= names
    assert older.name not in names
