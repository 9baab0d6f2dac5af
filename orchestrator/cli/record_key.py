"""The key that signs the locks of a fleet's runs, from the operator's environment."""

import os
import shlex
import stat
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from orchestrator.engine.provenance import KEY, KEY_FILE
from orchestrator.errors import ExitCode, Problem, UsageError, Where
from orchestrator.procedures.signature import SHORTEST, RecordKey

_LARGEST_BYTES = 4096
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def key_of(environment: Mapping[str, str]) -> RecordKey | None:
    """Return the key that the environment holds, or names the file of; None without one.

    Raises:
        UsageError: it is too short, both are set, or the file cannot be read, or others may.

    """
    text, path = environment.get(KEY, ""), environment.get(KEY_FILE, "")
    if text and path:
        raise _unusable(f"{KEY} and {KEY_FILE} are both set", f"unset {KEY}")
    if path:
        return _long_enough(_read(Path(path)), f"the key in {path}", path)
    return _long_enough(text, f"the key in {KEY}") if text else None


def _read(path: Path) -> str:
    try:
        # Not to hang on a pipe: what is no plain file is refused before it is read.
        with ExitStack() as opened:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            opened.callback(os.close, handle)
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise _unusable(f"{path}, which {KEY_FILE} names, is no file", _shown(path))
            if found.st_mode & _OTHERS:
                raise _unusable(
                    f"{path}, which {KEY_FILE} names, may be read or written by others",
                    shlex.join(("chmod", "600", str(path))),
                    str(path),
                )
            return os.read(handle, _LARGEST_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise _unusable(
            f"{path}, which {KEY_FILE} names, cannot be read: {why}", _shown(path), str(path)
        ) from error


def _shown(path: Path) -> str:
    return shlex.join(("ls", "-l", str(path)))


def _long_enough(text: str, which: str, path: str = "") -> RecordKey:
    if len(text) < SHORTEST:
        raise _unusable(
            f"{which} is shorter than {SHORTEST} characters",
            "openssl rand -hex 32   # makes a key; every operator of the fleet needs the same one",
            path,
        )
    return RecordKey(text.encode())


def _unusable(what: str, fix: str, path: str = "") -> UsageError:
    return UsageError(
        Problem(
            code="usage.record-key-unusable",
            what=what,
            exit_code=ExitCode.USAGE,
            where=Where(file=path),
            fix=fix,
            state_left="nothing was contacted",
            runbook="lock-held",
        )
    )
