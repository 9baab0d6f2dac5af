"""Print the ten slowest tests over pytest's JUnit files, given as arguments, slowest first."""

import sys
from heapq import nlargest
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

_SHOWN = 10


class Timed(NamedTuple):
    """A test, and how many seconds it took with its set-up and teardown."""

    seconds: float
    name: str


def of_file(path: Path) -> list[Timed]:
    """Return every test of one run with its time."""
    root = ET.parse(path).getroot()  # noqa: S314 - our own pytest has just written it
    return [
        Timed(float(case.get("time", "0")), f"{case.get('classname')}::{case.get('name')}")
        for case in root.iter("testcase")
    ]


if __name__ == "__main__":
    timed = (test for name in sys.argv[1:] for test in of_file(Path(name)))
    for test in nlargest(_SHOWN, timed):
        print(f"{test.seconds:8.1f} s  {test.name}")
