"""A command on a manager: how its line is made, and how its streams are read to their end."""

import shlex
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import paramiko

from orchestrator.swarm import lateness

Clock = Callable[[], float]

BEGIN = b"==dtdeploy-begins==\n"
"""Printed before a command's own output: what a login script prints comes before it."""
KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
)
"""What a script keeps of the login's environment: where Docker's command and its daemon are, and
who asks. Nothing else, for Docker takes from there whatever a compose file names: a TAG in
/etc/environment, a proxy, a time zone."""
_KEPT = " ".join(f'${{{name}+"{name}=${name}"}}' for name in KEPT_VARIABLES)
_CLEANED = f'exec env -i {_KEPT} sh -c "$1"'
_KILL_AFTER_SECONDS = 5
_CHUNK = 65536
_LEAST_SECONDS = 0.05
_MOST_BYTES = 64 * 1024 * 1024
"""Of what a command writes to one stream; what it writes after that is read and dropped."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that a manager is asked, and that changes nothing.

    `script` is POSIX sh that answers it; `name` is what a login that may only look is asked
    instead: such a login runs no text.
    """

    name: str
    script: str


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a remote command left. rc 124 or 137: the remote `timeout` ended it."""

    rc: int
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)

    @property
    def timed_out(self) -> bool:
        """Whether the deadline ended the command (coreutils timeout(1))."""
        return self.rc in (124, 137)

    @property
    def words(self) -> str:
        """Both streams as text, for people."""
        both = self.stderr + b"\n" + self.stdout
        return both.decode(errors="replace").strip()


def remote_line(argv: Sequence[str]) -> str:
    """Return the line for the login shell: the marker, then the command.

    `exec` leaves no shell behind, and works alike in sh, bash, zsh, csh and fish.
    """
    mark = shlex.quote(BEGIN.decode().strip() + r"\n")
    return f"printf {mark}; exec {shlex.join(argv)}"


def limited(argv: Sequence[str], seconds: float) -> list[str]:
    """Return `argv` wrapped so that it ends by itself: it would outlive our connection.

    The shell around it turns a death by signal into an exit code: `timeout -k` kills itself
    along with its command, and paramiko does not tell of SSH's exit-signal.
    """
    limit = ("timeout", "-k", str(_KILL_AFTER_SECONDS), f"{seconds:.0f}")
    return ["sh", "-c", '"$@"; exit "$?"', "sh", *limit, *argv]


def over_stdin(script: str) -> tuple[list[str], bytes]:
    """Return a command, and the start of its stdin: the script that it reads there and runs.

    dd reads byte by byte, so that not one too many is taken; the script passes through any login
    shell. Within braces, the start of a script whose rest was lost on the way is no command.
    Of the login's environment it sees KEPT_VARIABLES.
    """
    text = f"{{\n{script}\n}}".encode()
    reading = f'eval "$(dd bs=1 count={len(text)} 2>/dev/null)"'
    return ["sh", "-c", _CLEANED, "sh", reading], text


class Conversation:
    """One command on a channel, from its line to its exit code, all of it by one deadline."""

    def __init__(
        self,
        channel: paramiko.Channel,
        begin: Callable[[paramiko.Channel, str], None],
        clock: Clock,
        ends: float,
        not_after: float | None = None,
    ) -> None:
        self._channel = channel
        self._begin = begin
        self._clock = clock
        self._ends = ends
        self._not_after = not_after
        self._errors: list[bytes] = []

    def hold(self, line: str, stdin: bytes) -> CommandResult:
        """Run `line`, give it `stdin`, and return what it left.

        Both streams are read side by side: a full window would stop the command.

        Raises:
            LateError: `not_after` was past before `line`, or before `stdin`, was sent.
            TimeoutError, OSError, EOFError, SSHException: no telling what became of it.

        """
        self._remaining()
        lateness.check(self._clock, self._not_after)
        self._begin(self._channel, line)  # waits for word that it was begun
        lateness.check(self._clock, self._not_after)
        reader = threading.Thread(target=self._read_errors, daemon=True)
        reader.start()
        self._give(stdin)
        stdout = b"".join(_first(self._chunks(self._channel.recv)))
        reader.join(self._remaining())
        if not self._channel.status_event.wait(self._remaining()):
            raise TimeoutError("no exit status came")
        if self._channel.exit_status < 0:
            raise EOFError("the command ended without an exit status")
        return CommandResult(self._channel.exit_status, _clean(stdout), b"".join(self._errors))

    def _give(self, stdin: bytes) -> None:
        try:
            self._channel.sendall(stdin)
            self._channel.shutdown_write()
        except TimeoutError:
            raise
        except OSError:
            # It has ended without reading everything; its exit code and words say why.
            return

    def _read_errors(self) -> None:
        try:
            for chunk in _first(self._chunks(self._channel.recv_stderr)):
                self._errors.append(chunk)
        except OSError:
            return

    def _chunks(self, read: Callable[[int], bytes]) -> Iterator[bytes]:
        self._remaining()
        while chunk := read(_CHUNK):
            yield chunk
            self._remaining()

    def _remaining(self) -> float:
        """Return how many seconds are left, and let the channel wait no longer."""
        seconds = max(self._ends - self._clock(), _LEAST_SECONDS)
        self._channel.settimeout(seconds)
        return seconds


def _first(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what comes first of `chunks`, at most _MOST_BYTES; the rest is drawn and dropped."""
    left = _MOST_BYTES
    for chunk in chunks:
        if left:
            yield chunk[:left]
        left -= min(left, len(chunk))


def _clean(output: bytes) -> bytes:
    """Return what came after the marker; all of it if the shell never got that far."""
    before, mark, after = output.partition(BEGIN)
    return after if mark else before
