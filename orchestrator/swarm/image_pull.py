"""Pulling images on a manager with the login it has: `docker pull` reads it by itself."""

import shlex
from collections.abc import Iterable

from orchestrator.errors import FleetError
from orchestrator.procedures.effects import ImageCheck, PullImages, Result
from orchestrator.swarm import problems, registry
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.mutate import Told
from orchestrator.swarm.problems import LostAnswerError
from orchestrator.swarm.remote_command import CommandResult

_MARK = "==pulled"
_SCRIPT = f"""
pull() {{
    said=$(docker pull -q "$1" 2>&1 </dev/null)
    printf '{_MARK} %s %s\\n%s\\n' "$?" "$1" "$said"
}}
for image in "$@"; do pull "$image" & done
wait
"""


def script(images: Iterable[str]) -> str:
    """Return a script that pulls all images at once; dockerd itself limits the downloads."""
    return f"set -- {shlex.join(images)}{_SCRIPT}"


def pull(site: str, connection: SshConnection, effect: PullImages) -> Told:
    """Pull the effect's images.

    Returns:
        OK when all are there; FAILED with the problem of the first that is not; UNKNOWN when
        the answer was lost: pulling again is safe.

    Raises:
        LateError: the effect's `not_after` was past; nothing was sent.

    """
    seconds = effect.timeout_seconds
    try:
        result = connection.run_script(
            script(effect.images), deadline_seconds=seconds, not_after=effect.not_after
        )
    except LostAnswerError as error:
        return Told(Result.UNKNOWN, str(error), error.problems[0])
    except FleetError as error:
        return Told(Result.FAILED, str(error), error.problems[0])
    failures = _failures(result, effect.images)
    if not failures:
        return Told(Result.OK, f"{len(effect.images)} images present")
    words = "\n".join(f"{check.image}: {check.words}" for check in failures)
    code = problems.docker_code(words, "")
    problem = problems.docker(site, code, words) if code else registry.problem(site, failures[0])
    return Told(Result.FAILED, words, problem)


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
