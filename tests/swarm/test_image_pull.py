import pytest

from orchestrator.errors import ExitCode
from orchestrator.procedures.effects import Answer, PullImages, Result
from orchestrator.swarm.performer import LivePerformer
from tests.swarm.daemon import Command
from tests.swarm.sshd import SITE, Server


def pulled(performer: LivePerformer, *images: str, seconds: float = 10.0) -> Answer:
    answer = performer.perform(PullImages(site=SITE, images=images, timeout_seconds=seconds))
    assert isinstance(answer, Answer)
    return answer


def test_all_are_pulled_by_the_managers_own_command(
    docker: Command, performer: LivePerformer
) -> None:
    answer = pulled(performer, "reg.lab:5000/a:1", "b c")
    assert (answer.result, answer.words) == (Result.OK, "2 images present")
    assert sorted(words for words, _, _ in docker.runs()) == [
        ["pull", "-q", "b c"],
        ["pull", "-q", "reg.lab:5000/a:1"],
    ]


@pytest.mark.parametrize(
    ("said", "code", "exit_code"),
    [
        ("no basic auth credentials", "registry.login-refused", ExitCode.LOGIN_REFUSED),
        ("unauthorized: authentication required", "registry.login-refused", 13),
        ("manifest for b not found: manifest unknown", "registry.image-missing", 14),
        ("dial tcp 10.0.0.1:5000: connect: connection refused", "registry.unreachable", 20),
        (
            "permission denied while trying to connect to the Docker daemon socket",
            "docker.no-permission",
            13,
        ),
    ],
)
def test_one_that_fails_is_named_with_the_reason(
    docker: Command, performer: LivePerformer, said: str, code: str, exit_code: int
) -> None:
    docker.behaviour.write_text(f"sys.exit({said!r} if sys.argv[-1] == 'b' else 0)")
    answer = pulled(performer, "a", "b")
    assert answer.result is Result.FAILED
    assert answer.words == f"b: {said}"
    assert answer.problem is not None
    assert (answer.problem.code, answer.problem.exit_code) == (code, exit_code)


def test_one_that_takes_too_long(docker: Command, performer: LivePerformer) -> None:
    docker.behaviour.write_text("import time; sys.argv[-1] == 'slow' and time.sleep(30)")
    answer = pulled(performer, "fast", "slow", seconds=1.0)
    assert answer.result is Result.FAILED
    assert answer.words == "slow: not there in time"


def test_no_docker_command(performer: LivePerformer, server: Server) -> None:
    program = server.bin / "docker"
    program.write_text("#!/bin/sh\necho 'sh: 1: docker: not found' >&2\nexit 127\n")
    program.chmod(0o755)
    answer = pulled(performer, "a")
    program.unlink()
    assert answer.problem is not None
    assert answer.problem.code == "docker.not-installed"
