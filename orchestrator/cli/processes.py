"""What this machine knows of one of its processes."""

import os
from pathlib import Path


def is_dtdeploy(pid: int) -> bool:
    """Whether process `pid` runs and is a dtdeploy, not something that got its number since.

    Where nobody can tell it counts as running: then it is watched for signs of life instead. A
    process that was killed and not yet waited for has no command line (proc(5)).
    """
    if pid <= 0 or pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        # It exists, and is somebody else's.
        pass
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True
    return b"dtdeploy" in words or b"orchestrator" in words
