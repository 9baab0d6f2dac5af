import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.sources.child import Cut, Heard, end_family, end_session, heard

HOLDS = "sleep 600 & echo $! > {pids}; sleep 600"


def run(code: str, *, seconds: float = 20.0, most_bytes: int = 1_000_000) -> Heard:
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    return heard(process, seconds=seconds, most_bytes=most_bytes, end=end_family)


def test_all_that_is_written_is_heard() -> None:
    code = "import sys; print('x' * 200_000); print('y' * 200_000, file=sys.stderr); sys.exit(3)"
    found = run(code)
    assert (found.status, found.cut) == (3, None)
    assert (len(found.out), len(found.err)) == (200_001, 200_001)


def test_what_writes_without_an_end_is_ended_at_its_last_byte() -> None:
    began = time.monotonic()
    found = run("while True: print('x' * 1000)", most_bytes=100_000)
    assert found.cut is Cut.LONG
    assert len(found.out) == 100_000
    assert found.status != 0
    assert time.monotonic() - began < 15


def test_both_streams_count() -> None:
    code = "import os\nwhile True: os.write(1, b'x' * 1000); os.write(2, b'y' * 1000)"
    found = run(code, most_bytes=100_000)
    assert found.cut is Cut.LONG
    assert len(found.out) + len(found.err) == 100_000


@pytest.mark.parametrize("code", ["", "import os; os.close(1); os.close(2); "])
def test_what_does_not_end_is_ended_in_time(code: str) -> None:
    found = run(f"{code}import time; time.sleep(600)", seconds=0.5)
    assert found.cut is Cut.LATE
    assert found.status != 0


@pytest.mark.parametrize("session", [False, True])
def test_nothing_that_it_started_is_left_nor_waited_for(tmp_path: Path, *, session: bool) -> None:
    pids = tmp_path / "pids"
    process = subprocess.Popen(
        ["sh", "-c", HOLDS.format(pids=pids)],
        stdout=subprocess.PIPE,
        start_new_session=session,
    )
    found = heard(process, seconds=1.0, end=end_session if session else end_family)
    assert found.cut is Cut.LATE
    child = int(pids.read_text())
    ends = time.monotonic() + 10
    while _runs(child) and time.monotonic() < ends:
        time.sleep(0.01)
    assert not _runs(child)


def _runs(number: int) -> bool:
    """Whether it runs still; killed, it may wait for whoever inherited it to ask how it ended."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_its_pipes_are_closed() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        run("print('x')")
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
