"""Pulling images with the login that a manager has: by itself, and on the nodes of its Swarm."""

import shlex
from collections.abc import Callable, Iterable

from orchestrator.errors import FleetError
from orchestrator.fleet.observed import Unseen
from orchestrator.fleet.pulling import (
    LABEL_IMAGE,
    LABEL_PULL,
    LOG_DRIVER,
    LOG_OPTION,
    NodePull,
    Pulled,
    Pulling,
)
from orchestrator.procedures.effects import (
    ImageCheck,
    PullImages,
    PullOnNodes,
    Result,
    WatchPulls,
)
from orchestrator.swarm import parse, problems, registry
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.engine_api import EngineApi
from orchestrator.swarm.http_pipe import Request
from orchestrator.swarm.look import check, listing, or_unseen
from orchestrator.swarm.mutate import Told
from orchestrator.swarm.problems import LostAnswerError
from orchestrator.swarm.remote_command import CommandResult

_MARK = "==pulled"
_NODES = "==nodes"
_MADE = "==made"
_MAKING_SECONDS = 60.0
_END = f"""
end() {{
    ids=$(docker service ls -q --filter label={LABEL_PULL} </dev/null) || return 1
    [ -z "$ids" ] || docker service rm $ids >/dev/null </dev/null
}}
"""
_SCRIPT = f"""{_END}
end >/dev/null 2>&1 &
printf '{_NODES} %s\\n' "$(docker node ls -q 2>/dev/null </dev/null | wc -l)"
here() {{
    case $1 in
        *@sha256:*) docker image inspect -- "$1" >/dev/null 2>&1 </dev/null ;;
        *) false ;;
    esac
}}
# What a digest names never changes: where it is, no registry is needed for it.
pull() {{
    said=$(here "$1" || docker pull -q -- "$1" 2>&1 </dev/null)
    printf '{_MARK} %s %s\\n%s\\n' "$?" "$1" "$said"
}}
for image in "$@"; do pull "$image" & done
wait
"""
# A node that pulls by digest does not know the tag, which is all that a deploy names when the
# registry has gone by then (measured). With a digest the command adds the image's platforms.
_ON_NODES = f"""{_END}
end || exit 1
me=$(docker info --format '{{{{.Swarm.NodeID}}}}' </dev/null) || exit 1
make() {{
    said=$(docker service create --detach --quiet --mode global --restart-condition none \\
        --with-registry-auth --log-driver {LOG_DRIVER} --log-opt {LOG_OPTION}=yes \\
        --constraint "node.id!=$me" "$@" 2>&1 </dev/null)
    printf '{_MADE} %s\\n%s\\n' "$?" "$said"
}}
"""


def script(images: Iterable[str]) -> str:
    """Return a script that pulls all images at once; dockerd itself limits the downloads."""
    return f"set -- {shlex.join(images)}{_SCRIPT}"


def pull(site: str, connection: SshConnection, effect: PullImages) -> Told:
    """Pull the effect's images; those that are named by digest only where they are missing.

    Returns:
        OK when all are there; FAILED with the problem of the first that is not; UNKNOWN when
        the answer was lost: pulling again is safe.

    Raises:
        LateError: the effect's `not_after` was past; nothing was sent.

    """
    result = _result(connection, script(effect.images), effect.timeout_seconds, effect.not_after)
    if isinstance(result, Told):
        return result
    failures = _failures(result, effect.images)
    if not failures:
        return Told(Result.OK, f"{len(effect.images)} images present", nodes=_nodes(result))
    words = "\n".join(f"{check.image}: {check.words}" for check in failures)
    code = problems.docker_code(words, "")
    problem = problems.docker(site, code, words) if code else registry.problem(site, failures[0])
    return Told(Result.FAILED, words, problem)


def pull_on_nodes(site: str, connection: SshConnection, effect: PullOnNodes) -> Told:
    """Let the effect's pulls, and no others, stand on the site's Swarm.

    Returns:
        OK when the Swarm took them all; FAILED with Docker's words; UNKNOWN when the answer was
        lost: what stands by then is ended by the next.

    Raises:
        LateError: the effect's `not_after` was past; nothing was sent.

    """
    result = _result(connection, nodes_script(effect), _MAKING_SECONDS, effect.not_after)
    if isinstance(result, Told):
        return result
    made = [part.partition("\n") for part in _texts(result, _MADE)]
    refused = [words.strip() for rc, _, words in made if rc != "0"]
    if result.rc == 0 and len(made) == len(effect.pulls) and not refused:
        return Told(Result.OK, f"{len(made)} pulls on nodes")
    words = "\n".join(refused) or ("not done in time" if result.timed_out else result.words)
    code = problems.docker_code(words, "", rc=result.rc)
    return Told(Result.FAILED, words, problems.docker(site, code, words) if code else None)


def nodes_script(effect: PullOnNodes) -> str:
    """Return the script that ends whatever pulls stand, and makes one service a pull."""

    def make(number: int, pull: NodePull) -> str:
        labels = {LABEL_PULL: effect.run, LABEL_IMAGE: pull.image}
        words = [f"--name=dtdeploy-pull-{effect.run}-{number}"]
        words += [f"--label={name}={value}" for name, value in labels.items()]
        words += [f"--constraint={constraint}" for constraint in pull.constraints]
        words += [] if "@" in pull.image else ["--no-resolve-image"]
        return f"make {shlex.join([*words, pull.image])} &"

    lines = (make(number, pull) for number, pull in enumerate(effect.pulls, 1))
    return "\n".join((_ON_NODES, *lines, "wait"))


def watch(api: EngineApi, effect: WatchPulls, clock: Callable[[], float]) -> Pulling | Unseen:
    """See how far the pulls of the effect's run are, in one round trip."""
    site, ours = effect.site, [f"{LABEL_PULL}={effect.run}"]
    asked = (Request("/nodes"), listing("/services", label=ours), listing("/tasks", label=ours))

    def read() -> Pulling:
        answers = api.ask(asked)
        check(site, api, answers)
        return Pulling(site=site, at=clock(), pulls=_pulls(*(answer.body for answer in answers)))

    return or_unseen(site, clock, read)


def _pulls(raw_nodes: bytes, raw_services: bytes, raw_tasks: bytes) -> tuple[Pulled, ...]:
    nodes = {node.id: node for node in parse.nodes(raw_nodes)}
    tasks = [task for task in parse.tasks(raw_tasks, raw_tasks) if task.node_id in nodes]
    return tuple(
        Pulled(
            image=service.label(LABEL_IMAGE),
            tasks=tuple(
                (task, nodes[task.node_id]) for task in tasks if task.service_id == service.id
            ),
        )
        for service in parse.services(raw_services)
    )


def _result(
    connection: SshConnection, text: str, seconds: float, not_after: float | None
) -> CommandResult | Told:
    """Run a script; Told where it did not run to its end."""
    try:
        return connection.run_script(text, deadline_seconds=seconds, not_after=not_after)
    except LostAnswerError as error:
        return Told(Result.UNKNOWN, str(error), error.problems[0])
    except FleetError as error:
        return Told(Result.FAILED, str(error), error.problems[0])


def _nodes(result: CommandResult) -> int:
    return next((int(text.split()[0]) for text in _texts(result, _NODES)), 0)


def _texts(result: CommandResult, mark: str) -> list[str]:
    return [part.rstrip() for part in result.stdout.decode(errors="replace").split(f"{mark} ")[1:]]


def _failures(result: CommandResult, images: Iterable[str]) -> list[ImageCheck]:
    ended = dict(_parts(result.stdout.decode(errors="replace")))
    said = result.stderr.decode(errors="replace").strip()
    nothing = ("", "not there in time" if result.timed_out else said or "no word of it")
    checks = ((image, *ended.get(image, nothing)) for image in images)
    return [registry.refused(image, words) for image, rc, words in checks if rc != "0"]


def _parts(output: str) -> Iterable[tuple[str, tuple[str, str]]]:
    for part in output.split(f"{_MARK} ")[1:]:
        head, _, words = part.partition("\n")
        rc, _, image = head.partition(" ")
        yield image, (rc, words.strip())
