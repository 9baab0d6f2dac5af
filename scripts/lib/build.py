"""Build an sdist, a wheel and a bill of materials of a checkout's commit: scripts/build.

Give the checkout and the folder to write to, then the commit if it is not HEAD.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

from scripts.lib.archives import sdist_again, wheel_again
from scripts.lib.sbom import bill, libraries

_MAKE = "import sys; from setuptools import build_meta as made; made.build_{kind}(sys.argv[1])"
# What somebody's own git would change in the files of a commit.
_AS_COMMITTED = ("-c", "core.autocrlf=false", "-c", "core.eol=lf", "-c", "tar.umask=0022")


def build(checkout: Path, commit: str, out: Path) -> dict[str, str]:
    """Write all that is built into a folder, and return the SHA-256 of each file by its name.

    Of the checkout only what is committed counts, and of the machine only its Python and the
    libraries that are installed, which are pinned.
    """
    seconds = int(_git(checkout, "show", "--no-patch", "--format=%ct", commit))
    with tempfile.TemporaryDirectory() as scratch:
        tree = _unpacked(_git(checkout, *_AS_COMMITTED, "archive", commit), Path(scratch, "commit"))
        name, data = _made("sdist", tree, scratch, seconds)
        files = {name: sdist_again(data, seconds=seconds)}
        # Whoever builds from the sdist gets this wheel.
        (unpacked,) = _unpacked(files[name], Path(scratch, "sdist")).iterdir()
        name, data = _made("wheel", unpacked, scratch, seconds)
        files[name] = wheel_again(data, seconds=seconds)
        version = tomllib.loads((tree / "pyproject.toml").read_text("utf-8"))["project"]["version"]
        pins = (tree / "requirements" / "runtime.txt").read_text("utf-8")
    built = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    made_of = bill(version, libraries(pins), built=built, seconds=seconds)
    text = json.dumps(made_of, indent=2) + "\n"
    files[f"dtdeploy-{version}.cdx.json"] = text.encode()
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def _git(checkout: Path, *words: str) -> bytes:
    return subprocess.run(("git", "-C", checkout, *words), capture_output=True, check=True).stdout  # noqa: S603, S607 - git, and words of ours


def _unpacked(archive: bytes, folder: Path) -> Path:
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


def _made(kind: str, tree: Path, scratch: str, seconds: int) -> tuple[str, bytes]:
    """Return what the build backend makes of a tree, in an environment that is always the same."""
    # setuptools reads ~/.pydistutils.cfg, and writes times, and sorts by the locale.
    environment = {
        "HOME": scratch,
        "LC_ALL": "C.UTF-8",
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": str(seconds),
        "TZ": "UTC",
    }
    out = Path(scratch, kind + "-made")
    out.mkdir()
    made = subprocess.run(  # noqa: S603 - this Python, with code of ours
        [sys.executable, "-s", "-c", _MAKE.format(kind=kind), out],
        cwd=tree,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode:
        raise SystemExit(f"the {kind} could not be built:\n{made.stdout}")
    (file,) = out.iterdir()
    return file.name, file.read_bytes()


def main(checkout: Path, out: Path, commit: str = "HEAD") -> None:
    """Build, and say what came of it as sha256sum would."""
    for name, digest in sorted(build(checkout, commit, out).items()):
        print(f"{digest}  {out / name}")
    if _git(checkout, "status", "--porcelain"):
        print("what is not committed is in none of them", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
