"""The stages of scripts/test, with small programs in place of the real ones."""

import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_SOURCED = "source scripts/lib/say.sh; source scripts/lib/stages.sh; "
_SAFE = "set -euo pipefail; "


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
    assert all(line.endswith(" s") for line in shown)


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
