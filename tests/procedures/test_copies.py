from dataclasses import replace

from orchestrator.fleet.presence import Presence
from orchestrator.fleet.running import MIXED
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Before, Plan, Step, StepKind
from orchestrator.procedures.book import Book
from orchestrator.procedures.copies import copies_at, former_release
from orchestrator.sources.model import Sourced
from tests.build import CLIENT, SERVER, inventory, plan, sourced, unit_plan

HOME, FAR = Unit("app", "home"), Unit("app-client", "far")


def of(unit: Unit, digest: str, *, secrets: bool = False) -> Sourced:
    made = sourced(unit)
    release = replace(made.release, digest=digest, holds_secrets=secrets)
    return replace(made, release=release)


def copies(
    *sources: Sourced, sites: tuple[str, ...] = ("far", "home", "zoo")
) -> dict[str, list[str]]:
    prepares = tuple(Step(id=f"prepare {s}", kind=StepKind.PREPARE, site=s) for s in sites)
    made: Plan = plan(unit_plan(SERVER), steps=prepares)
    book = Book(
        run="r1",
        inventory=inventory(),
        plan=replace(made, coordinator="home"),
        sourced={source.release.unit: source for source in sources},
    )
    return {
        site: [str(release.unit) for release in copies_at(book, site)]
        for site in sites
        if copies_at(book, site)
    }


def test_what_would_lie_at_one_manager_alone_is_kept_by_the_coordinator() -> None:
    assert copies(of(FAR, "a")) == {"home": [str(FAR)]}


def test_what_the_coordinator_alone_would_have_is_kept_by_another() -> None:
    assert copies(of(HOME, "a")) == {"far": [str(HOME)]}


def test_what_lies_at_two_managers_is_not_copied() -> None:
    assert copies(of(HOME, "a"), of(FAR, "a")) == {}


def test_what_two_units_of_a_site_share_is_copied_once() -> None:
    assert copies(of(HOME, "a"), of(Unit("other", "home"), "a")) == {"far": [str(HOME)]}


def test_files_of_secrets_go_nowhere_else() -> None:
    assert copies(of(FAR, "a", secrets=True)) == {}


def test_where_one_site_is_prepared_there_is_nobody_to_keep_a_copy() -> None:
    assert copies(of(FAR, "a"), sites=("far",)) == {}
    assert copies(of(FAR, "a"), sites=("far", "zoo")) == {"zoo": [str(FAR)]}


def test_what_ran_before_has_a_name_where_somebody_knows_it() -> None:
    def name(release: str, revision: str) -> str:
        before = Before(presence=Presence.PRESENT, release=release, revision=revision)
        return former_release(replace(unit_plan(CLIENT), before=before))

    assert name("d" * 64, "a" * 40) == f"{CLIENT.stack}-{'a' * 12}-{'d' * 12}"
    for release, revision in (("", "a"), ("d", ""), (MIXED, "a"), ("d", MIXED)):
        assert name(release, revision) == ""
