import time
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from orchestrator.errors import ExitCode, FleetError
from orchestrator.swarm.connection import ForwardRefusedError
from orchestrator.swarm.problems import LostAnswerError
from orchestrator.swarm.remote_command import CommandResult
from tests.swarm.proxy import proxied
from tests.swarm.sshd import Operator, Server, free_port, running


class TestRun:
    def test_gives_stdin_and_returns_both_streams_and_the_exit_code(
        self, operator: Operator, server: Server
    ) -> None:
        with operator.connected(operator.target(server.port)) as connection:
            result = connection.run(
                ["sh", "-c", "cat; echo bad >&2; exit 7"], stdin=b"in", deadline_seconds=10
            )
        assert result == CommandResult(7, b"in", b"bad\n")

    def test_a_connection_that_ends_as_a_command_is_asked_for_is_not_waited_for(
        self, operator: Operator, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In between paramiko clears the event by which the end is told, and waits for it."""
        wiped = paramiko.Channel._event_pending  # type: ignore[attr-defined] # noqa: SLF001

        def ends_before(channel: paramiko.Channel) -> None:
            channel.get_transport().close()
            wiped(channel)

        target = replace(operator.target(server.port), connect_timeout_seconds=1)
        with operator.connected(target) as connection:
            monkeypatch.setattr(paramiko.Channel, "_event_pending", ends_before)
            with pytest.raises(LostAnswerError):
                connection.run(["true"], deadline_seconds=600)

    @pytest.mark.parametrize(
        "words", [["a b", "$HOME", "'", '"', "\\", "*", ";", "", "é", "!x", "--"]]
    )
    def test_arguments_arrive_as_they_are(
        self, operator: Operator, server: Server, words: list[str]
    ) -> None:
        with operator.connected(operator.target(server.port)) as connection:
            result = connection.run(["printf", "%s\n", *words], deadline_seconds=10)
        assert result.stdout.decode().splitlines() == words

    def test_a_script_leaves_the_rest_of_stdin_to_its_commands(
        self, operator: Operator, server: Server
    ) -> None:
        with operator.connected(operator.target(server.port)) as connection:
            result = connection.run_script(
                "echo 'one\ntwo'\ncat\n", stdin=b"three" * 100_000, deadline_seconds=10
            )
        assert result.stdout == b"one\ntwo\n" + b"three" * 100_000

    def test_much_on_both_streams_does_not_hang(self, operator: Operator, server: Server) -> None:
        script = "head -c 5000000 /dev/zero >&2; head -c 5000000 /dev/zero"
        with operator.connected(operator.target(server.port)) as connection:
            result = connection.run(["sh", "-c", script], deadline_seconds=20)
        assert (len(result.stdout), len(result.stderr)) == (5_000_000, 5_000_000)

    def test_a_command_that_ends_without_reading_its_stdin_still_says_why(
        self, operator: Operator, server: Server
    ) -> None:
        script = "echo 'No space left on device' >&2; exit 1"
        with operator.connected(operator.target(server.port)) as connection:
            result = connection.run(
                ["sh", "-c", script], stdin=b"x" * 20_000_000, deadline_seconds=20
            )
        assert (result.rc, result.stderr) == (1, b"No space left on device\n")

    def test_one_that_drips_ends_with_its_time(self, operator: Operator, server: Server) -> None:
        script = "trap '' TERM; while :; do echo x; sleep 0.1; done"
        began = time.monotonic()
        with operator.connected(operator.target(server.port)) as connection:
            result = connection.run(["sh", "-c", script], deadline_seconds=1)
        assert result.timed_out
        assert time.monotonic() - began < 12

    def test_a_command_that_takes_too_long_is_ended_there(
        self, operator: Operator, server: Server
    ) -> None:
        with operator.connected(operator.target(server.port)) as connection:
            result = connection.run(["sleep", "60"], deadline_seconds=1)
        assert result.timed_out

    def test_what_the_login_prints_is_no_output(
        self, tmp_path: Path, operator: Operator, key: Path
    ) -> None:
        noise = 'ForceCommand echo MOTD; exec sh -c "$SSH_ORIGINAL_COMMAND"'
        with running(tmp_path / "noisy", key, noise) as noisy:
            operator.trust(noisy.known_line)
            with operator.connected(operator.target(noisy.port)) as connection:
                result = connection.run(["echo", "mine"], deadline_seconds=10)
        assert result.stdout == b"mine\n"

    def test_a_cut_while_it_runs_is_a_lost_answer(
        self, tmp_path: Path, operator: Operator, server: Server
    ) -> None:
        started = tmp_path / "started"
        command = ["sh", "-c", f"touch {started}; sleep 30"]
        with (
            proxied(server.port) as proxy,
            operator.connected(operator.via(proxy.port, server)) as connection,
        ):
            proxy.cut_when(started)
            with pytest.raises(LostAnswerError) as caught:
                connection.run(command, deadline_seconds=20)
        assert caught.value.exit_code is ExitCode.OUTCOME_UNKNOWN

    def test_a_link_that_goes_dead_is_given_up_in_time(
        self, operator: Operator, server: Server
    ) -> None:
        target = replace(operator.via(0, server), connect_timeout_seconds=1.0)
        with proxied(server.port) as proxy:
            with operator.connected(replace(target, port=proxy.port)) as connection:
                proxy.stall()
                began = time.monotonic()
                with pytest.raises(FleetError) as caught:
                    connection.run(["true"], deadline_seconds=5)
            assert time.monotonic() - began < 10
        assert caught.value.problems[0].code == "site.unreachable"

    def test_a_session_too_many_is_said_to_be_one(
        self, tmp_path: Path, operator: Operator, key: Path
    ) -> None:
        with running(tmp_path / "small", key, "MaxSessions 1") as small:
            operator.trust(small.known_line)
            with operator.connected(operator.target(small.port)) as connection:
                channel = connection.open_dial_stdio()
                with pytest.raises(FleetError) as caught:
                    connection.run(["true"], deadline_seconds=5)
                channel.close()
        assert caught.value.problems[0].code == "site.busy"
        assert "MaxSessions" in caught.value.problems[0].fix


class TestForward:
    def test_reaches_what_the_manager_reaches(self, operator: Operator, server: Server) -> None:
        with operator.connected(operator.target(server.port)) as connection:
            channel = connection.open_tcp("127.0.0.1", server.port, timeout_seconds=5)
            assert channel.recv(4) == b"SSH-"

    def test_tells_refused_from_forbidden(
        self, tmp_path: Path, operator: Operator, server: Server, key: Path
    ) -> None:
        with (
            operator.connected(operator.target(server.port)) as connection,
            pytest.raises(ForwardRefusedError, match="Connection refused"),
        ):
            connection.open_tcp("127.0.0.1", free_port(), timeout_seconds=5)
        with running(tmp_path / "strict", key, "AllowTcpForwarding no") as strict:
            operator.trust(strict.known_line)
            with (
                operator.connected(operator.target(strict.port)) as connection,
                pytest.raises(ForwardRefusedError, match="AllowTcpForwarding"),
            ):
                connection.open_tcp("127.0.0.1", strict.port, timeout_seconds=5)
