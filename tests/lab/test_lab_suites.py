"""Trees of other Debian suites, made by a stand-in for debootstrap."""

from pathlib import Path

import pytest

from lab import suites
from lab.errors import LabError

MIRROR = "http://mirror.example/debian/"
STAND_INS = {
    "apt-get": f"echo {MIRROR}",
    # What comes after its own options begins with a path.
    "unshare": 'until [ -x "$1" ]; do shift; done; exec "$@"',
    "chroot": "echo Docker version 26.1.5, build 1",
    "debootstrap": """
echo "$*" >> {folder}/asked
shift 3
mkdir -p "$1/var/lib/dpkg" && touch "$1/var/lib/dpkg/status"
echo W: not this
if [ -e {folder}/broken ]; then echo E: no such suite; exit 1; fi
""",
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in STAND_INS.items():
        script = programs / name
        script.write_text("#!/bin/sh\n" + text.replace("{folder}", str(tmp_path)))
        script.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    return tmp_path / "cache"


def test_a_tree_is_made_once_from_where_apt_has_debian(cache: Path) -> None:
    tree = suites.provide("26", cache)
    assert str(tree).startswith("engine 26: Docker 26.1.5 of Debian trixie at 2")
    assert suites.provide("26", cache).path == tree.path
    (asked,) = (cache.parent / "asked").read_text().splitlines()
    assert asked.split()[2] == "trixie"
    assert asked.endswith(MIRROR)
    assert tree.path.stat().st_mode & 0o777 == 0o755


def test_one_that_fails_leaves_nothing_and_the_next_can_be_made(cache: Path) -> None:
    (cache.parent / "broken").touch()
    with pytest.raises(LabError, match="trixie failed with 1: E: no such suite"):
        suites.provide("26", cache)
    assert [path.name for path in cache.iterdir()] == ["lock"]
    (cache.parent / "broken").unlink()
    assert suites.provide("26", cache).path.is_dir()


def test_what_a_killed_run_left_is_removed(cache: Path) -> None:
    left = cache / ".half.new" / "usr"
    left.mkdir(parents=True)
    tree = suites.provide("26", cache)
    assert sorted(path.name for path in cache.iterdir()) == ["lock", tree.path.name]


def test_a_suite_that_has_moved_on_is_not_taken_for_what_it_was(cache: Path) -> None:
    tree = suites.provide("28", cache)
    with pytest.raises(LabError, match=r"sid has Docker 26.1.5 by now, no 28"):
        str(tree)
