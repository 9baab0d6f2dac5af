from dataclasses import replace

import pytest

from orchestrator.fleet.observed import Look, Sight, TaskState
from orchestrator.fleet.running import LABEL_REVISION
from orchestrator.inventory.model import SiteState
from orchestrator.planning.seen import around, moved, see
from orchestrator.planning.selection import Request
from tests.build import CLIENT, DAEMONS, HOME_CLIENT, SERVER, inventory, sight, task, unseen
from tests.fleet.test_masked import masked
from tests.planning.saved import ASKED, looks, planned, running, with_service

FAR = running(CLIENT)
LABELS = FAR.services[0].labels


def changed(now: Look, was: Look = FAR, *, salt: str = "s") -> tuple[str, ...]:
    declared = inventory()
    before = see(declared, [CLIENT], looks(far=was), salt="s")
    return moved(before, see(declared, [CLIENT], looks(far=now), salt=salt))


def test_nothing_moved_where_nothing_did() -> None:
    assert changed(running(CLIENT)) == ()


def test_a_rescheduled_task_does_not_matter() -> None:
    failed = task("web", number=1, state=TaskState.FAILED)
    again = task("web", number=2, state=TaskState.STARTING, node_id="other")
    assert changed(replace(FAR, tasks=(failed, again))) == ()


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (with_service(FAR, replicas=3), "service web was scaled from 1 to 3"),
        (with_service(FAR, version=2), "service web was updated or redeployed"),
        (with_service(FAR, version=2, replicas=0), "service web was scaled from 1 to 0"),
        (with_service(FAR, version=2, image="app:2"), "service web runs app:2 now, was app:1"),
        (with_service(FAR, id="new", version=2), "service web was removed and made again"),
        (with_service(FAR, labels=(*LABELS, ("a", "b"))), "service web was updated or redeployed"),
    ],
)
def test_a_service_that_changed_is_named(now: Sight, words: str) -> None:
    assert changed(now) == (f"app-client@far: {words}",)


def test_labels_that_a_login_is_not_shown_are_told_by_the_version() -> None:
    shown = (*LABELS, ("a", masked("b")))
    through_look = with_service(FAR, labels=shown)
    for was, now in ((through_look, FAR), (FAR, through_look), (through_look, through_look)):
        assert changed(now, was) == ()
    words = ("app-client@far: service web was updated or redeployed",)
    assert changed(with_service(FAR, version=2), through_look) == words
    assert changed(with_service(FAR, labels=shown, version=2), FAR) == words


def test_a_redeploy_at_another_revision_is_named() -> None:
    now = with_service(FAR, labels=((LABEL_REVISION, "b" * 40),), version=2)
    first, second = changed(now)
    assert first.startswith("app-client@far is at bbbbbbbbbb now, was at ")
    assert second == "app-client@far: service web was updated or redeployed"
    assert changed(with_service(FAR, labels=()))[0].startswith(
        "app-client@far is of no known revision now"
    )


def test_services_that_came_and_went_are_named() -> None:
    extra = replace(FAR.services[0], id="x", name="app-client_more")
    both = replace(FAR, services=(*FAR.services, extra))
    assert changed(both) == ("app-client@far: service more is new",)
    assert changed(FAR, both) == ("app-client@far: service more is gone",)


def test_a_unit_that_is_gone_or_unseen_is_named_once() -> None:
    assert changed(sight("far")) == ("app-client@far is gone now, was present",)
    assert changed(unseen("far")) == ("app-client@far is unknown now, was present",)


def test_becoming_unhealthy_matters_and_recovering_does_not() -> None:
    ill = with_service(FAR, update_state="paused", update_message="task failed")
    assert changed(ill) == ("app-client@far is unhealthy now, and was not",)
    assert changed(FAR, ill) == ()


def test_units_that_are_only_on_one_side_are_named() -> None:
    declared = inventory()
    both = see(declared, [SERVER, CLIENT], looks(), salt="s")
    one = see(declared, [CLIENT], looks(), salt="s")
    assert moved(both, one) == ("app@home is no longer part of the plan",)
    assert moved(one, both) == ("app@home is now part of the plan",)


def test_no_hash_is_the_same_in_two_plans() -> None:
    declared = inventory()
    one, other = (see(declared, [CLIENT], looks(), salt=salt)[str(CLIENT)] for salt in "ab")
    assert one.services["web"].id != other.services["web"].id
    assert one.services["web"].spec != other.services["web"].spec


def test_around_a_plan_is_all_that_it_hangs_together_with() -> None:
    client = planned(replace(ASKED, request=Request(sites=("far",))))[0]
    assert around(inventory(), client) == (SERVER, CLIENT)
    server = planned(replace(ASKED, request=Request(stacks=("app",))))[0]
    assert set(around(inventory(), server)) == {SERVER, DAEMONS, HOME_CLIENT, CLIENT}


def test_a_planned_site_is_not_around() -> None:
    declared = inventory(states={"far": SiteState.PLANNED})
    plan = planned(replace(ASKED, request=Request(stacks=("app",))), of=declared)[0]
    assert set(around(declared, plan)) == {SERVER, DAEMONS, HOME_CLIENT}
