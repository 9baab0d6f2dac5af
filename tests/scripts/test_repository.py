"""What must hold for every file that is tracked, so that the checkout works anywhere."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Put together here, for this file is tracked too.
_INDEX_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
    )
)
_INDEX_OPTIONS = re.compile(
    r"^\s*(--(extra-)?index-url|--find-links|--trusted-host|-i|-f)\b", re.MULTILINE
)


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def holding(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in tracked()
        if (found := pattern.search(path.read_text(encoding="utf-8", errors="replace")))
    ]


def test_no_file_names_the_host_of_a_package_index() -> None:
    pattern = re.compile("|".join(re.escape(host) for host in _INDEX_HOSTS), re.IGNORECASE)
    assert pattern.search("https://" + _INDEX_HOSTS[0] + "/simple")
    assert holding(pattern) == []


def test_no_file_holds_a_path_of_the_machine_it_was_written_on() -> None:
    places = {ROOT, Path.home()} - {Path("/root"), Path("/")}
    pattern = re.compile("|".join(rf"{re.escape(str(place))}(?![\w-])" for place in places))
    assert pattern.search(f"cd {ROOT}/tests")
    assert holding(pattern) == []


def test_no_pin_says_where_to_install_from() -> None:
    for path in (ROOT / "requirements").iterdir():
        assert not _INDEX_OPTIONS.search(path.read_text(encoding="utf-8")), path.name


def test_what_is_to_be_started_can_be() -> None:
    for name in ("scripts/build", "scripts/try", "scripts/test", "scripts/requirements", ".ci/run"):
        assert os.access(ROOT / name, os.X_OK), name
