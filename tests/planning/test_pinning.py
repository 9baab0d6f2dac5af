"""Which image each service of a plan is deployed with."""

import pytest

from orchestrator.fleet.facts import with_digest
from orchestrator.planning.pinning import as_pinned, former_images, pinned
from orchestrator.planning.plan import Action
from tests.build import CLIENT, SERVER, desired, plan, sourced, unit_plan, wanted

ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
WEB, DB = wanted("web", image="repo/web"), wanted("db", image="repo/db:4")
SOURCED = {CLIENT: sourced(CLIENT, WEB, DB)}


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("app", f"app:latest@{ONE}"),
        ("registry:5000/app", f"registry:5000/app:latest@{ONE}"),
        ("registry:5000/app:2", f"registry:5000/app:2@{ONE}"),
        (f"app:2@{TWO}", f"app:2@{TWO}"),
    ],
)
def test_an_image_gets_its_digest_behind_its_tag(image: str, found: str) -> None:
    assert with_digest(image, ONE) == found


def test_an_image_of_which_no_digest_is_known_stays_what_it_is() -> None:
    assert with_digest("app", "") == "app"


def test_each_service_that_is_deployed_is_pinned() -> None:
    made = pinned(plan(unit_plan(CLIENT)), SOURCED, {"repo/web": ONE, "repo/db:4": TWO})
    assert made.units[0].images == (
        ("web", f"repo/web:latest@{ONE}"),
        ("db", f"repo/db:4@{TWO}"),
    )
    assert made.units[0].dangers == ()


def test_what_is_pinned_already_stays() -> None:
    known = (("web", f"repo/web:latest@{TWO}"),)
    was = plan(unit_plan(CLIENT, images=known))
    made = pinned(was, SOURCED, {"repo/web": ONE, "repo/db:4": ONE})
    assert made.units[0].images == (*known, ("db", f"repo/db:4@{ONE}"))


def test_an_image_without_a_digest_is_a_danger_that_is_said_once() -> None:
    both = {CLIENT: sourced(CLIENT, wanted("a", image="x:1"), wanted("b", image="x:1"))}
    made = pinned(plan(unit_plan(CLIENT)), both, {})
    assert made.units[0].images == (("a", "x:1"), ("b", "x:1"))
    (danger,) = made.units[0].dangers
    assert danger.startswith("no registry tells what x:1 is now")
    assert pinned(made, both, {}) == made


@pytest.mark.parametrize("action", [Action.DOWN, Action.KEEP])
def test_nothing_is_pinned_that_is_not_deployed(action: Action) -> None:
    was = plan(unit_plan(CLIENT, action))
    assert pinned(was, SOURCED, {"repo/web": ONE}) == was


def test_nothing_is_pinned_of_what_was_not_read() -> None:
    was = plan(unit_plan(SERVER))
    assert pinned(was, SOURCED, {"repo/web": ONE}) == was


def test_a_stack_is_taken_with_the_images_of_the_plan() -> None:
    stack = as_pinned(desired(CLIENT, WEB, DB), (("web", f"repo/web:latest@{ONE}"),))
    assert stack.images == (f"repo/web:latest@{ONE}", "repo/db:4")


def test_on_the_way_back_a_service_gets_the_very_image_that_it_ran() -> None:
    ran = (
        ("web", f"repo/web:latest@{ONE}"),
        ("db", "repo/db:4"),
        ("gone", f"repo/gone:1@{ONE}"),
    )
    assert former_images(ran, desired(CLIENT, WEB, DB)) == (("web", f"repo/web:latest@{ONE}"),)
    other = (("web", f"repo/other:1@{ONE}"), ("db", f"repo/db:4@{TWO}"))
    assert former_images(other, desired(CLIENT, WEB, DB)) == (("db", f"repo/db:4@{TWO}"),)
