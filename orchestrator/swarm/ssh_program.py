"""OpenSSH's own reading of the operator's configuration: what applies to a host."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from orchestrator.sources.child import Cut, end_family, heard

Options = Mapping[str, tuple[str, ...]]
"""By name in small letters, the values in their order: `ssh -G` says every option there is."""
_SECONDS = 10.0
"""A `Match exec` is a command of the operator's, and may hang."""
_MOST_BYTES = 1_000_000


class SshProgram:
    """Asks the ssh program, once for each way to a host.

    It alone knows what its version understands: Match, Include, tokens, units, the files of the
    machine and of the user (ssh_config(5)).
    """

    def __init__(self, config: Path | None = None) -> None:
        """Ask nothing yet.

        Args:
            config: the one file to read, none if it is not there; without it ssh reads the user's
                and the machine's, as it always does.

        """
        self._config = config
        self._said: dict[tuple[str, ...], Options] = {}

    def options(self, name: str, user: str = "", port: int = 0) -> Options:
        """Return what ssh would do for `ssh -l user -p port name`.

        Raises:
            ValueError: ssh cannot use its configuration, in its words; or there is no ssh, or it
                took too long.

        """
        words: list[str] = []
        if self._config is not None:
            words += ["-F", str(self._config) if self._config.is_file() else "none"]
        words += ["-l", user] if user else []
        words += ["-p", str(port)] if port else []
        return self._asked((*words, "--", name))

    def usual(self) -> Options:
        """Return what ssh does where nothing is said."""
        return self._asked(("-F", "none", "--", "localhost"))

    def _asked(self, words: tuple[str, ...]) -> Options:
        if words not in self._said:
            self._said[words] = _options(_output(words))
        return self._said[words]


def _output(words: tuple[str, ...]) -> str:
    try:
        process = subprocess.Popen(  # noqa: S603 - names come from the inventory, behind `--`
            ["ssh", "-T", "-G", *words],  # noqa: S607 - the operator's own
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        raise ValueError("ssh is not installed here: apt-get install openssh-client") from None
    ran = heard(process, seconds=_SECONDS, most_bytes=_MOST_BYTES, end=end_family)
    if ran.cut is Cut.LATE:
        what = f"ssh -G did not answer within {_SECONDS:g} s: a `Match exec` that hangs?"
        raise ValueError(what)
    if ran.cut is Cut.LONG:
        raise ValueError(f"ssh -G wrote more than {_MOST_BYTES} bytes")
    if ran.status:
        words_of_it = ran.err.decode(errors="replace").splitlines()
        said = [line.strip() for line in words_of_it if line.strip()]
        raise ValueError(" / ".join(said[:3]))
    return ran.out.decode(errors="replace")


def _options(text: str) -> Options:
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        found[name.lower()] = (*found.get(name.lower(), ()), value.strip())
    return found
