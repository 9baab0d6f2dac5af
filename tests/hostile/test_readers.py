"""Whatever others wrote is read, or refused in our own words, at once; see `readers.py`.

Twenty thousand inputs for each reader, and a table of it: `python -m tests.hostile`.
"""

import os
import random
from dataclasses import replace

import pytest

from tests.hostile.fuzz import SLOWEST_SECONDS, tried
from tests.hostile.readers import Reader, readers

INPUTS = 300
FIRST_SEED = int(os.environ.get("DTDEPLOY_FIRST_SEED", "0"))
READERS = readers()


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_what_is_damaged_is_read_or_refused_and_at_once(reader: Reader) -> None:
    found = tried(reader, INPUTS, first_seed=FIRST_SEED)
    assert found.strange == []
    assert found.slowest_seconds < SLOWEST_SECONDS, found.slowest
    # Neither all of it, nor, where it refuses anything, none of it.
    assert found.refused < INPUTS
    assert found.refused or not reader.refusals


def test_an_error_that_is_not_ours_would_be_found() -> None:
    def read(given: object) -> object:
        raise RecursionError if hash(given) % 2 else ValueError

    reader = replace(READERS[0], read=read, refusals=(ValueError,))
    found = tried(reader, 50)
    assert found.strange
    assert found.refused + len(found.strange) == found.inputs == 50


def test_an_input_is_drawn_again_by_its_seed() -> None:
    for reader in READERS:
        first, again = (reader.make(random.Random(7)) for _ in range(2))  # noqa: S311 - seeded
        assert first == again
