import json

import pytest

from orchestrator.errors import ExitCode
from orchestrator.fleet.observed import TaskState, Unseen
from orchestrator.fleet.pulling import NodePull, Pulling
from orchestrator.procedures.effects import (
    Answer,
    PullImages,
    PullOnNodes,
    Result,
    WatchPulls,
)
from orchestrator.swarm.performer import LivePerformer
from tests.swarm.daemon import Command, Daemon, error
from tests.swarm.sshd import SITE, Server


def pulled(performer: LivePerformer, *images: str, seconds: float = 10.0) -> Answer:
    answer = performer.perform(PullImages(site=SITE, images=images, timeout_seconds=seconds))
    assert isinstance(answer, Answer)
    return answer


def test_all_are_pulled_by_the_managers_own_command(
    docker: Command, performer: LivePerformer
) -> None:
    docker.behaviour.write_text("sys.argv[1] == 'node' and print('n1\\nn2\\nn3')")
    answer = pulled(performer, "reg.lab:5000/a:1", "b c")
    assert (answer.result, answer.words) == (Result.OK, "2 images present")
    assert answer.nodes == 3
    assert sorted(words for words, _, _ in docker.runs()) == [
        ["node", "ls", "-q"],
        ["pull", "-q", "--", "b c"],
        ["pull", "-q", "--", "reg.lab:5000/a:1"],
        ["service", "ls", "-q", "--filter", "label=dtdeploy.pull"],
    ]


def test_pulls_on_nodes_that_a_killed_run_left_are_ended_with_it(
    docker: Command, performer: LivePerformer
) -> None:
    """What becomes of that changes nothing of the pulling."""
    docker.behaviour.write_text(
        "sys.argv[1:3] == ['service', 'ls'] and print('s1\\ns2')\n"
        "sys.argv[1:3] == ['service', 'rm'] and sys.exit('no such service')"
    )
    assert pulled(performer, "a").result is Result.OK
    assert ["service", "rm", "s1", "s2"] in [words for words, _, _ in docker.runs()]


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
    answer = pulled(performer, "fast", "slow", seconds=4.0)
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


PULLS = (
    NodePull(image="reg.lab:5000/a:1@sha256:0"),
    NodePull(image="b c", constraints=("node.role == worker", "node.labels.x != y z")),
)
CREATE = [
    *("service", "create", "--detach", "--quiet", "--mode", "global"),
    *("--restart-condition", "none", "--with-registry-auth"),
    *("--log-driver", "json-file", "--log-opt", "dtdeploy-pulls-only=yes"),
    *("--constraint", "node.id!=me"),
]
STANDING = "sys.argv[1:3] == ['service', 'ls'] and print('s1\\ns2')\n"
ME = "sys.argv[1] == 'info' and print('me')\n"


def on_nodes(performer: LivePerformer, *pulls: NodePull) -> Answer:
    answer = performer.perform(PullOnNodes(site=SITE, run="r1", pulls=pulls))
    assert isinstance(answer, Answer)
    return answer


def test_nodes_pull_through_services_that_cannot_start(
    docker: Command, performer: LivePerformer
) -> None:
    """They take the place of those that stand, and are not for the manager that has pulled.

    What has a digest goes by it; a tag is pulled as one, so that the node knows it.
    """
    docker.behaviour.write_text(STANDING + ME)
    answer = on_nodes(performer, *PULLS)
    assert (answer.result, answer.words) == (Result.OK, "2 pulls on nodes")
    said = [words for words, _, _ in docker.runs()]
    assert said[:2] == [
        ["service", "ls", "-q", "--filter", "label=dtdeploy.pull"],
        ["service", "rm", "s1", "s2"],
    ]
    assert sorted(said[3:]) == [
        [
            *CREATE,
            *("--name=dtdeploy-pull-r1-1", "--label=dtdeploy.pull=r1"),
            "--label=dtdeploy.pull.image=reg.lab:5000/a:1@sha256:0",
            "reg.lab:5000/a:1@sha256:0",
        ],
        [
            *CREATE,
            *("--name=dtdeploy-pull-r1-2", "--label=dtdeploy.pull=r1"),
            "--label=dtdeploy.pull.image=b c",
            *("--constraint=node.role == worker", "--constraint=node.labels.x != y z"),
            *("--no-resolve-image", "b c"),
        ],
    ]


def test_no_pulls_end_those_that_stand(docker: Command, performer: LivePerformer) -> None:
    docker.behaviour.write_text(STANDING)
    assert on_nodes(performer).result is Result.OK
    assert [words[:2] for words, _, _ in docker.runs()] == [
        ["service", "ls"],
        ["service", "rm"],
        ["info", "--format"],
    ]


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("sys.argv[-1] == 'b c'", "name conflicts"),
        ("sys.argv[1:3] == ['service', 'ls']", "no such option"),
        ("sys.argv[1] == 'info'", "whatever"),
    ],
)
def test_pulls_that_docker_does_not_take_are_told_in_its_words(
    docker: Command, performer: LivePerformer, when: str, words: str
) -> None:
    docker.behaviour.write_text(f"sys.exit({words!r} if {when} else 0)")
    answer = on_nodes(performer, *PULLS)
    assert (answer.result, answer.words, answer.problem) == (Result.FAILED, words, None)


def test_a_known_cause_has_its_code(docker: Command, performer: LivePerformer) -> None:
    words = "permission denied while trying to connect to the Docker daemon socket"
    docker.behaviour.write_text(f"sys.exit({words!r})")
    answer = on_nodes(performer, *PULLS)
    assert answer.problem is not None
    assert answer.problem.code == "docker.no-permission"


def listed(*items: object) -> "tuple[int, bytes]":
    return 200, json.dumps(items).encode()


def test_how_far_nodes_are_is_read_in_one_batch(
    docker: Command, performer: LivePerformer, daemon: Daemon
) -> None:
    """A task without a node, or of a node that left, says nothing of any."""
    del docker
    labels = {"dtdeploy.pull": "r1", "dtdeploy.pull.image": "a:1"}
    template = {"ContainerSpec": {"Image": "a:1@sha256:0"}}
    spec = {"Name": "p", "Labels": labels, "TaskTemplate": template, "Mode": {"Global": {}}}
    words = "unknown log opt; password=hunter2x"
    node = {
        "ID": "n1",
        "Spec": {"Role": "worker", "Availability": "active"},
        "Description": {"Hostname": "w1"},
        "Status": {"State": "ready"},
    }

    def task(number: int, **more: object) -> dict[str, object]:
        status = {"State": "rejected", "Err": words}
        known = {"ID": f"t{number}", "ServiceID": "s1", "Spec": template, "Status": status}
        return known | {"DesiredState": "shutdown"} | more

    daemon.replies |= {
        "GET /nodes": lambda: listed(node),
        "GET /services": lambda: listed({"ID": "s1", "Version": {"Index": 1}, "Spec": spec}),
        "GET /tasks": lambda: listed(task(1, NodeID="n1"), task(2), task(3, NodeID="gone")),
    }
    seen = performer.perform(WatchPulls(site=SITE, run="r1"))
    assert isinstance(seen, Pulling)
    (pull,) = seen.pulls
    assert pull.image == "a:1"
    ((found, where),) = pull.tasks
    assert (found.state, where.hostname) == (TaskState.REJECTED, "w1")
    assert "hunter2x" not in found.error
    asked = daemon.asked[1:]
    assert len(asked) == 3
    assert all("dtdeploy.pull%3Dr1" in line for line in asked[1:])


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (error(503, "The swarm does not have a leader."), "swarm.no-quorum"),
        ((200, b"[{}]"), "docker.unreadable"),
    ],
)
def test_what_cannot_be_seen_is_unseen(
    docker: Command,
    performer: LivePerformer,
    daemon: Daemon,
    reply: "tuple[int, bytes]",
    code: str,
) -> None:
    del docker
    daemon.replies["GET /nodes"] = lambda: reply
    seen = performer.perform(WatchPulls(site=SITE, run="r1"))
    assert isinstance(seen, Unseen)
    assert seen.problem.code == code


def test_what_is_named_by_digest_and_is_there_needs_no_registry(
    docker: Command, performer: LivePerformer
) -> None:
    there, missing = f"a:1@sha256:{'1' * 64}", f"b:1@sha256:{'2' * 64}"
    docker.behaviour.write_text(
        "sys.argv[1:3] == ['image', 'inspect'] and sys.argv[4][0] == 'b' and sys.exit('none')"
    )
    assert pulled(performer, there, missing).result is Result.OK
    runs = [words for words, _, _ in docker.runs()]
    assert [words for words in runs if words[0] == "pull"] == [["pull", "-q", "--", missing]]
