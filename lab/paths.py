"""Where the lab keeps its things: one folder, `/var/lib/dtdeploy-lab` unless told otherwise."""

import hashlib
import os
from pathlib import Path

from lab.errors import LabError

DEFAULT = Path("/var/lib/dtdeploy-lab")
VARIABLE = "DTDEPLOY_LAB_DIR"

# Every host has its own /run and /root, so a folder below one of them would vanish inside.
_HIDDEN_INSIDE = (Path("/run"), Path("/root"), Path("/var/run"), Path("/proc"), Path("/sys"))


def folder() -> Path:
    """Locate the lab's folder."""
    chosen = Path(os.environ.get(VARIABLE) or DEFAULT).absolute()
    for hidden in _HIDDEN_INSIDE:
        if chosen.is_relative_to(hidden):
            message = (
                f"{VARIABLE}={chosen} cannot be below {hidden}: the lab's hosts have their own"
            )
            raise LabError(message)
    return chosen


def label() -> str:
    """Name the lab for what is machine-wide: network namespaces and cgroups."""
    chosen = folder()
    if chosen == DEFAULT:
        return "dtlab"
    return f"dtlab.{hashlib.sha256(str(chosen).encode()).hexdigest()[:8]}"


def host_folder(name: str) -> Path:
    """Locate what belongs to one host: home, docker data, sshd and dockerd configuration, logs."""
    return folder() / "hosts" / name


def witness_folder() -> Path:
    """Where the recorders write."""
    return folder() / "witness"


def checkout() -> Path:
    """Locate the folder that holds the `lab` package, for running its helpers with `-m`."""
    return Path(__file__).resolve().parent.parent
