import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ExitCode
from orchestrator.procedures.effects import Answer, AuditLog, ReadAudit, Result, WriteAudit
from orchestrator.swarm.audit import MOST_BYTES, harmless
from orchestrator.swarm.performer import LivePerformer
from tests.swarm.conftest import perform_through, through_proxy
from tests.swarm.sshd import SITE, Operator, Server, free_port


def written(performer: LivePerformer, line: str) -> Answer:
    answer = performer.perform(WriteAudit(site=SITE, line=line))
    assert isinstance(answer, Answer)
    return answer


def log(server: Server) -> Path:
    return server.home / ".dtdeploy/audit.log"


def lines(server: Server) -> list[str]:
    return log(server).read_text().splitlines()


def fill(server: Server, content: bytes) -> None:
    log(server).parent.mkdir()
    log(server).write_bytes(content)


def left_over(server: Server) -> list[str]:
    names = sorted(path.name for path in log(server).parent.iterdir())
    return [name for name in names if name not in ("audit.log", "audit.lock")]


def test_lines_are_appended_for_the_owner_only(performer: LivePerformer, server: Server) -> None:
    for line in ("one 'two' $HOME `id` \\n %s", "--é"):
        answer = written(performer, line)
        assert (answer.result, answer.problem) == (Result.OK, None)
    assert lines(server) == ["one 'two' $HOME `id` \\n %s", "--é"]
    assert log(server).stat().st_mode & 0o077 == 0
    assert log(server).parent.stat().st_mode & 0o077 == 0


def test_what_was_written_is_read_back(performer: LivePerformer, server: Server) -> None:
    assert performer.perform(ReadAudit(site=SITE)) == AuditLog(site=SITE, lines=())
    fill(server, b"half a line\n\x1b[2Jone\n\ntwo\n")
    said = performer.perform(ReadAudit(site=SITE))
    assert said == AuditLog(site=SITE, lines=("half a line", r"\x1b[2Jone", "two"))
    log(server).write_bytes(b"cut off\n" + b"x" * (MOST_BYTES - 4) + b"\ntwo\n")
    said = performer.perform(ReadAudit(site=SITE))
    assert isinstance(said, AuditLog)
    assert said.lines == ("two",)


def test_what_would_be_another_line_or_move_a_terminal_is_spelled_out(
    performer: LivePerformer, server: Server
) -> None:
    written(performer, "a\nb\r\x1b[2J\0\u2028\u202ec")
    assert lines(server) == [r"a\nb\r\x1b[2J\x00\u2028\u202ec"]


@given(st.text(st.characters()))
def test_any_line_is_one_short_printable_line(line: str) -> None:
    shown = harmless(line)
    assert shown.isprintable()
    assert len(shown.encode()) <= 4000


def test_a_long_line_is_cut_between_two_signs() -> None:
    assert harmless("é" * 3000) == "é" * 2000
    assert harmless("x" + "é" * 3000) == "x" + "é" * 1999


@pytest.mark.parametrize("first", [b"", b"x"])
def test_above_its_bound_the_newer_half_of_the_lines_stays(
    performer: LivePerformer, server: Server, first: bytes
) -> None:
    row = b"%015d\n"
    rows = first + b"".join(row % number for number in range(MOST_BYTES // 16))
    fill(server, rows)
    written(performer, "the last")
    kept = lines(server)
    assert kept[-1] == "the last"
    newest = MOST_BYTES // 16 - 1
    assert kept[:-1] == [f"{n:015d}" for n in range(newest - len(kept) + 2, newest + 1)]
    assert MOST_BYTES // 2 - 16 <= log(server).stat().st_size <= MOST_BYTES // 2
    assert log(server).stat().st_mode & 0o077 == 0
    assert left_over(server) == []


def test_at_its_bound_nothing_is_lost(performer: LivePerformer, server: Server) -> None:
    before = b"x" * (MOST_BYTES - len("new\n") - 1) + b"\n"
    fill(server, before)
    written(performer, "new")
    assert log(server).read_bytes() == before + b"new\n"


def test_one_single_line_above_the_bound_goes(performer: LivePerformer, server: Server) -> None:
    fill(server, b"x" * (MOST_BYTES + 1))
    written(performer, "new")
    assert lines(server) == ["new"]


def test_a_line_that_was_cut_short_does_not_run_into_the_next(
    performer: LivePerformer, server: Server
) -> None:
    fill(server, b"half a li")
    written(performer, "whole")
    assert lines(server) == ["half a li", "whole"]


def test_many_at_once_lose_no_line_while_the_log_is_halved(
    performer: LivePerformer, server: Server
) -> None:
    fill(server, b"old\n" * ((MOST_BYTES - 2000) // 4))
    sent = [f"{number:03d} {'x' * 200}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda line: written(performer, line), sent))
    assert {answer.result for answer in answers} == {Result.OK}
    assert sorted(line for line in lines(server) if line != "old") == sent
    assert log(server).stat().st_size < MOST_BYTES // 2 + 24 * 206
    assert left_over(server) == []


def test_a_manager_that_cannot_write_says_why(performer: LivePerformer, server: Server) -> None:
    (server.home / ".dtdeploy").write_bytes(b"a file where a folder should be")
    answer = written(performer, "x")
    assert answer.result is Result.FAILED
    assert answer.problem is not None
    assert answer.problem.code == "audit.not-written"
    assert "File exists" in answer.words or "Not a directory" in answer.words


def wait_until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)


def stand_in(server: Server, program: str, script: str) -> Path:
    path = server.bin / program
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_log_that_cannot_be_halved_keeps_its_lines_and_says_so(
    performer: LivePerformer, server: Server
) -> None:
    fill(server, b"old\n" * (MOST_BYTES // 4))
    program = stand_in(server, "mv", "exit 1")
    answer = written(performer, "new")
    program.unlink()
    assert (answer.result, answer.words) == (
        Result.OK,
        "the log is above its bound and could not be halved",
    )
    assert lines(server) == ["old"] * (MOST_BYTES // 4) + ["new"]
    assert left_over(server) == []


def test_a_command_whose_time_is_up_may_have_written(
    performer: LivePerformer, server: Server
) -> None:
    program = stand_in(server, "timeout", "exit 124")
    answer = written(performer, "x")
    program.unlink()
    assert answer.result is Result.UNKNOWN
    assert answer.problem is not None
    assert answer.problem.exit_code is ExitCode.OUTCOME_UNKNOWN


def test_a_lost_answer_is_unknown_and_no_process_list_shows_the_line(
    operator: Operator, server: Server, tmp_path: Path
) -> None:
    begun, go_on = tmp_path / "begun", tmp_path / "go on"
    wait = f"touch '{begun}'; while [ ! -e '{go_on}' ]; do sleep 0.01; done"
    program = stand_in(server, "mkdir", f'{wait}; exec /bin/mkdir "$@"')
    answers: list[Answer] = []
    secretive = "nobody's " + "business"
    with through_proxy(operator, server) as (proxy, performer):
        thread = threading.Thread(target=lambda: answers.append(written(performer, secretive)))
        thread.start()
        proxy.cut_when(begun, and_touch=tmp_path / "cut")
        thread.join(20)
    shown = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
    program.unlink()
    go_on.touch()
    wait_until(lambda: log(server).exists() and lines(server) == [secretive])
    assert answers[0].result is Result.UNKNOWN
    assert answers[0].problem is not None
    assert answers[0].problem.code == "answer.lost"
    assert any(str(begun).encode() in words or b"mkdir" in words for words in shown)
    assert not any(secretive.encode() in words for words in shown)


def test_a_site_that_cannot_be_reached_is_an_answer_too(operator: Operator) -> None:
    performer = perform_through(operator, free_port())
    answer = written(performer, "x")
    assert answer.result is Result.FAILED
    assert answer.problem is not None
    assert answer.problem.code == "site.unreachable"
    performer.close()


def test_busybox_will_do(performer: LivePerformer, server: Server) -> None:
    """It has no flock here: the log is written without."""
    busybox = shutil.which("busybox")
    assert busybox, "this test needs busybox (Debian: busybox)"
    fill(server, b"old\n" * (MOST_BYTES // 4))
    applets = ["sh", "cat", "df", "mkdir", "mv", "rm", "sync", "tail", "wc", "dd", "timeout"]
    for applet in applets:
        (server.bin / applet).symlink_to(busybox)
    no_flock = stand_in(server, "flock", "exit 127")
    try:
        answers = [written(performer, line) for line in ("one", "two")]
    finally:
        for applet in applets:
            (server.bin / applet).unlink()
        no_flock.unlink()
    assert [answer.result for answer in answers] == [Result.OK, Result.OK]
    assert lines(server)[-3:] == ["old", "one", "two"]
    assert log(server).stat().st_size < MOST_BYTES // 2 + 100
    assert left_over(server) == []
