from dataclasses import replace
from datetime import UTC, datetime

from orchestrator.fleet.unit import Revision
from orchestrator.planning.plan_file import Pin
from orchestrator.planning.saving import moved_since, refs_moved, releases_moved
from orchestrator.planning.selection import Request
from tests.build import CLIENT, SERVER, SHA, inventory, sourced, unseen
from tests.planning.saved import ASKED, NOW, PIN, looks, running, saved_plan, with_service

SAVED = saved_plan()


def test_a_saved_plan_says_who_made_it_and_until_when_it_holds() -> None:
    assert SAVED.creator == "ann@desk"
    assert SAVED.created == datetime.fromtimestamp(NOW, UTC)
    assert (SAVED.expires - SAVED.created).total_seconds() == 3600


def test_it_holds_pins_releases_images_and_the_sites_that_were_seen() -> None:
    assert SAVED.pins == {"app": Pin(ref="main", sha=SHA)}
    assert SAVED.releases[str(SERVER)] == sourced(SERVER).release.digest
    assert list(SAVED.images) == ["app:1"]
    assert SAVED.sites == ("far", "home")
    assert set(SAVED.seen) == {"app@home", "app-daemons@home", "app-client@home", "app-client@far"}


def test_a_ref_that_was_typed_overrules_the_inventorys() -> None:
    assert saved_plan(replace(ASKED, refs={"app": "v1"})).pins["app"].ref == "v1"


def test_it_holds_as_long_as_nothing_moves() -> None:
    assert moved_since(inventory(), SAVED, looks()) == ()


def test_a_lost_site_is_named_without_its_units() -> None:
    moved = moved_since(inventory(), SAVED, looks(far=unseen("far")))
    assert moved == ("far cannot be seen any more: timed out",)


def test_a_site_that_was_not_seen_then_is_judged_by_its_units() -> None:
    dark = saved_plan(
        replace(ASKED, request=Request(units=(str(SERVER),))), seen=looks(far=unseen("far"))
    )
    assert dark.sites == ("home",)
    assert moved_since(inventory(), dark, looks(far=unseen("far"))) == ()
    assert moved_since(inventory(), dark, looks()) == (
        "app-client@far is present now, was unknown",
    )


def test_what_moved_at_a_site_that_is_seen_is_named() -> None:
    scaled = with_service(running(CLIENT), replicas=2)
    (line,) = moved_since(inventory(), SAVED, looks(far=scaled))
    assert line == "app-client@far: service web was scaled from 1 to 2"


def test_a_ref_that_leads_elsewhere_is_found() -> None:
    assert refs_moved(SAVED, {"app": PIN}) == ()
    assert refs_moved(SAVED, {"app": Revision("app", "b" * 40)}) == (PIN,)
    assert refs_moved(SAVED, {}) == (PIN,)


def test_other_files_at_the_same_commit_are_found() -> None:
    same = {unit.unit: sourced(unit.unit) for unit in SAVED.plan.units}
    assert releases_moved(SAVED, same) == ()
    release = replace(same[SERVER].release, digest="e" * 64)
    other = same | {SERVER: replace(same[SERVER], release=release)}
    assert releases_moved(SAVED, other) == (
        "app@home: its files are not the same as when the plan was made",
    )
    del other[SERVER]
    assert len(releases_moved(SAVED, other)) == 1
