"""The Debian packages that the lab is made of."""

import shutil
from pathlib import Path

from lab.errors import LabError

# One program that proves each package; PostgreSQL's live outside PATH.
PROGRAMS = {
    "docker.io": "dockerd",
    "containerd": "containerd",
    "runc": "runc",
    "openssh-server": "sshd",
    "openssh-client": "ssh-keygen",
    "iproute2": "ip",
    "iptables": "iptables",
    "docker-registry": "docker-registry",
    "busybox-static": "busybox",
    "apache2-utils": "htpasswd",
    "postgresql": "initdb",
    "git": "git",
    "curl": "curl",
    "util-linux": "nsenter",
    "debootstrap": "debootstrap",
}
ADMIN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def names() -> list[str]:
    """Every package to hand to apt-get."""
    return list(PROGRAMS)


def program(name: str) -> str:
    """Give the full path of a program, also where the user's PATH has no sbin."""
    found = _find(name)
    if found is None:
        message = f"{name} is not installed: {_advice([name])}"
        raise LabError(message)
    return found


def require() -> None:
    """Complain once about everything that is missing."""
    missing = [package for package, name in PROGRAMS.items() if _find(name) is None]
    if missing:
        raise LabError(_advice(missing))


def _find(name: str) -> str | None:
    if found := shutil.which(name) or shutil.which(name, path=ADMIN_PATH):
        return found
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(versions[-1]) if versions else None


def _advice(missing: list[str]) -> str:
    listed = " ".join(missing)
    return f"missing: {listed}; apt-get install --no-install-recommends {listed}"
