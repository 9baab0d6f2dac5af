import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from orchestrator.errors import ExitCode
from orchestrator.procedures.effects import Answer, DeployStack, Result, ShipRelease
from orchestrator.sources.model import ReleaseFile
from orchestrator.swarm.performer import LivePerformer
from orchestrator.swarm.stack_deploy import script, scrubbed
from tests.recorded_engine import docker_versions
from tests.swarm.conftest import perform_through
from tests.swarm.daemon import Command, install
from tests.swarm.proxy import proxied
from tests.swarm.releases import release
from tests.swarm.sshd import SITE, Operator, Server

OLDEST, NEWEST = "20.10.24", "28.2.2"
SECRET = "plan'ted $x"
EFFECT = DeployStack(
    unit=release().unit,
    release=release(),
    labels=(("dtdeploy.run", "r$1"), ("dtdeploy.words", "é \" ' \n end")),
    variables=(("TAG", "a b'c"),),
    secret_variables=("PASSWORD",),
    timeout_seconds=10.0,
)


def deployed(performer: LivePerformer, effect: DeployStack = EFFECT) -> Answer:
    performer.perform(ShipRelease(site=SITE, release=effect.release))
    answer = performer.perform(effect)
    assert isinstance(answer, Answer)
    return answer


def test_runs_beside_the_compose_file_with_the_variables_in_its_environment(
    docker: Command, performer: LivePerformer, server: Server
) -> None:
    answer = deployed(performer)
    assert (answer.result, answer.problem) == (Result.OK, None)
    ((words, folder, environment),) = docker.runs()
    assert words == ["stack", "deploy", "-c", "-", "--with-registry-auth", "datatrail"]
    assert folder == f"{server.home}/.dtdeploy/releases/datatrail-abc-1/stacks"
    assert (environment["TAG"], environment["PASSWORD"]) == ("a b'c", SECRET)


def test_a_release_that_another_manager_was_brought_is_brought_to_this_one_first(
    docker: Command, performer: LivePerformer, server: Server
) -> None:
    answer = performer.perform(EFFECT)
    assert isinstance(answer, Answer)
    assert (answer.result, answer.problem) == (Result.OK, None)
    assert len(docker.runs()) == 1
    assert (server.home / ".dtdeploy/releases/datatrail-abc-1").is_dir()


def test_where_it_cannot_be_brought_nothing_is_deployed(
    docker: Command, performer: LivePerformer, server: Server
) -> None:
    (server.home / ".dtdeploy").write_text("no folder")
    answer = performer.perform(EFFECT)
    assert isinstance(answer, Answer)
    assert answer.result is Result.FAILED
    assert answer.problem is not None
    assert answer.problem.code == "release.not-shipped"
    assert docker.runs() == []


def test_one_document_says_what_the_compose_file_says_and_the_labels(
    docker: Command, performer: LivePerformer
) -> None:
    deployed(performer)
    body = YAML(typ="safe").load(docker.given())
    # `$` is doubled: compose files are interpolated.
    labels = {"dtdeploy.run": "r$$1", "dtdeploy.words": "é \" ' \n end"}
    web = {"image": "bb:1", "deploy": {"labels": labels}}
    assert body == {"version": "3.8", "services": {"web": web}}


def test_the_images_of_the_plan_stand_in_the_document_and_no_registry_is_asked(
    docker: Command, performer: LivePerformer
) -> None:
    image = f"bb:1@sha256:{'1' * 64}"
    deployed(performer, replace(EFFECT, images=(("web", image),), ask_registry=False))
    assert YAML(typ="safe").load(docker.given())["services"]["web"]["image"] == image
    ((words, _, _),) = docker.runs()
    assert words[4:] == ["--with-registry-auth", "--resolve-image=never", "datatrail"]


def test_a_document_that_did_not_arrive_whole_is_not_deployed(
    docker: Command, performer: LivePerformer, server: Server
) -> None:
    performer.perform(ShipRelease(site=SITE, release=EFFECT.release))
    lines = script(EFFECT, {})
    half = "version: '3.8'\nservices:\n  web:\n    image: bb:1\n"
    done = subprocess.run(
        ["sh", "-c", lines],
        input=half,
        text=True,
        capture_output=True,
        check=False,
        env={"HOME": str(server.home), "PATH": f"{server.bin}:/usr/bin:/bin"},
    )
    assert (done.returncode, done.stderr) == (1, "the compose file did not arrive whole\n")
    assert docker.runs() == []


def test_in_place_services_that_are_not_declared_are_pruned(
    docker: Command, performer: LivePerformer
) -> None:
    deployed(performer, replace(EFFECT, prune=True))
    ((words, _, _),) = docker.runs()
    assert words[-2:] == ["--prune", "datatrail"]


def test_no_secret_is_left_on_the_manager(
    docker: Command, performer: LivePerformer, server: Server
) -> None:
    deployed(performer)
    assert docker.runs()
    for file in server.home.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    ("cli", "detached"), [("20.10.24+dfsg1", False), ("25.0.5", False), ("28.2.2", True)]
)
def test_detach_is_asked_for_where_the_command_knows_it(
    performer: LivePerformer, server: Server, tmp_path: Path, cli: str, *, detached: bool
) -> None:
    command = install(server, tmp_path / "docker.sock", tmp_path, cli=cli)
    deployed(performer)
    ((words, _, _),) = command.runs()
    assert ("--detach=true" in words) == detached


def test_what_docker_says_is_quoted_without_the_secrets(
    docker: Command, performer: LivePerformer
) -> None:
    docker.behaviour.write_text(
        "print('Creating network datatrail_default')\n"
        "sys.exit('failed to create service datatrail_web: bad ' + os.environ['PASSWORD'])\n"
    )
    answer = deployed(performer)
    assert answer.result is Result.FAILED
    assert answer.words == (
        "failed to create service datatrail_web: bad ***\n\nCreating network datatrail_default"
    )
    assert answer.problem is None


def test_an_end_by_the_clock_is_unknown(docker: Command, performer: LivePerformer) -> None:
    docker.behaviour.write_text("import time; time.sleep(30)")
    effect = DeployStack(
        unit=EFFECT.unit,
        release=EFFECT.release,
        labels=(),
        timeout_seconds=1.0,
    )
    answer = deployed(performer, effect)
    assert answer.result is Result.UNKNOWN
    assert answer.problem is not None
    assert answer.problem.exit_code is ExitCode.OUTCOME_UNKNOWN


def test_a_leader_lost_meanwhile_is_unknown(docker: Command, performer: LivePerformer) -> None:
    docker.behaviour.write_text("sys.exit('rpc error: node lost leader status')")
    assert deployed(performer).result is Result.UNKNOWN


def test_a_missing_docker_command_is_named(performer: LivePerformer, server: Server) -> None:
    program = server.bin / "docker"
    program.write_text("#!/bin/sh\necho 'sh: docker: not found' >&2\nexit 127\n")
    program.chmod(0o755)
    answer = deployed(performer)
    program.unlink()
    assert answer.problem is not None
    assert (answer.result, answer.problem.code) == (Result.FAILED, "docker.not-installed")


def test_a_network_that_is_not_found_is_no_missing_command(
    docker: Command, performer: LivePerformer
) -> None:
    docker.behaviour.write_text("sys.exit('failed to create service x: network y not found')")
    assert deployed(performer).problem is None


@pytest.mark.usefixtures("docker")
def test_a_secret_without_a_value_is_refused_before_anything_is_sent(
    docker: Command, performer: LivePerformer
) -> None:
    effect = DeployStack(
        unit=EFFECT.unit,
        release=EFFECT.release,
        labels=(),
        secret_variables=("OTHER",),
    )
    answer = performer.perform(effect)
    assert isinstance(answer, Answer)
    assert answer.problem is not None
    assert (answer.result, answer.problem.code) == (Result.FAILED, "variables.secret-missing")
    assert docker.runs() == []


def test_a_deploy_survives_the_connection_and_its_lost_answer_is_unknown(
    docker: Command, operator: Operator, server: Server, tmp_path: Path
) -> None:
    begun, done = tmp_path / "begun", tmp_path / "done"
    docker.behaviour.write_text(
        f"import time, pathlib; pathlib.Path({str(begun)!r}).touch()\n"
        f"while not pathlib.Path({str(tmp_path / 'cut')!r}).exists(): time.sleep(0.01)\n"
        f"print('Creating', flush=True); pathlib.Path({str(done)!r}).touch()\n"
    )
    with proxied(server.port) as proxy:
        operator.trust(server.known_line.replace(str(server.port), str(proxy.port)))
        performer = perform_through(operator, proxy.port)
        proxy.cut_when(begun, and_touch=tmp_path / "cut")
        answer = deployed(performer)
        performer.close()
    assert answer.result is Result.UNKNOWN
    assert len(docker.runs()) == 1


def test_short_values_are_not_torn_out_of_words() -> None:
    assert scrubbed("abc is secret", ["abc", "secret"]) == "abc is ***"


def rehearsed(performer: LivePerformer, text: str, seconds: float = 10.0) -> Answer:
    file = ReleaseFile(path=release().compose, content=text.encode())
    shipped = replace(release(), files=(file,), name="datatrail-abc-2")
    effect = replace(EFFECT, release=shipped, timeout_seconds=seconds)
    answer = performer.perform(ShipRelease(site=SITE, release=shipped, deploy=effect))
    assert isinstance(answer, Answer)
    return answer


@pytest.fixture(params=[OLDEST, NEWEST])
def real(request: pytest.FixtureRequest, server: Server) -> Iterator[str]:
    """Let the manager have the machine's own docker command of that version."""
    commands = {version: path for path, version in docker_versions().items()}
    found = next((v for v in commands if v.startswith(request.param)), None)
    if found is None:
        pytest.skip(f"no docker command of version {request.param} is here")
    command = server.bin / "docker"
    command.unlink(missing_ok=True)
    command.symlink_to(commands[found])
    yield request.param
    command.unlink()


def test_the_managers_own_command_reads_the_file_before(
    real: str, performer: LivePerformer
) -> None:
    text = 'version: "3.8"\nservices: {web: {image: "bb:$TAG", environment: [PASSWORD]}}\n'
    answer = rehearsed(performer, text.replace("$TAG", "1"))
    assert real
    assert (answer.result, answer.words, answer.problem) == (Result.OK, "", None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("services: {web: {image: 'bb:1'}}\n", "unsupported Compose file version: 1.0"),
        (
            (
                'version: "3.8"\nservices: {web: {image: "bb:1", deploy: {resources: '
                "{limits: {memory: .5G}}}}}\n"
            ),
            "invalid size: '.5G'",
        ),
    ],
)
def test_what_an_older_command_refuses_is_said_before(
    real: str, performer: LivePerformer, text: str, words: str
) -> None:
    answer = rehearsed(performer, text)
    if real == NEWEST:
        assert answer.result is Result.OK
        return
    assert answer.result is Result.FAILED
    assert answer.problem is not None
    assert answer.problem.code == "source.manager-refuses"
    assert answer.problem.exit_code is ExitCode.SOURCE_FAILED
    assert any(words in line for line in answer.problem.evidence)


def test_no_secret_is_in_what_the_manager_says_of_a_file(
    docker: Command, performer: LivePerformer
) -> None:
    docker.behaviour.write_text("sys.exit('bad ' + os.environ['PASSWORD'])\n")
    answer = rehearsed(performer, 'version: "3.8"\nservices: {web: {image: "bb:1"}}\n')
    assert answer.problem is not None
    assert answer.problem.evidence == ("bad ***",)


def test_whether_a_command_that_does_not_end_takes_the_file_nobody_knows(
    docker: Command, performer: LivePerformer
) -> None:
    docker.behaviour.write_text(
        "import time\nprint('reading', os.environ['PASSWORD'], flush=True)\ntime.sleep(30)\n"
    )
    answer = rehearsed(performer, 'version: "3.8"\nservices: {web: {image: "bb:1"}}\n', 1.0)
    assert answer.result is Result.UNKNOWN
    assert answer.problem is not None
    assert answer.problem.code == "preflight.not-prepared"
    assert answer.problem.exit_code is ExitCode.SAFETY_REFUSED
    assert answer.problem.what.endswith(
        "did not end reading the compose file of datatrail within 1 s"
    )
    assert answer.problem.evidence == ("reading ***",)


@pytest.mark.parametrize("damage", ["changed", "missing", "added"])
def test_files_that_were_changed_since_are_replaced_before_they_are_deployed(
    docker: Command, performer: LivePerformer, server: Server, damage: str
) -> None:
    performer.perform(ShipRelease(site=SITE, release=EFFECT.release))
    there = server.home / ".dtdeploy/releases/datatrail-abc-1/stacks"
    file = there / "conf/$HOME 'é.txt"
    if damage == "changed":
        file.write_bytes(b"evil!")
    elif damage == "missing":
        file.unlink()
    else:
        (there / "more").write_text("")
    answer = performer.perform(EFFECT)
    assert isinstance(answer, Answer)
    assert (answer.result, answer.problem) == (Result.OK, None)
    assert len(docker.runs()) == 1
    assert file.read_bytes() == b"hello"
    assert not (there / "more").exists()
