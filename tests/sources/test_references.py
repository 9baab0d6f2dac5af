import pytest

from orchestrator.fleet.unit import Unit
from orchestrator.sources.findings import Findings, Position
from orchestrator.sources.model import Reference
from orchestrator.sources.references import encrypted, gather
from tests.sources.commits import Commit, Link, Submodule, Thing

AT = Position(7, 9)


def look(
    path: str, things: dict[str, Thing], kind: str = "config"
) -> tuple[dict[str, str], Findings]:
    findings = Findings("repo:stacks/a.yaml", Unit("datatrail", "chime"))
    reference = Reference(kind=kind, path=path, at=AT)
    found = gather([reference], "stacks", Commit(things), findings)
    return {path: entry.path for path, entry in found.items()}, findings


@pytest.mark.parametrize(
    ("path", "things", "expected"),
    [
        ("c.json", {"stacks/c.json": b"x"}, {"stacks/c.json": "stacks/c.json"}),
        ("./x/c", {"stacks/x/c": b"x"}, {"stacks/x/c": "stacks/x/c"}),
        ("../config/c", {"config/c": b"x"}, {"config/c": "config/c"}),
        ("c", {"stacks/c": Link("../d"), "d": b"x"}, {"stacks/c": "d"}),
    ],
)
def test_finds_files_of_the_repository_where_docker_will_look(
    path: str, things: dict[str, Thing], expected: dict[str, str]
) -> None:
    found, findings = look(path, things)

    assert (found, findings.problems) == (expected, ())


@pytest.mark.parametrize(
    ("path", "things", "what"),
    [
        ("gone", {"stacks/a": b""}, "'gone' is not in the repository at this commit"),
        ("/etc/passwd", {"etc/passwd": b"x"}, "'/etc/passwd' leads out of the repository"),
        ("~/x", {"stacks/~/x": b"x"}, "leads out of the repository"),
        ("../../x", {"x": b"x"}, "leads out of the repository"),
        ("c", {"stacks/c": Link("../../x")}, "leads out of the repository"),
        ("c", {"stacks/c": Link("/etc/passwd")}, "leads out of the repository"),
        ("c", {"stacks/c": Link("c")}, "symbolic link that leads to itself"),
        ("sub/c", {"stacks/sub": Submodule()}, "lies in a submodule"),
        (".", {"stacks/c": b""}, "is a folder"),
        ("c", {"stacks/c": b""}, "stacks/c is empty; Docker refuses that"),
        ("c", {"stacks/c": b"x" * 1_024_000}, "must have less than 1024000"),
        (
            "c",
            {"stacks/c": b"version https://git-lfs.github.com/spec/v1\noid x\n"},
            "stacks/c is kept in Git LFS",
        ),
        ("c", {"stacks/c": b"\0GITCRYPT\0abc"}, "stacks/c is encrypted by git-crypt"),
    ],
)
def test_what_cannot_be_used_is_a_problem_where_it_is_named(
    path: str, things: dict[str, Thing], what: str
) -> None:
    _, findings = look(path, things)

    [problem] = findings.problems
    assert what in problem.what
    assert (problem.where.line, problem.where.column) == (7, 9)


def test_a_missing_file_brings_what_lies_beside_it() -> None:
    _, findings = look("c.jsn", {"stacks/c.json": b"x", "stacks/d/e": b"x"})

    [problem] = findings.problems
    assert problem.evidence == ("stacks/ holds: c.json, d",)
    assert problem.fix == "commit the file as stacks/c.jsn, or correct the path"


@pytest.mark.parametrize(("kind", "limit"), [("config", 1_024_000), ("secret", 512_000)])
def test_takes_as_much_as_a_swarm_takes(kind: str, limit: int) -> None:
    _, largest = look("c", {"stacks/c": b"x" * (limit - 1)}, kind)
    _, over = look("c", {"stacks/c": b"x" * limit}, kind)

    assert (largest.problems, len(over.problems)) == ((), 1)


@pytest.mark.parametrize(
    "content",
    [b"", b"A=1\nB=x y\n# c d\n\n  # x\n  C=1\nD\nE=\n", b"\xef\xbb\xbfA=1\n", b"A=\xc3\xa4"],
)
def test_an_env_file_may_hold_what_docker_reads(content: bytes) -> None:
    _, findings = look("e", {"stacks/e": content}, "env_file")

    assert findings.problems == ()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"A=1\nB C=2\n", "stacks/e:2 is neither NAME=value nor a comment"),
        (b"=1\n", "stacks/e:1 is neither NAME=value nor a comment"),
        (b"A =1\n", "stacks/e:1 is neither NAME=value nor a comment"),
        (b"A=\xff\n", "stacks/e:1 is not UTF-8 text"),
    ],
)
def test_an_env_file_that_docker_refuses_is_a_problem(content: bytes, what: str) -> None:
    _, findings = look("e", {"stacks/e": content}, "env_file")

    assert [problem.what for problem in findings.problems] == [what]


@pytest.mark.parametrize(
    ("content", "tool"),
    [
        (b'{"data": "ENC[AES256_GCM,data:x]", "sops": {}}', "SOPS"),
        (b"A=ENC[AES256_GCM,data:x]\nsops_version=3.9\n", "SOPS"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n33\n", "ansible-vault"),
        (b"age-encryption.org/v1\n-> X25519\n", "age"),
        (b"-----BEGIN PGP MESSAGE-----\n", "PGP"),
        (b"A=clear, not ansible: $ANSIBLE_VAULT;\n", ""),
    ],
)
def test_an_encrypted_file_is_named(content: bytes, tool: str) -> None:
    files = Commit({"stacks/c": content})
    reference = Reference(kind="secret", path="./c", at=AT)
    findings = Findings("repo:stacks/a.yaml", Unit("datatrail", "chime"))
    found = gather([reference], "stacks", files, findings)
    said = f"line 7: the secret stacks/c is encrypted by {tool}, and is deployed so"
    assert findings.problems == ()
    assert encrypted([reference], "stacks", files, found) == ((said,) if tool else ())
