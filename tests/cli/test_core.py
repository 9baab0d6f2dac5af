import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LIMITS = 'grep "core file" /proc/$$/limits /proc/$PPID/limits >> {file}; exit 1'


@pytest.mark.parametrize(("program", "words"), [("git", "plan --all"), ("ssh", "status")])
def test_neither_dtdeploy_nor_what_it_runs_leaves_a_core(
    tmp_path: Path, program: str, words: str
) -> None:
    seen = tmp_path / "seen"
    fake = tmp_path / "bin" / program
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\n{LIMITS.format(file=shlex.quote(str(seen)))}\n")
    fake.chmod(0o700)
    environment = os.environ | {
        "PATH": f"{fake.parent}:{os.environ['PATH']}",
        "XDG_STATE_HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path),
    }
    line = f"ulimit -Sc 1000 && exec {shlex.quote(sys.executable)} -m orchestrator {words}"
    subprocess.run(
        ["bash", "-c", line],
        check=False,
        capture_output=True,
        cwd=ROOT,
        env=environment,
        timeout=60,
    )
    limits = [text.split(":")[1].split()[4:6] for text in seen.read_text().splitlines()]
    assert len(limits) >= 2
    assert all(limit == ["0", "0"] for limit in limits), limits
