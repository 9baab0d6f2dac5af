"""What scripts/build makes: the same bytes wherever it is made, and a true bill of materials."""

import importlib.metadata
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.lib.archives import sdist_again
from scripts.lib.sbom import libraries, licence_of

ROOT = Path(__file__).resolve().parents[2]
_VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Built:
    """What two machines built of one commit: the SHA-256 of each file, and the files of one."""

    here: dict[str, str]
    there: dict[str, str]
    folder: Path

    def file(self, ending: str) -> Path:
        (found,) = self.folder.glob(f"*{ending}")
        return found

    def bill(self) -> Any:
        return json.loads(self.file(".cdx.json").read_text("utf-8"))


def made(checkout: Path, out: Path, umask: int, **environment: str) -> dict[str, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "scripts.lib.build", checkout, out],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    lines = (line.split("  ") for line in ended.stdout.splitlines())
    return {Path(name).name: digest for digest, name in lines}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build HEAD here and in a clone that nearly everything is different for."""
    here, there = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("there")
    home = there / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[core]\nautocrlf = true\n[tar]\numask = 0077\n")
    (home / ".pydistutils.cfg").write_text("[egg_info]\ntag_build = .dev1\n")
    clone = there / "else where"
    subprocess.run(["git", "clone", "-q", "--shared", ROOT, clone], check=True)
    (clone / "orchestrator" / "not_committed.py").write_text("")
    for path in clone.rglob("*.md"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    return Built(
        here=made(ROOT, here / "dist", 0o022, HOME=str(Path.home()), TZ="UTC", LC_ALL="C"),
        there=made(
            clone,
            there / "dist",
            0o077,
            HOME=str(home),
            TZ="Pacific/Kiritimati",
            LC_ALL="en_CA.UTF-8",
            SOURCE_DATE_EPOCH="1",
            USER="somebody",
        ),
        folder=here / "dist",
    )


def test_two_machines_build_the_same_bytes(built: Built) -> None:
    assert len(built.here) == 3
    assert all(_SHA256.fullmatch(digest) for digest in built.here.values())
    assert built.here == built.there


def test_a_wheel_has_dtdeploy_alone(built: Built) -> None:
    with zipfile.ZipFile(built.file(".whl")) as wheel:
        names = wheel.namelist()
        assert wheel.testzip() is None
    folders = {name.split("/")[0] for name in names}
    version = importlib.metadata.version("dtdeploy")
    assert folders == {
        "orchestrator",
        f"dtdeploy-{version}.data",
        f"dtdeploy-{version}.dist-info",
    }
    tracked = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "HEAD", "orchestrator"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert sorted(name for name in names if name.startswith("orchestrator/")) == sorted(tracked)


def test_an_sdist_has_no_tests_and_can_be_read_by_anybody(built: Built) -> None:
    with tarfile.open(built.file(".tar.gz")) as sdist:
        members = sdist.getmembers()
    tops = {member.name.split("/")[1] for member in members}
    assert {"pyproject.toml", "PKG-INFO", "LICENSE", "orchestrator"} <= tops
    assert tops.isdisjoint({"tests", "lab", "scripts"})
    assert {member.mode for member in members} <= {0o644, 0o755}
    assert {(member.uid, member.gid, member.uname, member.gname) for member in members} == {
        (0, 0, "", "")
    }


def test_a_large_archive_is_still_one_that_gzip_reads() -> None:
    """A block of the stream holds 65,535 bytes; what has many is read back as a whole."""
    first = sdist_again(_tar({"a": b"x" * 65535 * 2, "b": b"y"}), seconds=7)
    assert sdist_again(first, seconds=7) == first


def _tar(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def test_the_bill_is_one_by_cyclonedxs_schema(built: Built) -> None:
    assert _VALIDATOR.validate_str(built.file(".cdx.json").read_text("utf-8")) is None


def test_the_schema_refuses_what_is_wrong(built: Built) -> None:
    bill = built.bill()
    bill["components"][0]["licences"] = bill["components"][0].pop("licenses")
    assert _VALIDATOR.validate_str(json.dumps(bill)) is not None
    bill = built.bill()
    bill["components"][0]["licenses"] = [{"license": {"id": "BSD License"}}]
    assert _VALIDATOR.validate_str(json.dumps(bill)) is not None


def test_the_bill_lists_what_pip_installs(built: Built) -> None:
    components = built.bill()["components"]
    listed = {each["name"]: each["version"] for each in components if each["scope"] == "required"}
    wanted = {name: importlib.metadata.version(name) for name in set(installed("dtdeploy"))}
    assert listed == wanted
    assert [each["name"] for each in components if each["scope"] == "excluded"] == ["setuptools"]


def installed(name: str) -> Iterator[str]:
    """Yield what an installation of a library brings with it, by the metadata of each."""
    for line in importlib.metadata.requires(name) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)
            yield from installed(requirement.name)


def test_the_bill_knows_who_asks_for_whom(built: Built) -> None:
    asked = {each["ref"]: each["dependsOn"] for each in built.bill()["dependencies"]}
    by_name = {ref.split("/")[1].split("@")[0]: ref for ref in asked}
    for name in ("dtdeploy", "paramiko", "requests"):
        direct = {
            canonicalize_name(each.name)
            for each in map(Requirement, importlib.metadata.requires(name) or ())
            if each.marker is None or each.marker.evaluate({"extra": ""})
        }
        assert {ref.split("/")[1].split("@")[0] for ref in asked[by_name[name]]} == direct, name


def test_the_bill_names_the_hashes_of_the_pins_and_of_the_archives(built: Built) -> None:
    bill = built.bill()
    archives = {
        each["url"]: each["hashes"][0]["content"]
        for each in bill["metadata"]["component"]["externalReferences"]
    }
    assert archives == {name: built.here[name] for name in archives}
    assert len(archives) == 2
    pins = (ROOT / "requirements" / "runtime.txt").read_text("utf-8")
    listed = [each["content"] for component in bill["components"] for each in component["hashes"]]
    assert listed == re.findall(r"sha256:([0-9a-f]{64})", pins)


def test_a_library_in_another_version_is_no_part_of_a_bill() -> None:
    pin = "click==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n    # via somebody\n"
    with pytest.raises(SystemExit, match=r"click is pinned at 1\.0, but .* is installed"):
        libraries(pin)


def test_a_licence_that_nobody_can_tell_is_told() -> None:
    with pytest.raises(SystemExit, match="look it up and add it to _LOOKED_UP"):
        licence_of("args")
