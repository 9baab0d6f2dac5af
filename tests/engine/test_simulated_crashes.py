"""A restart killed at each of its crash points, and its recovery killed at each of those."""

import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.crashes import Goals, Point, Told, Way, points, told_of, undisturbed
from tests.simulated import chance

DEEP = os.environ.get("DTDEPLOY_DEEP", "") == "1"
SECOND_CRASHES = 300
"""How many crashes of a recovery are tried in an ordinary test run, drawn from all of them."""

Job = tuple[Point, Way, Point | None, Goals]


def tell(jobs: Iterable[Job]) -> list[tuple[str, Told]]:
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(told_of, jobs, chunksize=8))


def wrong(told: list[tuple[str, Told]]) -> dict[str, tuple[str, ...]]:
    return {name: story.wrong for name, story in told if story.wrong}


@pytest.mark.timeout(36000 if DEEP else 1800)
def test_a_restart_killed_anywhere_is_brought_to_its_end_or_back() -> None:
    goals, mutations = undisturbed()
    firsts = list(points(mutations))
    jobs: list[Job] = [(first, way, None, goals) for first in firsts for way in Way]
    told = tell(jobs)
    assert len(firsts) >= 4 * mutations
    assert wrong(told) == {}
    again: list[Job] = [
        (first, way, second, goals)
        for (first, way, _, _), (_, story) in zip(jobs, told, strict=True)
        for second in points(story.mutations)
    ]
    drawn = again if DEEP else chance(20).sample(again, SECOND_CRASHES)
    retold = tell(drawn)
    print(f"{len(told)} crashes, {len(retold)} of {len(again)} crashes of their recovery")  # noqa: T201 - the figure
    assert wrong(retold) == {}
    assert sum(story.reached for _, story in retold) > len(retold) // 2
