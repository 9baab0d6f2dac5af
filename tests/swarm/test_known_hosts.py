import random
import re
import subprocess
import time
from pathlib import Path

import pytest
from paramiko.hostkeys import HostKeys

from orchestrator.swarm.known_hosts import UnreadableLineError, known_keys
from tests.swarm.sshd import make_key, public

SALT = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
"""20 bytes; a salt of chance would name the tests anew in each process."""


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> str:
    return " ".join(public(make_key(tmp_path_factory.mktemp("k") / "key")).split()[:2])


def found(tmp_path: Path, text: str, *names: str) -> int:
    (tmp_path / "known").write_text(text)
    return len(known_keys(names, [tmp_path / "none", tmp_path / "known"]))


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("aux.kko", "aux.kko", 1),
        ("AUX.kko", "aux.kko", 1),
        ("other,aux.kko", "aux.kko", 1),
        ("*.kko", "aux.kko", 1),
        ("a?x.kko", "aux.kko", 1),
        ("*.kko,!aux.kko", "aux.kko", 0),
        ("aux.kk", "aux.kko", 0),
        ("aux_kko", "aux.kko", 0),
        ("[aux.kko]:2222", "[aux.kko]:2222", 1),
        ("a", "[aux.kko]:2222", 0),
        (HostKeys.hash_host("aux.kko", SALT), "aux.kko", 1),
        (HostKeys.hash_host("aux.gbo", SALT), "aux.kko", 0),
    ],
)
def test_matches_names_as_openssh_does(
    tmp_path: Path, line: str, pattern: str, name: str, expected: int
) -> None:
    assert found(tmp_path, f"{pattern} {line} comment\n", name) == expected


def test_a_pattern_of_many_stars_takes_no_longer_than_others(tmp_path: Path, line: str) -> None:
    names = ["x" * 200]
    (tmp_path / "known").write_text(f"{'*x' * 50}*y {line}\n{'*' * 5000} {line}\n")
    began = time.process_time()
    assert len(known_keys(names, [tmp_path / "known"])) == 1
    assert time.process_time() - began < 1


def test_the_first_name_that_is_known_decides(tmp_path: Path, line: str) -> None:
    text = f"[kko]:22 {line}\nkko {line}\nkko {line}\n"
    assert found(tmp_path, text, "[kko]:22", "kko") == 1
    assert found(tmp_path, text, "[kko]:23", "kko") == 2


@pytest.mark.parametrize(
    "bad", ["", "# aux.kko x y", "aux.kko", "aux.kko ssh-ed25519 !!!!", "aux.kko new-type AAAA"]
)
def test_lines_that_say_nothing_are_passed_over(tmp_path: Path, line: str, bad: str) -> None:
    assert found(tmp_path, f"{bad}\n@cert-authority * {line}\naux.kko {line}\n", "aux.kko") == 1


@pytest.mark.parametrize("mark", ["@revoked ", "@revoked   ", "@revoked\t", " @revoked "])
def test_a_revoked_key_is_seen_however_the_mark_is_set_off(
    tmp_path: Path, line: str, mark: str
) -> None:
    (tmp_path / "known").write_text(f"{mark}*.kko {line}\naux.kko {line}\n")
    found = known_keys(["aux.kko"], [tmp_path / "known"])
    assert [key.revoked for key in found] == [True, False]


@pytest.mark.parametrize(
    "bad",
    [
        "@revoked aux.kko ssh-ed25519 !!!!",
        "@revoked aux.kko ssh-rsa AAAA",
        "@revoked aux.kko",
        "@revoked",
        "@revoked |1|bad KEY",
        "@revoked |1|AAAA|BBBB KEY",
        "@Revoked aux.kko KEY",
        "@revoked @cert-authority aux.kko KEY",
    ],
)
def test_what_may_forbid_a_key_and_cannot_be_read_is_refused(
    tmp_path: Path, line: str, bad: str
) -> None:
    (tmp_path / "known").write_text(f"aux.kko {line}\n{bad.replace('KEY', line)}\n")
    with pytest.raises(UnreadableLineError) as refusal:
        known_keys(["aux.kko"], [tmp_path / "known"])
    assert refusal.value.number == 2


def test_a_file_that_cannot_be_read_may_forbid_the_key(tmp_path: Path) -> None:
    # A file of which nobody, not even root, can read what is at its beginning.
    with pytest.raises(UnreadableLineError, match="it cannot be read") as refusal:
        known_keys(["aux.kko"], [tmp_path / "none", Path("/proc/self/mem")])
    assert (refusal.value.file, refusal.value.number) == (Path("/proc/self/mem"), 0)


def test_files_that_cannot_be_there_count_as_empty(tmp_path: Path, line: str) -> None:
    (tmp_path / "known").write_text(f"aux.kko {line}\n")
    files = [tmp_path / ("x" * 400), tmp_path, Path("/dev/null"), tmp_path / "known"]
    assert len(known_keys(["aux.kko"], files)) == 1


@pytest.mark.parametrize("bad", ["|1|bad KEY", "|1|AAAA|BBBB KEY", "|1|a|b|c KEY", "|1| KEY"])
def test_a_hashed_name_that_is_none_is_nobodys(tmp_path: Path, line: str, bad: str) -> None:
    assert found(tmp_path, bad.replace("KEY", line), "aux.kko") == 0


_NAMES = ("aux.kko", "[aux.kko]:2222", "kko", "10.0.0.1", "a-b.c")


def _pattern(draw: random.Random) -> str:
    name = draw.choice(_NAMES)
    wild = ("*", "*.kko", "a?x.kko", "[*]:2222", "", "|1|bad")
    return draw.choice((name, name.upper(), f"!{name}", HostKeys.hash_host(name), *wild))


def _entry(draw: random.Random, line: str) -> str:
    # Set off by a tab the mark is not seen by OpenSSH 9.2 (hostfile.c, check_markers); it is here.
    mark = draw.choice(("", "", "", "@revoked ", "@revoked  ", "@cert-authority "))
    patterns = ",".join(_pattern(draw) for _ in range(draw.choice((1, 1, 2, 3))))
    blank = draw.choice((" ", "\t", "  "))
    return draw.choice(("", " ", "\t")) + mark + blank.join((patterns, *line.split(), "comment"))


def _found_by_openssh(file: Path, name: str) -> int:
    """Ask ssh-keygen, which also shows lines of authorities."""
    ran = subprocess.run(
        ["ssh-keygen", "-F", name, "-f", str(file)], check=False, capture_output=True, text=True
    )
    return len(re.findall(r"found: line \d+ (?!CA)", ran.stdout))


@pytest.mark.parametrize("part", range(5))
def test_generated_files_say_what_they_say_to_openssh(tmp_path: Path, line: str, part: int) -> None:
    file, read = tmp_path / "known", 0
    for seed in range(part * 50, part * 50 + 50):
        draw = random.Random(seed)  # noqa: S311 - seeded, so that a failure can be replayed
        file.write_text("".join(f"{_entry(draw, line)}\n" for _ in range(draw.randint(1, 4))))
        name = draw.choice(_NAMES)
        try:
            ours = len(known_keys([name], [file]))
        except UnreadableLineError:
            continue
        read += 1
        assert ours == _found_by_openssh(file, name), (name, file.read_text())
    assert read > 25
