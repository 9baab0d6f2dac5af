from dataclasses import replace

import pytest

from orchestrator.fleet.desired import DesiredService
from orchestrator.fleet.observed import Fact, Look, Sight, Volume
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.running import LABEL_DATA, LABEL_REVISION, MIXED
from orchestrator.fleet.unit import Revision
from orchestrator.planning.differences import (
    UnitDrift,
    differing,
    images_to_ask,
    span_ends,
    unit_drift,
    volumes_to_ask,
    with_differences,
)
from orchestrator.planning.plan import Action
from orchestrator.sources.span import Span
from tests.build import (
    CLIENT,
    DAEMONS,
    SERVER,
    SHA,
    inventory,
    plan,
    resource,
    service,
    sight,
    sourced,
    spec,
    unit_plan,
    unseen,
)

INVENTORY = inventory()
FACTS = (Fact("environment", "LEVEL", "info"), Fact("image", "", "registry/app:1"))
WANTED = DesiredService(name="web", image="registry/app:1", facts=FACTS)
SOURCED = sourced(CLIENT, WANTED)
NEW = SOURCED.release.revision


def runs(level: str = "info", digest: str = "aa") -> Sight:
    facts = (Fact("environment", "LEVEL", level), FACTS[1])
    image = f"registry/app:1@sha256:{digest}"
    return sight(
        services=(service(facts=facts, image=image, labels=((LABEL_REVISION, "b" * 40),)),)
    )


def words(look: Sight, **digests: str) -> list[str]:
    return [str(change) for change in differing(INVENTORY, SOURCED, look, digests)]


def test_what_runs_as_declared_does_not_differ() -> None:
    assert words(runs()) == []


def test_what_moved_comes_before_what_differs() -> None:
    known = {"registry/app:1": "sha256:bb"}
    assert words(runs("debug"), **known) == [
        "web: image registry/app:1 moved: aa runs, the tag leads to bb now",
        "web: environment LEVEL differs (values hidden)",
    ]


def test_the_values_of_public_variables_are_shown() -> None:
    public = replace(INVENTORY, units=(spec(CLIENT, public=("LEVEL",)),))
    (change,) = differing(public, SOURCED, runs("debug"), {})
    assert str(change) == "web: environment LEVEL debug, declared info"


def test_of_what_is_unseen_or_not_there_nothing_is_said() -> None:
    left = sight(networks=(resource("app-client_default"),))
    assert differing(INVENTORY, SOURCED, unseen(), {}) == ()
    assert differing(INVENTORY, SOURCED, left, {}) == ()


def test_a_unit_is_judged_with_what_ran_and_what_is_declared() -> None:
    found = unit_drift(INVENTORY, SOURCED, runs("debug"), {})
    assert (found.unit, found.presence) == (CLIENT, Presence.PRESENT)
    assert (found.revision, found.pinned) == ("b" * 40, NEW)
    assert found.differs
    assert not unit_drift(INVENTORY, SOURCED, runs(), {}).differs


def test_a_unit_without_services_differs_and_one_that_is_unseen_does_not() -> None:
    left = sight(networks=(resource("app-client_default"),))
    gone = unit_drift(INVENTORY, SOURCED, left, {})
    assert gone == UnitDrift(unit=CLIENT, presence=Presence.GONE, pinned=NEW)
    assert gone.differs
    unknown = unit_drift(INVENTORY, SOURCED, unseen(), {})
    assert (unknown.presence, unknown.differs) == (Presence.UNKNOWN, False)


def test_other_files_behind_configs_and_secrets_differ_where_a_label_tells() -> None:
    def told(label: str, digest: str) -> list[str]:
        seen = service(facts=FACTS, image="registry/app:1", labels=((LABEL_DATA, label),))
        now = replace(SOURCED, data_digest=digest)
        found = unit_drift(INVENTORY, now, sight(services=(seen,)), {})
        return [str(change) for change in found.changes]

    assert told("d1", "d2") == ["content of configs or secrets differs (values hidden)"]
    assert told("d1", "d1") == told("", "d2") == told(MIXED, "d2") == told("d1", "") == []


def test_a_plan_is_told_what_differs_and_an_image_that_moved_is_a_danger() -> None:
    given = plan(unit_plan(CLIENT), unit_plan(SERVER), unit_plan(DAEMONS))
    span = Span(old=Revision("app", "b" * 40), new=NEW)
    told = with_differences(
        INVENTORY,
        given,
        looks={CLIENT.site: runs("debug")},
        sourced={CLIENT: SOURCED, DAEMONS: sourced(DAEMONS)},
        digests={"registry/app:1": "sha256:bb"},
        volumes={},
        spans=(span,),
    )
    assert [len(item.drift) for item in told.units] == [2, 0, 0]
    assert told.unit(CLIENT).dangers == (
        "image registry/app:1 moved: aa runs, the tag leads to bb now",
    )
    assert told.spans == (span,)
    assert replace(told.unit(CLIENT), drift=(), dangers=()) == given.unit(CLIENT)


NFS = Volume(name="app_data", options=(("device", ":/export"),))
WITH_VOLUME = replace(SOURCED, desired=replace(SOURCED.desired, volume_options=(NFS,)))


@pytest.mark.parametrize(
    ("action", "dangers"),
    [
        (
            Action.RESTART,
            (
                (
                    "volume app_data keeps its old options: once the stack is down, "
                    "docker volume rm app_data   # on each node; what is in it may be lost"
                ),
            ),
        ),
        (Action.DOWN, ()),
    ],
)
def test_a_volume_that_is_there_already_is_a_danger_where_the_unit_is_deployed(
    action: Action, dangers: tuple[str, ...]
) -> None:
    told = with_differences(
        INVENTORY,
        plan(unit_plan(CLIENT, action)),
        looks={CLIENT.site: runs()},
        sourced={CLIENT: WITH_VOLUME},
        digests={},
        volumes={CLIENT.site: (Volume(name="app_data"),)},
        spans=(),
    )
    (item,) = told.units
    assert [str(change) for change in item.drift] == ["volume app_data differs (values hidden)"]
    assert item.dangers == dangers


def test_drift_tells_of_volumes_and_asks_only_where_one_has_options() -> None:
    kept = unit_drift(INVENTORY, WITH_VOLUME, runs(), {}, (Volume(name="app_data"),))
    assert [change.kind for change in kept.changes] == ["volume"]
    both = {CLIENT: WITH_VOLUME, DAEMONS: sourced(DAEMONS)}
    looks: dict[str, Look] = {CLIENT.site: runs(), DAEMONS.site: runs()}
    assert volumes_to_ask(looks, both) == {CLIENT.site: ("app_data",)}
    assert volumes_to_ask({CLIENT.site: unseen()}, both) == {}


def test_commits_are_asked_for_from_what_runs_to_what_is_to_run_once() -> None:
    old = Revision("app", "b" * 40)
    pairs = [(old.sha, NEW), (old.sha, NEW), ("", NEW), (MIXED, NEW), (SHA, NEW), (old.sha, None)]
    assert span_ends(pairs) == ((old, NEW),)


def test_images_of_what_runs_are_asked_for_where_they_run() -> None:
    other = sourced(SERVER, WANTED, DesiredService(name="db", image="db:1"))
    looks = {"far": runs(), "home": sight("home", services=(service(stack="app"),))}
    known = {CLIENT: SOURCED, SERVER: other, DAEMONS: sourced(DAEMONS)}
    assert images_to_ask(looks, known) == {
        "registry/app:1": ("far", "home"),
        "db:1": ("home",),
    }
    assert images_to_ask({"far": unseen()}, {CLIENT: SOURCED}) == {}
