"""What is seen over a way to a site that fails, and when."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from orchestrator.errors import ExitCode
from orchestrator.fleet.observed import Look, Sight, Unseen
from orchestrator.procedures.effects import Answer, Observe, RemoveServices, Result
from tests.contract.scene import Scene
from tests.contract.stacks import Part
from tests.contract.stories import story
from tests.contract.world import DISTANT, QUIET, Late, World

READ_SECONDS = 25
"""No look takes longer, whatever the link does."""
MENDED_SECONDS = 30
FAULTS = ("cut", "refuse", "hang")


@dataclass(frozen=True, slots=True)
class Break:
    """What was seen of a site and of another while the way to the first was broken."""

    look: Look
    look_seconds: float
    answer: Answer
    answer_seconds: float
    elsewhere: Look
    elsewhere_seconds: float
    services_after: int
    sight_after: float


@story(DISTANT)
def breaks(world: World) -> dict[str, Break]:
    """Break and mend the way to a site in every manner, look and delete meanwhile."""
    scene = Scene(world, world.unit("distant", DISTANT))
    scene.up(Part())
    removal = scene.remove_services()
    faults = {"cut": world.cut, "refuse": world.refuse, "hang": world.hang}
    seen = {name: _broken(scene, faults[name], removal) for name in FAULTS}
    world.person_removes(scene.unit)
    return seen


def _broken(scene: Scene, fault: Callable[[str], None], removal: RemoveServices) -> Break:
    world, times = scene.world, list[float]()

    def timed(act: Callable[[], object]) -> object:
        began = world.now()
        done = act()
        times.append(world.now() - began)
        return done

    scene.sight()
    scene.do(Observe(site=QUIET))
    fault(scene.site)
    try:
        look = timed(scene.look)
        elsewhere = timed(lambda: scene.do(Observe(site=QUIET)))
        answer = timed(lambda: scene.do(removal))
    finally:
        world.mend(scene.site)
    mended = world.now()
    scene.until(lambda look: isinstance(look, Sight), within=MENDED_SECONDS)
    assert isinstance(look, Sight | Unseen)
    assert isinstance(elsewhere, Sight | Unseen)
    assert isinstance(answer, Answer)
    return Break(
        look=look,
        look_seconds=times[0],
        elsewhere=elsewhere,
        elsewhere_seconds=times[1],
        answer=answer,
        answer_seconds=times[2],
        services_after=len(scene.mine().services),
        sight_after=world.now() - mended,
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_a_site_behind_a_broken_link_is_unseen_in_time(
    breaks: dict[str, Break], fault: str
) -> None:
    seen = breaks[fault]
    assert isinstance(seen.look, Unseen)
    assert (seen.look.problem.code, seen.look.problem.exit_code) == (
        "site.unreachable",
        ExitCode.SITE_UNREACHABLE,
    )
    assert seen.look_seconds < READ_SECONDS


@pytest.mark.parametrize("fault", FAULTS)
def test_no_other_site_waits_for_it(breaks: dict[str, Break], fault: str, late: Late) -> None:
    assert isinstance(breaks[fault].elsewhere, Sight)
    assert breaks[fault].elsewhere_seconds < late(2)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_could_not_be_asked_for_is_unknown_and_may_be_asked_again(
    breaks: dict[str, Break], fault: str
) -> None:
    """A deletion by id may be: after another look, which shows that nothing had happened."""
    answer = breaks[fault].answer
    assert answer.result is Result.UNKNOWN
    assert answer.problem is not None
    assert breaks[fault].answer_seconds < READ_SECONDS + 10


@pytest.mark.parametrize("fault", ["cut", "refuse"])
def test_nothing_was_done_behind_such_a_link(breaks: dict[str, Break], fault: str) -> None:
    assert breaks[fault].services_after == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mended_link_is_seen_through_again(
    breaks: dict[str, Break], fault: str, late: Late
) -> None:
    assert breaks[fault].sight_after < late(MENDED_SECONDS)
