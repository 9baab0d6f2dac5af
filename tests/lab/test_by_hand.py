"""The commands that dtdeploy prints for the day on which it is broken, typed line by line."""

from pathlib import Path

import pytest

from lab import control, faults, hosts
from lab.witness import records
from tests.lab.conftest import Done, Operator
from tests.lab.fleet import ROOT
from tests.lab.test_recovery import deep

pytestmark = pytest.mark.lab

TYPIST = """
while IFS= read -r line <&3; do
    case $line in ''|\\#*) continue ;; esac
    eval "$line" </dev/null || { echo "THIS LINE ENDED WITH $?: $line" >&2; exit 1; }
    echo "typed: $line"
done 3<"$1"
"""
"""One line after the other in one shell, as they would be pasted; the first failure ends it."""


def typed(text: str, folder: Path) -> Done:
    file = folder / "commands"
    file.write_text(text)
    began = records.now()
    done = control.ops(["sh", "-c", TYPIST, "sh", str(file)], cwd=ROOT, timeout=280)
    return Done(done.returncode, done.stdout, done.stderr, (records.now() - began) / 1e9)


def running() -> set[str]:
    nodes = ("frb-vsop.chime", "outrigger_buffer.chime", "aux.kko", "kko-w1", "aux.gbo")
    listed = [hosts.docker(node, "ps", "-q", "--no-trunc") for node in nodes]
    return {line for out in listed for line in out.stdout.split()}


def test_everything_is_restarted_by_hand(operator: Operator, tmp_path: Path) -> None:
    before = running()
    printed = operator.types("plan", "--all", "--as-commands")
    assert printed.code == 0, printed
    assert operator.touched() == []
    done = typed(printed.out, tmp_path)
    assert done.code == 0, done
    assert operator.violations() == []
    now = running()
    assert len(now) == len(before)
    assert not now & before
    # What was deployed by hand is not dtdeploy's, and well.
    shown = operator.types("status")
    assert shown.code == 0, shown
    assert "not by dtdeploy" in shown.out


@deep
def test_a_client_that_stays_stops_it_before_the_server(operator: Operator, tmp_path: Path) -> None:
    """Whoever goes on typing all the same is stopped by the next line that looks."""
    printed = operator.types("plan", "--all", "--as-commands").out
    lines = [line for line in printed.splitlines() if "aux.gbo datatrail-client" not in line]
    at = next(i for i, line in enumerate(lines) if line == "rm_services frb-vsop.chime datatrail")
    gone = [line for line in printed.splitlines() if line == "gone aux.gbo datatrail-client"]
    done = typed("\n".join([*lines[:at], gone[0], *lines[at:]]), tmp_path)
    assert done.code == 1
    assert "THIS LINE ENDED WITH 1: gone aux.gbo datatrail-client" in done.err
    assert operator.violations() == []
    assert not [words for words in operator.touched() if " datatrail_server" in words]
    # The lock that was taken by hand keeps dtdeploy away, and goes as the page says.
    assert operator.types("restart", "--all", "--yes").code == 10
    released = next(line for line in lines if line.endswith("'docker config rm dtdeploy.run'"))
    on = next(line for line in lines if line.startswith("on()"))
    assert typed(f"{on}\n{released}\n", tmp_path).code == 0
    mended = operator.types("up", "--all", "--yes")
    assert mended.code == 0, mended


def test_without_its_database_nothing_is_typed_that_touches(
    operator: Operator, tmp_path: Path
) -> None:
    faults.postgres_down()
    done = typed(operator.types("plan", "--all", "--as-commands").out, tmp_path)
    assert done.code == 1, done
    assert "Datatrail's database" in done.err
    assert operator.touched() == []
