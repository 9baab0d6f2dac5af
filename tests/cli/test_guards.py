import sys
from pathlib import Path

import pytest

from orchestrator.cli.guards import ask_guard, leave_out
from orchestrator.engine.ports import Backend
from orchestrator.fleet.desired import HttpProbe
from orchestrator.fleet.guard import CommandGuard, GuardAnswer, HttpGuard
from orchestrator.sources.child import MOST_BYTES
from tests.simulated import simulated

GUARD = CommandGuard(name="telescope", command=(), timeout_seconds=20.0, reason="be idle")


@pytest.fixture(scope="module")
def backend() -> Backend:
    return simulated().backend


def asked(backend: Backend, *command: str, seconds: float = 20.0) -> GuardAnswer:
    guard = CommandGuard(
        name="telescope", command=command, timeout_seconds=seconds, reason="be idle"
    )
    return ask_guard(guard, backend, "chime", {"WORD": "given"})


def python(backend: Backend, code: str, *arguments: str) -> GuardAnswer:
    return asked(backend, sys.executable, "-c", code, *arguments)


def test_a_program_agrees_by_ending_well(backend: Backend) -> None:
    assert python(backend, "print('idle')") == GuardAnswer(
        name="telescope", agrees=True, words="idle", reason="be idle"
    )


def test_one_that_ends_otherwise_objects_in_its_own_words(backend: Backend) -> None:
    code = "import sys; sys.stderr.write('observing until 23:00\\n'); sys.exit(3)"
    answer = python(backend, code)
    assert (answer.agrees, answer.words) == (False, "observing until 23:00")


def test_one_that_ends_otherwise_and_says_nothing_is_told(backend: Backend) -> None:
    assert python(backend, "raise SystemExit(3)").words == "it ended with 3 and said nothing"


def test_no_shell_reads_its_words(backend: Backend, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    answer = python(backend, "import sys; print(sys.argv[1])", f"; touch {trap}; $(touch {trap})")
    assert answer.words == f"; touch {trap}; $(touch {trap})"
    assert not trap.exists()


def test_it_gets_the_operators_environment_and_no_input(backend: Backend) -> None:
    answer = python(backend, "import os, sys; print(os.environ['WORD'], repr(sys.stdin.read()))")
    assert answer.words == "given ''"


def test_one_that_does_not_answer_in_time_objects_and_is_ended(
    backend: Backend, tmp_path: Path
) -> None:
    """What it started goes with it: the pipe it left open would be waited for else."""
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'], stdin=None)"
    hold = tmp_path / "fifo"
    code = f"import os; os.mkfifo({str(hold)!r}); os.fork(); open({str(hold)!r}).read()"
    answer = asked(backend, sys.executable, "-c", code, seconds=0.5)
    assert (answer.agrees, answer.words) == (False, "no answer within 0.5 s")


def test_one_that_is_not_there_objects(backend: Backend) -> None:
    answer = asked(backend, "/no/such/program")
    assert (answer.agrees, answer.words) == (False, "/no/such/program: No such file or directory")


def test_of_much_output_the_end_is_kept(backend: Backend) -> None:
    answer = python(backend, "print('x' * 100000 + 'end')")
    assert len(answer.words) == 2000
    assert answer.words.endswith("end")


def test_an_address_is_asked_as_probes_are(backend: Backend) -> None:
    guard = HttpGuard(name="web", probe=HttpProbe(name="web", host="nowhere.example", port=1))
    answer = ask_guard(guard, backend, "chime", {})
    assert answer.name == "web"
    assert answer.asked
    assert answer.words


def test_a_guard_that_is_left_out_was_not_asked() -> None:
    assert leave_out(GUARD) == GuardAnswer(
        name="telescope", agrees=True, reason="be idle", asked=False
    )


def test_one_that_writes_without_an_end_objects(backend: Backend) -> None:
    answer = python(backend, "while True: print('idle')")
    assert not answer.agrees
    assert answer.words.startswith(f"it wrote more than {MOST_BYTES} bytes, and was ended: ")
    assert len(answer.words) < 500
