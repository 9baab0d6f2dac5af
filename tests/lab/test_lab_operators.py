"""Two operators' machines, and a dtdeploy that is stopped, let go on and killed."""

import signal

import pytest

from lab import control, processes
from lab.processes import wait_until
from lab.topology import OTHER_OPERATOR
from tests.lab.conftest import Operator

pytestmark = pytest.mark.lab


def test_the_other_machine_shares_neither_name_nor_address_nor_memory(operator: Operator) -> None:
    (control.home() / ".cache").mkdir(exist_ok=True)
    elsewhere = operator.elsewhere()
    elsewhere.forgets()
    told = [
        control.ops(["bash", "-c", "hostname; echo ~; ls -A ~; ip -br addr"], machine=machine)
        for machine in (operator.machine, elsewhere.machine)
    ]
    here, there = (done.stdout.splitlines() for done in told)
    assert here[0] == "ops"
    assert there[:2] == ["ops2", str(control.home(OTHER_OPERATOR))]
    assert ".cache" in here
    assert ".cache" not in there
    assert "198.18.0.6/16" in there[-1]
    assert elsewhere.elsewhere().machine == operator.machine


def test_the_other_operator_logs_in_with_a_key_of_its_own(operator: Operator) -> None:
    done = operator.elsewhere().types("status")
    assert done.code == 0, done
    keys = {
        (control.home(m) / ".ssh/id_ed25519").read_text()
        for m in (operator.machine, OTHER_OPERATOR)
    }
    assert len(keys) == 2


def test_signals_reach_dtdeploy_itself(operator: Operator) -> None:
    running = operator.starts("restart", "--all", "--dry-run")
    wait_until(
        lambda: "bin/dtdeploy" in processes.command_line(running.pid),
        seconds=60,
        what="dtdeploy to start",
    )
    running.send(signal.SIGSTOP)
    wait_until(lambda: processes.is_frozen(running.pid), seconds=60, what="dtdeploy to stand still")
    running.send(signal.SIGCONT)
    wait_until(lambda: not processes.is_frozen(running.pid), seconds=60, what="dtdeploy to go on")
    assert running.kill().code == -signal.SIGKILL
    assert processes.command_line(running.pid) == ""
    assert operator.touched() == []
