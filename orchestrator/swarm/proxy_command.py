"""A ProxyCommand: a program of the operator's that carries the connection (ssh_config(5))."""

import socket
import subprocess
import tempfile

_SECONDS_TO_END = 2.0
_MOST_BYTES = 65536


class ProxyCommand:
    """The running program; `stream` is its standard input and output.

    paramiko's own neither waits for its child nor closes its pipes.
    """

    def __init__(self, command: str) -> None:
        """Start `command` by the shell, as ssh does; OSError when there is no shell."""
        self.stream, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 closed in close()
        with theirs:
            # A session of its own: Ctrl-C at the terminal is dtdeploy's to handle.
            self._process = subprocess.Popen(  # noqa: S603 the operator's own configuration
                ["/bin/sh", "-c", f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._errors,
                start_new_session=True,
            )

    @property
    def words(self) -> str:
        """What the program has complained about so far; "" once it is closed."""
        if self._errors.closed:
            return ""
        self._errors.seek(0)
        return self._errors.read(_MOST_BYTES).decode(errors="replace").strip()

    def close(self) -> None:
        """End the program and wait for its end."""
        self.stream.close()
        self._process.terminate()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()
