"""What others wrote, made to be slow to read: its double takes about double the time.

Three doublings, the best of three tries each, by the process' own time: a busy machine does not
change them. A reading that compares everything with everything would take 64 times as long.
"""

import time
from collections.abc import Callable

import pytest

from orchestrator.fleet.secrecy import hide_secrets
from orchestrator.fleet.unit import Unit
from orchestrator.sources.compose import compose
from orchestrator.sources.interpolate import Variables
from orchestrator.words.foreign import clean

DOUBLINGS = 3
MOST_TIMES = 2.5**DOUBLINGS
TRIES = 3
WORTH_MEASURING_SECONDS = 0.002
Reads = Callable[[int], object]


def seconds(read: Reads, size: int) -> float:
    tries = []
    for _ in range(TRIES):
        began = time.process_time()
        read(size)
        tries.append(time.process_time() - began)
    return min(tries)


def times_as_long(read: Reads) -> float:
    """Begin with a size whose time is no mere noise."""
    size = 500
    while (first := seconds(read, size)) < WORTH_MEASURING_SECONDS:
        size *= 2
    return seconds(read, size << DOUBLINGS) / first


def composed(text: str) -> object:
    return compose(text.encode(), file="c.yaml", unit=Unit("a", "b"), variables=Variables())


def test_a_reading_that_is_quadratic_would_be_seen() -> None:
    assert times_as_long(lambda size: [0 for a in range(size) for b in range(size // 20)]) > 30


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "token",
        "a.",
        '"token',
        '"token":"',
        '\\"token\\":\\"',
        "token=",
        'token="',
        "a://:",
        "http://a",
        "authorization ",
        "://:",
        "\\",
        "\x1b[1",
    ],
)
@pytest.mark.parametrize("read", [hide_secrets, clean])
def test_masking(read: Callable[[str], str], piece: str) -> None:
    assert times_as_long(lambda size: read(piece * (size // len(piece)))) < MOST_TIMES


@pytest.mark.parametrize("piece", ["${A:-", "${A", "$A", "$A-", "${A:-}", "$$", "${"])
def test_interpolation(piece: str) -> None:
    def read(size: int) -> object:
        return composed(f'services: {{a: {{image: x, command: "{piece * (size // len(piece))}"}}}}')

    assert times_as_long(read) < MOST_TIMES


@pytest.mark.parametrize(
    ("before", "line", "after"),
    [
        ("services:\n  a:\n    image: x\n    ports:\n", '      - "{}:80"\n', ""),
        ("services:\n  a:\n    image: x\n    environment:\n", "      K{}: v\n", ""),
        ("services:\n  a:\n    image: x\n    volumes:\n", '      - "v{}:/a{}"\n', ""),
        ("services:\n", "  a{}: {{image: x}}\n", ""),
        ("services:\n", "  a{}: {{image: x, ports: [{{target: 1, published: 2}}]}}\n", ""),
        ("services: {a: {image: x}}\nnetworks:\n", "  n{}: {{}}\n", ""),
        ("services:\n  a:\n    image: x\n", "    k{}: 1\n", ""),
        ("services: {a: {image: x, command: [", "a{}, ", "]}}\n"),
    ],
)
def test_a_compose_file(before: str, line: str, after: str) -> None:
    def read(size: int) -> object:
        lines = (line.format(number, number) for number in range(size // 10))
        return composed(f"{before}{''.join(lines)}{after}")

    assert times_as_long(read) < MOST_TIMES
