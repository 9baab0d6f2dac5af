from pathlib import Path

import paramiko
import pytest
from paramiko.hostkeys import HostKeys

from orchestrator.swarm.host_keys import known_keys, preferred_types
from tests.swarm.sshd import make_key, public


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
        (HostKeys.hash_host("aux.kko"), "aux.kko", 1),
        (HostKeys.hash_host("aux.gbo"), "aux.kko", 0),
    ],
)
def test_matches_names_as_openssh_does(
    tmp_path: Path, line: str, pattern: str, name: str, expected: int
) -> None:
    assert found(tmp_path, f"{pattern} {line} comment\n", name) == expected


def test_the_first_name_that_is_known_decides(tmp_path: Path, line: str) -> None:
    text = f"[kko]:22 {line}\nkko {line}\nkko {line}\n"
    assert found(tmp_path, text, "[kko]:22", "kko") == 1
    assert found(tmp_path, text, "[kko]:23", "kko") == 2


@pytest.mark.parametrize(
    "bad", ["", "# aux.kko x y", "aux.kko", "aux.kko ssh-ed25519 !!!!", "aux.kko new-type AAAA"]
)
def test_lines_that_say_nothing_are_passed_over(tmp_path: Path, line: str, bad: str) -> None:
    assert found(tmp_path, f"{bad}\n@cert-authority * {line}\naux.kko {line}\n", "aux.kko") == 1


def test_the_recorded_type_is_asked_for_first(tmp_path: Path) -> None:
    key = paramiko.RSAKey.generate(2048)
    (tmp_path / "known").write_text(f"kko ssh-rsa {key.get_base64()}\n")
    known = known_keys(["kko"], [tmp_path / "known"])
    offered = ("ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512")
    assert preferred_types(known, offered) == ("rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519")
