"""The stages of scripts/test, with small programs in place of the real ones."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_SOURCED = "source scripts/lib/say.sh; source scripts/lib/stages.sh; "
_SAFE = "set -euo pipefail; "
_BUSY = f"{sys.executable} -c 'import time\nwhile time.process_time() < 0.6: pass'"


def words(script: str) -> list[str]:
    return ["bash", "-c", _SAFE + _SOURCED + script, "name-of-script"]


def bash(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words(script), cwd=ROOT, capture_output=True, text=True, check=False, timeout=30
    )


def runs(pid: str) -> bool:
    """Whether a process is there and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_runs_each_and_shows_it_with_its_time() -> None:
    done = bash("stage first echo one; stage second echo two; show_stages")
    assert done.returncode == 0
    assert done.stdout.split("==> ")[1:3] == ["first\none\n\n", "second\ntwo\n\n"]
    shown = done.stdout.split("==> stages\n")[1].splitlines()
    assert [line.split()[:2] for line in shown] == [["ok", "first"], ["ok", "second"]]
    assert all(re.search(r" \d+ s +\d+ CPU s$", line) for line in shown)


def test_counts_the_cpu_of_what_it_waited_for_and_of_no_other_stage() -> None:
    done = bash(f"stage busy {_BUSY}; stage idle true; show_stages")
    busy, idle = (int(words) for words in re.findall(r"(\d+) CPU s", done.stdout))
    assert busy >= 1
    assert idle == 0


def test_of_the_lab_counts_what_the_whole_machine_does() -> None:
    """Its daemons are nobody's children any more. The pipe is open for as long as one lives."""
    daemon = f"daemon() {{ setsid --fork {_BUSY} | cat; }}; "
    done = bash(f"{daemon} stage 'lab alone' daemon; stage other daemon; show_stages")
    lab, other = (int(words) for words in re.findall(r"(\d+) CPU s", done.stdout))
    assert lab >= 1
    assert other == 0


def test_parts_run_side_by_side_and_what_they_say_is_not_mixed(tmp_path: Path) -> None:
    """The first reads what the others write: each end of a pipe waits for the other one."""
    pipes = [tmp_path / name for name in "23"]
    for pipe in pipes:
        os.mkfifo(pipe)
    part = (
        f"part() {{ if (($1 == 1)); then cat {pipes[1]} {pipes[0]};"
        f" else echo of $1 > {tmp_path}/$1; fi; echo $1; }}"
    )
    done = bash(f"{part}; stage parts side_by_side 3 part")
    assert (done.returncode, done.stdout) == (0, "\n==> parts\nof 3\nof 2\n1\n2\n3\n")


@pytest.mark.parametrize(
    ("codes", "passes", "with_none"),
    [
        ("0 0 0", 0, 0),
        ("0 5 0", 5, 0),
        ("5 0 5", 5, 0),
        ("5 5 5", 5, 5),
        ("5 1 5", 5, 1),
        ("0 1 5", 1, 1),
        ("1 5 5", 1, 1),
        ("0 0 2", 2, 2),
        ("5", 5, 5),
    ],
)
def test_all_fail_if_one_does(codes: str, passes: int, with_none: int) -> None:
    """`with_none` is the code where STATUS_OK=5 lets one of them have nothing to run."""
    count = len(codes.split())
    script = f"ends=({codes}); part() {{ return ${{ends[$1 - 1]}}; }}; side_by_side {count} part"
    assert bash(f"unset STATUS_OK; {script}").returncode == passes
    assert bash(f"STATUS_OK=5; {script}").returncode == with_none


def test_names_what_is_over_its_budget_and_lets_it_pass() -> None:
    done = bash(
        "budgets=([slow]='0 100' [busy]='100 0' [good]='100 100');"
        f"stage slow sleep 1; stage busy {_BUSY}; stage good true; stage unknown true;"
        "show_stages; show_budgets"
    )
    assert done.returncode == 0
    over = [line for line in done.stdout.splitlines() if line.startswith("!! OVER BUDGET")]
    assert [line.split()[3] for line in over] == ["slow", "busy"]
    assert over[0].endswith("more than 0 s, 100 CPU s")


def test_stops_at_the_first_that_fails_and_names_it() -> None:
    done = bash("trap show_stages EXIT; stage good true; stage bad false; stage later echo never")
    assert done.returncode == 1
    assert "stage failed: bad (exit code 1)" in done.stderr
    assert "never" not in done.stdout
    assert "FAILED  bad" in done.stdout


def test_lets_pass_the_one_exit_code_it_is_told() -> None:
    assert bash("STATUS_OK=5 stage none bash -c 'exit 5'").returncode == 0
    assert bash("STATUS_OK=5 stage none bash -c 'exit 4'").returncode == 1


def test_a_signal_reaches_all_of_the_stage(tmp_path: Path) -> None:
    """The grandchild is in the stage's process group, and nothing of it may stay."""
    pids = tmp_path / "pids"
    work = f"echo $BASHPID >> {pids}; sleep 60 & echo $! >> {pids}; echo ready; wait"
    script = f"trap stop_child EXIT; trap 'exit 143' TERM; stage long bash -c '{work}'"
    # Started in the background, pytest may have been made deaf to interrupts.
    hearing = ["env", "--default-signal=INT", *words(script)]
    with subprocess.Popen(hearing, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert "ready\n" in iter(running.stdout.readline, "")
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=15) == 128 + signal.SIGTERM
    started = pids.read_text().split()
    assert len(started) == 2
    deadline = time.monotonic() + 10
    while any(map(runs, started)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(runs, started))
