"""Docker engines of other Debian suites than the machine's: a tree of files each.

A tree is made by debootstrap, once for all labs of the machine, and kept. On a lab's host
dockerd runs in a mount namespace whose root is the tree, and a small script that enters it takes
the place of the docker command.
"""

import datetime as dt
import fcntl
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lab import packages
from lab.errors import LabError

ENGINES = {"26": "trixie", "28": "sid"}
"""Which suite has Docker of that major version."""
CACHE = Path("/var/cache/dtdeploy-lab")
_PACKAGES = "ca-certificates,iptables,iproute2,docker.io,docker-cli"
_MAKING_SECONDS = 600
_SECONDS = 30
_VERSION = re.compile(r"version ((\d+)[^ ,]*)")
# What a host and its engine have in common; /root and /tmp hold what docker's command reads.
_SHARED = (
    *("proc", "sys", "dev", "run", "root", "tmp", "var/lib/docker"),
    *("etc/hosts", "etc/resolv.conf"),
)
_NAMESPACE = "/run/engine"
WORDS = ["nsenter", f"--mount={_NAMESPACE}"]
"""What a command of the tree's begins with on a host."""
DOCKER_COMMAND = f"""\
#!/bin/sh
exec {" ".join(WORDS)} --wdns="$PWD" docker "$@"
"""
"""The docker command of a host."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a suite that is there."""

    engine: str
    cache: Path = CACHE

    @property
    def path(self) -> Path:
        """Locate its root."""
        return self.cache / ENGINES[self.engine]

    def namespace(self, *folders: Path) -> str:
        """Give the bash commands by which a host gets a mount namespace whose root is the tree.

        It sees these folders, and what a host and its engine have in common. Not chroot: the
        root of a container's namespace would still be the host's, where `docker exec` and health
        checks then look for their programs.
        """
        root = shlex.quote(str(self.path))
        steps = ["set -e", f"mount --bind {root} {root}", f"cd {root}"]
        steps += ["mkdir -p var/lib/docker", "touch etc/resolv.conf"]
        for folder in map(shlex.quote, map(str, folders)):
            steps += [f"mkdir -p .{folder}", f"mount --rbind {folder} .{folder}"]
        steps += [f"mount --rbind /{path} {path}" for path in _SHARED]
        # A process keeps the namespace: a file on which it is bound is refused now and then, since
        # newer kernels (6.18) do not number namespaces in the order in which they are made.
        steps += ["pivot_root . mnt", "umount --lazy /mnt", "echo $$", "exec sleep infinity >&-"]
        made = f"unshare --mount --propagation private sh -c {shlex.quote(chr(10).join(steps))}"
        return f"read -r keeper < <({made})\nln -s /proc/$keeper/ns/mnt {_NAMESPACE}"

    def __str__(self) -> str:
        """Say which version it is, of which suite, and of which day."""
        made = (self.path / "var/lib/dpkg/status").stat().st_mtime
        day = dt.datetime.fromtimestamp(made, dt.UTC).date()
        return f"engine {self.engine}: Docker {self.version()} of Debian {self.path.name} at {day}"

    def version(self) -> str:
        """Ask its dockerd for its version."""
        done = subprocess.run(
            [packages.program("chroot"), str(self.path), "dockerd", "--version"],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        found = _VERSION.search(done.stdout)
        if found is None:
            raise LabError(f"{self.path} holds no dockerd that runs: {done.stderr.strip()}")
        if found[2] != self.engine:
            raise LabError(
                f"Debian {self.path.name} has Docker {found[1]} by now, no {self.engine}: "
                f"see ENGINES in {Path(__file__).name}"
            )
        return found[1]


def provide(engine: str, cache: Path = CACHE) -> Tree:
    """Give the tree of an engine, made now where it is not there yet.

    Raises:
        LabError: the suite cannot be had here, and why.

    """
    tree = Tree(engine, cache)
    with _locked(cache) as lock:
        if not tree.path.exists():
            _make(tree, lock)
    return tree


def _make(tree: Tree, lock: IO[str]) -> None:
    for left in tree.cache.glob(".*.new"):
        shutil.rmtree(left)
    mirror = _mirror()
    draft = Path(tempfile.mkdtemp(prefix=".", suffix=".new", dir=tree.cache))
    draft.chmod(0o755)
    try:
        _debootstrap(tree.path.name, draft, mirror, lock)
    except LabError:
        shutil.rmtree(draft)
        raise
    draft.rename(tree.path)


def _debootstrap(suite: str, folder: Path, mirror: str, lock: IO[str]) -> None:
    # In namespaces of its own, so that neither its mounts nor its processes can be left.
    alone = ["unshare", "--mount", "--propagation", "private"]
    alone += ["--pid", "--fork", "--kill-child", "--mount-proc"]
    make = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", suite, str(folder)]
    try:
        done = subprocess.run(
            [packages.program(alone[0]), *alone[1:], packages.program(make[0]), *make[1:], mirror],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PATH": packages.ADMIN_PATH, "LC_ALL": "C.UTF-8"},
            timeout=_MAKING_SECONDS,
            # It holds the lock even where whoever started it is killed.
            pass_fds=[lock.fileno()],
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"debootstrap of Debian {suite} was not done after {_MAKING_SECONDS} s"
        raise LabError(message) from error
    if done.returncode:
        last = " ".join(done.stdout.strip().splitlines()[-1:])
        raise LabError(f"debootstrap of Debian {suite} failed with {done.returncode}: {last}")


def _mirror() -> str:
    """Read where apt has Debian from."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    filters = ["Origin: Debian", "Label: Debian", "Identifier: Packages"]
    done = subprocess.run(
        [packages.program(asked[0]), *asked[1:], *filters],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if not done.stdout.strip():
        raise LabError("apt knows no Debian archive here: apt-get update")
    return done.stdout.split()[0]


@contextmanager
def _locked(cache: Path) -> Iterator[IO[str]]:
    """One at a time; the others wait and find what it made."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
