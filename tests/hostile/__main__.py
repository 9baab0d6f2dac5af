"""`python -m tests.hostile [INPUTS]`: 20,000 damaged inputs for each reader, and a table of it."""

import sys

from tests.hostile.fuzz import HEAD, SLOWEST_SECONDS, tried
from tests.hostile.readers import readers

INPUTS = 20_000
SHOWN = 5


def say(line: str) -> None:
    """Print a line at once: all of it takes minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(inputs: int) -> int:
    """Try all readers; 1 where one raised what is no error of ours, or was slow."""
    say(HEAD)
    bad = False
    for reader in readers():
        found = tried(reader, inputs)
        say(found.row())
        for given, error in found.strange[:SHOWN]:
            say(f"    {type(error).__name__}: {error!s:.200}\n    {given!r:.500}")
        if found.slowest_seconds >= SLOWEST_SECONDS:
            say(f"    slowest: {found.slowest!r:.500}")
        bad = bad or bool(found.strange) or found.slowest_seconds >= SLOWEST_SECONDS
    return int(bad)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else INPUTS))
