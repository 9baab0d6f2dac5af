"""The oracle and the days are not blind: each planted bug shows on the day that is named for it.

Where a change of the engine has moved it to another day, that one is looked for. `scripts/test
--deep` looks for each of them from the first day on.
"""

import os
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.bugs import BUGS, Bug
from tests.days import day_of
from tests.telling import tell

DEEP = os.environ.get("DTDEPLOY_DEEP", "") == "1"
LAST_SEED = 2000


def shown(bug: Bug, seed: int) -> list[str]:
    """Return what is found wrong with a day on which `bug` is at work, if it shows."""
    return [words for words in tell(day_of(seed), bug.machine).wrong if bug.shows in words]


def first_seed(number: int) -> int | None:
    """Return the first day that shows a bug, None if none does."""
    return next((seed for seed in range(LAST_SEED) if shown(BUGS[number], seed)), None)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_shows_on_its_day_and_nothing_is_wrong_with_that_day_else(bug: Bug) -> None:
    days = (bug.seed, *range(LAST_SEED))
    seed = next((seed for seed in days if shown(bug, seed)), None)
    assert seed is not None
    print(f"{bug.name}: day {seed}")  # noqa: T201 - where it is not the one that is named
    assert tell(day_of(seed)).wrong == []


@pytest.mark.timeout(36000)
@pytest.mark.skipif(not DEEP, reason="--deep looks for each bug from the first day on")
def test_every_planted_bug_is_found_by_looking_for_it() -> None:
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = dict(
            zip((bug.name for bug in BUGS), pool.map(first_seed, range(len(BUGS))), strict=True)
        )
    print("\n".join(f"{name}: day {seed}" for name, seed in found.items()))  # noqa: T201 - figures
    assert [name for name, seed in found.items() if seed is None] == []


def test_there_are_as_many_kinds_of_bugs_as_promised() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 15
