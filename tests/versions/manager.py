"""What lies in ~/.dtdeploy of a manager: a release, as the shipping script puts it there."""

import os
import shutil
import subprocess
from pathlib import Path

from orchestrator.fleet.unit import Revision, Unit
from orchestrator.sources.model import Release, ReleaseFile
from orchestrator.sources.release import digest_of, name_of
from orchestrator.swarm.release_shipping import archive, script

FOLDER = "manager"
_FILES = (
    ReleaseFile(path="app.yaml", content=b"services: {web: {image: 'app:1'}}\n"),
    ReleaseFile(path="conf/some settings", content=b"a=b\n"),
    ReleaseFile(path="conf/start.sh", content=b"#!/bin/sh\n", executable=True),
)
_UNIT, _REVISION = Unit(stack="app", site="home"), Revision("app", "a" * 40)
_DIGEST = digest_of(_FILES)
RELEASE = Release(
    unit=_UNIT,
    revision=_REVISION,
    name=name_of(_UNIT, _REVISION, _DIGEST),
    digest=_DIGEST,
    compose="app.yaml",
    files=_FILES,
)


def ship(home: Path) -> str:
    """Bring the release to a manager whose home is that folder, and return what that says."""
    tar, digest = archive(RELEASE)
    done = subprocess.run(
        ["sh", "-c", script(RELEASE, digest)],
        input=tar,
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def write(home: Path) -> None:
    """Ship the release to a manager that holds nothing."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    assert ship(home) == "shipped"


def lies_there(home: Path) -> dict[str, tuple[bytes, bool]]:
    """Return each file below a manager's home: its bytes, and whether it can be run."""
    return {
        str(path.relative_to(home)): (path.read_bytes(), bool(path.stat().st_mode & 0o100))
        for path in home.rglob("*")
        if path.is_file()
    }
