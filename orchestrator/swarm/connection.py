"""One SSH connection to one manager: everything that goes over the fleet's network starts here."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import paramiko
import structlog

from orchestrator.errors import FleetError, Problem
from orchestrator.swarm import dtdeploy_look, problems
from orchestrator.swarm.handshake import Hops
from orchestrator.swarm.problems import LookOnlyError, LostAnswerError
from orchestrator.swarm.remote_command import (
    Clock,
    CommandResult,
    Conversation,
    Question,
    limited,
    over_stdin,
    remote_line,
)
from orchestrator.swarm.ssh_config import Target

_GRACE_SECONDS = 10.0
"""How much longer than the remote `timeout` may take we wait for its answer."""
_LIFE_SECONDS = 5.0
_BEGIN_FACTOR = 3.0
"""So many times as long as to connect, 30 s, sshd may take to say that it has begun a command."""
_COMMANDS_AT_ONCE = 3
"""With three channels for the Engine API: 6 of the 10 sessions sshd grants (MaxSessions)."""

log = structlog.get_logger()


class SshConnection:
    """An authenticated connection to a manager. Thread-safe; open it with `connect`."""

    looks_only = False
    """Whether the login may only look, as far as it has said so by now."""

    def __init__(self, site: str, target: Target, hops: Hops, clock: Clock) -> None:
        self.site = site
        self.target = target
        self._hops = hops
        self._clock = clock
        self._slots = threading.BoundedSemaphore(_COMMANDS_AT_ONCE)
        self._log = log.bind(site=site)

    @property
    def alive(self) -> bool:
        """Whether the connection stands as far as anyone has noticed."""
        return self._hops.transport.is_active()

    def answers(self) -> bool:
        """Ask sshd for a sign of life; without one the connection is ended.

        Tells a dead link from a daemon that hangs.
        """
        seconds = min(_LIFE_SECONDS, self.target.connect_timeout_seconds)
        try:
            self._hops.transport.open_session(timeout=seconds).close()
        except paramiko.ChannelException:
            return True
        except (OSError, EOFError, paramiko.SSHException):
            self.close()
            return False
        return True

    def close(self) -> None:
        """End the connection and all that runs over it."""
        self._hops.close()

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        deadline_seconds: float,
        not_after: float | None = None,
    ) -> CommandResult:
        """Run a command on the manager and wait for its end.

        Args:
            argv: the command's words; quoted here, once.
            stdin: given to the command, then closed.
            deadline_seconds: after it the command is ended there (`timeout -k 5`); a little
                later we stop waiting for word of it.
            not_after: past this moment (our clock) neither the command is sent nor, to one that
                had to be waited for, its stdin: for commands that do nothing without it.

        Raises:
            FleetError: it was certainly not started; LookOnlyError: since this login may only look.
            LateError: `not_after` was past.
            LostAnswerError: it was sent, and no answer came.

        """
        line = remote_line(limited(argv, deadline_seconds))
        return self._said(line, stdin, deadline_seconds=deadline_seconds, not_after=not_after)

    def _said(
        self, line: str, stdin: bytes, *, deadline_seconds: float, not_after: float | None = None
    ) -> CommandResult:
        if not self._slots.acquire(timeout=deadline_seconds):
            raise FleetError(problems.busy(self.site, "all sessions of ours are in use"))
        try:
            ends = self._clock() + deadline_seconds + _GRACE_SECONDS
            with self._session() as channel, self._bounded(channel, ends):
                conversation = Conversation(channel, self._begin, self._clock, ends, not_after)
                result = self._converse(conversation, line, stdin)
        finally:
            self._slots.release()
        if result.rc == dtdeploy_look.REFUSED and dtdeploy_look.MARK in result.stdout:
            self.looks_only = True
            words = result.stderr.decode(errors="replace").strip()
            raise LookOnlyError(problems.look_only(self.site, words))
        return result

    def run_script(
        self,
        script: str,
        *,
        stdin: bytes = b"",
        deadline_seconds: float,
        not_after: float | None = None,
    ) -> CommandResult:
        """Run a POSIX sh script on the manager; `stdin` is left for its commands.

        It shows in no process list. Arguments and errors as `run`.
        """
        argv, text = over_stdin(script)
        return self.run(
            argv, stdin=text + stdin, deadline_seconds=deadline_seconds, not_after=not_after
        )

    def read(self, question: Question, *, deadline_seconds: float) -> CommandResult:
        """Ask the manager something that changes nothing.

        Raises:
            FleetError: the site is not there to ask; that is all that a lost answer means here.
                LookOnlyError: this login may not ask that.

        """
        try:
            return self._read(question, deadline_seconds)
        except LostAnswerError as error:
            what = error.problems[0].what
            raise FleetError(problems.unreachable(self.site, what, str(error))) from error

    def _read(self, question: Question, deadline_seconds: float) -> CommandResult:
        if not self.looks_only:
            try:
                return self.run_script(question.script, deadline_seconds=deadline_seconds)
            except LookOnlyError:
                pass
        return self.look(question.name, deadline_seconds=deadline_seconds)

    def look(self, words: str, *, deadline_seconds: float) -> CommandResult:
        """Ask a login that may only look; arguments and errors as `run`."""
        line = f"{dtdeploy_look.NAME} {words}"
        return self._said(line, b"", deadline_seconds=deadline_seconds)

    def _converse(self, conversation: Conversation, line: str, stdin: bytes) -> CommandResult:
        self._log.debug("ssh.run", bytes=len(stdin))
        try:
            return conversation.hold(line, stdin)
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise self._lost(error) from error

    def _lost(self, cause: Exception) -> LostAnswerError:
        said = str(cause) or type(cause).__name__
        what = f"the answer of a command on {self.target.name} was lost"
        return LostAnswerError(problems.answer_lost(self.site, what, said))

    def open_dial_stdio(self) -> paramiko.Channel:
        """Return a channel to the Docker daemon's API, through `docker system dial-stdio`.

        The stream begins with BEGIN. dial-stdio exists since Docker 18.09 and honours
        DOCKER_HOST and contexts; a `direct-streamlocal@openssh.com` channel would open
        faster (10 ms instead of 67), but paramiko has no public call for it and the path of
        the socket would have to be guessed.

        Raises:
            FleetError: no session could be opened.

        """
        channel = self._open_session()
        try:
            self._begin(channel, remote_line(["docker", "system", "dial-stdio"]))
        except (OSError, EOFError, paramiko.SSHException) as error:
            close_channel(channel)
            raise FleetError(self._gone(error)) from error
        return channel

    def sessions(self, most: int) -> int:
        """Open up to `most` sessions at once, beside those in use, and close them again.

        Returns how many sshd granted (FleetError when the connection is lost).
        """
        opened: list[paramiko.Channel] = []
        try:
            while len(opened) < most:
                opened.append(self._open_session())
        except FleetError:
            if not self.alive:
                raise
        finally:
            for channel in opened:
                close_channel(channel)
        return len(opened)

    def open_tcp(self, host: str, port: int, *, timeout_seconds: float) -> paramiko.Channel:
        """Return a channel to host:port as seen from the manager (direct-tcpip).

        Raises:
            ForwardRefusedError: the manager could not, or would not, connect to it.
            FleetError: the connection to the manager itself is gone.

        """
        try:
            return self._hops.transport.open_channel(
                "direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout_seconds
            )
        except paramiko.ChannelException as error:
            raise ForwardRefusedError(error.code, self._hops.last_refusal) from error
        except (OSError, EOFError, paramiko.SSHException) as error:
            if self.alive and "Timeout" in str(error):
                raise ForwardRefusedError(0, f"no answer in {timeout_seconds:g} s") from error
            raise FleetError(self._gone(error)) from error

    @contextmanager
    def _session(self) -> Iterator[paramiko.Channel]:
        channel = self._open_session()
        try:
            yield channel
        finally:
            close_channel(channel)

    def _open_session(self) -> paramiko.Channel:
        try:
            return self._hops.transport.open_session(timeout=self.target.connect_timeout_seconds)
        except paramiko.ChannelException as error:
            raise FleetError(problems.busy(self.site, self._hops.last_refusal)) from error
        except (OSError, EOFError, paramiko.SSHException) as error:
            # Nothing answered on a connection that seemed to stand: it does not.
            self.close()
            raise FleetError(self._gone(error)) from error

    def _begin(self, channel: paramiko.Channel, line: str) -> None:
        """Let sshd begin a command; `Conversation` says what it raises."""
        seconds = _BEGIN_FACTOR * self.target.connect_timeout_seconds
        with self._bounded(channel, self._clock() + seconds):
            channel.exec_command(line)

    def _gone(self, error: Exception) -> Problem:
        said = str(error) or type(error).__name__
        return problems.unreachable(
            self.site, f"the connection to {self.target.name} is lost", said
        )

    @contextmanager
    def _bounded(self, channel: paramiko.Channel, ends: float) -> Iterator[None]:
        """End the whole connection if the block outlasts `ends` by far.

        paramiko waits for the answer to a channel request without any deadline
        (Channel._wait_for_event), and for a full TCP buffer likewise. Whoever asks in the moment
        that the connection ends may clear the event that would have told him (_event_pending);
        a second close() does nothing then, so the event is set here.
        """

        def give_up() -> None:
            self.close()
            channel.event.set()

        watchdog = threading.Timer(max(ends - self._clock(), 0.0) + 2.0, give_up)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()


def close_channel(channel: paramiko.Channel) -> None:
    """Close a channel; on a connection that has ended there is nobody to be told.

    To say so is a write as well, and fails as one (paramiko Packetizer.write_all).
    """
    with suppress(OSError, EOFError, paramiko.SSHException):
        channel.close()


class ForwardRefusedError(Exception):
    """A connection from the manager onwards failed; `words` tells why, in sshd's terms.

    `code` is SSH's (RFC 4254 5.1): 1 administratively prohibited, 2 connect failed; 0 when
    no answer came.
    """

    def __init__(self, code: int, said: str) -> None:
        self.code = code
        prohibited = code == 1
        cause = "sshd there forbids TCP forwarding (AllowTcpForwarding)" if prohibited else said
        self.words = cause or "connect failed"
        super().__init__(self.words)
