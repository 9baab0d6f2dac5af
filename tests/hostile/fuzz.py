"""Damaged inputs for a reader: how many, what came of them, the slowest, and the memory it took."""

import random
import resource
import time
from dataclasses import dataclass, field

from tests.hostile.readers import Reader

SLOWEST_SECONDS = 1.0
"""Of CPU, for one input; none of them has more than some thousand bytes."""


@dataclass(slots=True, kw_only=True)
class Found:
    """`strange` are errors that are not ours, each with the input that led to it."""

    name: str
    inputs: int = 0
    refused: int = 0
    slowest_seconds: float = 0.0
    slowest: object = None
    strange: list[tuple[object, Exception]] = field(default_factory=list)
    peak_mb: float = 0.0

    def row(self) -> str:
        """Return it as a line of the table."""
        return (
            f"{self.name:<20}{self.inputs:>8}{self.refused:>9}{len(self.strange):>12}"
            f"{self.slowest_seconds:>11.3f}{self.peak_mb:>9.0f}"
        )


HEAD = f"{'reader':<20}{'inputs':>8}{'refused':>9}{'exceptions':>12}{'slowest s':>11}{'peak MB':>9}"
"""Over the rows. The peak is the process' own, up to then."""


def tried(reader: Reader, inputs: int, *, first_seed: int = 0) -> Found:
    """Give a reader `inputs` damaged inputs; a seed each, so that one can be given again."""
    found = Found(name=reader.name)
    for seed in range(first_seed, first_seed + inputs):
        given = reader.make(random.Random(seed))  # noqa: S311 - to be drawn again, not secret
        began = time.process_time()
        try:
            reader.read(given)
        except reader.refusals:
            found.refused += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            found.strange.append((given, error))
        took = time.process_time() - began
        if took > found.slowest_seconds:
            found.slowest_seconds, found.slowest = took, given
        found.inputs += 1
    found.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found
