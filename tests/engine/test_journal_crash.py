"""The journal where processes die, disks fill up and the system says no: all of it real."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engine.journals import OTHER_RUN, RUN, cut_off

DEEP = os.environ.get("DTDEPLOY_DEEP", "") == "1"
_ROOT = Path(__file__).parent.parent.parent
_OWN_MOUNTS = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "-r", "--mount")


def _child(what: str, *arguments: object, before: tuple[str, ...] = ()) -> Any:
    command = [*before, sys.executable, "-m", "tests.engine.journal_child", what]
    ended = subprocess.run(
        [*command, *map(str, arguments)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.fixture
def mounting() -> tuple[str, ...]:
    """The command before another that gives it mounts of its own."""
    try:
        tried = subprocess.run(
            [*_OWN_MOUNTS, "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare(1) here")
    if tried.returncode:
        pytest.skip(f"no file system can be mounted here: {tried.stderr.decode()}")
    return _OWN_MOUNTS


@pytest.mark.timeout(3600 if DEEP else 300)
@pytest.mark.parametrize("seed", range(5 if DEEP else 1))
def test_killed_at_any_moment_it_keeps_what_was_acknowledged(tmp_path: Path, seed: int) -> None:
    seen = _child("killed", tmp_path, 400 if DEEP else 40, seed)
    assert seen["acknowledged"] > seen["rounds"]
    assert seen["undone"], "no write was ever cut off: the test shows nothing"


def test_on_a_full_disk_it_says_so_and_goes_on_when_there_is_room(
    tmp_path: Path, mounting: tuple[str, ...]
) -> None:
    seen = _child("full", tmp_path, before=mounting)
    assert seen["written"] == 84
    assert seen["refused"] >= 84


def test_where_nothing_can_be_written_it_can_be_read(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, mounting: tuple[str, ...]
) -> None:
    path = cut_off(tmp_path_factory.mktemp("cut-off"))
    said = _child("read-only", tmp_path, path.parent, before=mounting)
    assert said[RUN].startswith("Read-only file system")
    assert said[OTHER_RUN].startswith("Read-only file system")
    assert said["cut off"].startswith("a write was cut off and has to be undone first: no permis")


def test_where_files_may_not_grow_it_says_so(tmp_path: Path) -> None:
    seen = _child("limited", tmp_path / "runs")
    assert seen["written"] == 7
    assert seen["refused"] >= 14


def test_without_file_descriptors_it_says_so_and_goes_on_when_there_are(tmp_path: Path) -> None:
    said = _child("starved", tmp_path)
    assert set(said) == {"writing", "opening", "making", "reading", "finding"}
    assert all("Too many open files" in words for words in said.values())
    assert said["writing"].startswith("journal.unwritable")
    assert said["finding"].startswith("journal.unreadable")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace(1) shows system calls")
def test_everything_is_synced_before_an_entry_is_acknowledged(tmp_path: Path) -> None:
    """The folder too: after a new file is linked, and after the rollback journal is deleted."""
    folder, trace = tmp_path / "runs", tmp_path / "trace"
    calls = "link,unlink,fsync,fdatasync,write"
    command = ["strace", "-f", "-y", "-e", f"trace={calls}", "-e", "signal=none", "-o", f"{trace}"]
    _child("hold", folder, before=(*command,))
    file = folder / f"{RUN}.journal"
    lines = [line for line in trace.read_text().splitlines() if re.search("/|open", line)]
    said = " ".join(" ".join(re.sub(r"^\d+ |\d+<|>|= 0$", "", line) for line in lines).split())
    made = rf'fsync\({tmp_path}\) .*fsync\((.+)\) link\("\1", "{file}"\) fsync\({folder}\) unlink'
    assert re.search(made, said), said
    durable = (
        rf"fdatasync\({file}-journal\) fdatasync\({folder}\) fdatasync\({file}-journal\) "
        rf'fdatasync\({file}\) unlink\("{file}-journal"\) fdatasync\({folder}\) write\(.*"open'
    )
    assert re.search(durable, said), said


@pytest.mark.skipif(platform.machine() not in {"x86_64", "aarch64"}, reason="system call numbers")
def test_when_the_disk_does_not_confirm_nothing_is_acknowledged(tmp_path: Path) -> None:
    said = _child("unsynced", tmp_path)
    assert said["writing"] == said["again"] == "journal.unwritable: disk I/O error"
    assert said["opening"] == said["making"] == "journal.unwritable: Input/output error"
