"""`docker stack deploy` on the manager, in the folder of the shipped release."""

import json
import shlex
from collections.abc import Iterable, Mapping

from orchestrator.errors import FleetError
from orchestrator.procedures.effects import DeployStack, Result
from orchestrator.swarm import problems
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.mutate import Told
from orchestrator.swarm.problems import LostAnswerError
from orchestrator.swarm.release_shipping import RELEASES
from orchestrator.swarm.remote_command import CommandResult

_SHORTEST_SECRET = 4
# `stack deploy --detach` exists, and is asked for by a warning, from CLI 26 on (docker/cli).
_SCRIPT = f"""
set -e
umask 077
cd "$HOME/{RELEASES}/$2"
mkdir -p "$HOME/.dtdeploy/overrides"
file="$HOME/.dtdeploy/overrides/$1.yaml"
printf '%s\\n' "$over" > "$file.$$"
mv -f "$file.$$" "$file"
major=$(docker --version | sed 's/^[^0-9]*\\([0-9]*\\).*/\\1/')
detach=
if [ "${{major:-0}}" -ge 26 ]; then detach=--detach=true; fi
docker stack deploy -c "$3" -c "$file" --with-registry-auth $detach $prune "$1" </dev/null
"""


def override(version: str, services: Iterable[str], labels: Iterable[tuple[str, str]]) -> str:
    """Return a compose file that adds labels to services, as one line of JSON (and so YAML).

    Its `version` is that of the main file: the CLI refuses to merge two versions
    (docker/cli 20.10 compose/loader/merge.go). `$` is doubled against interpolation.
    """
    added = {name: value.replace("$", "$$") for name, value in labels}
    body: dict[str, object] = {"version": version} if version else {}
    body["services"] = {name: {"deploy": {"labels": added}} for name in services}
    return json.dumps(body, ensure_ascii=False)


def script(effect: DeployStack, variables: Mapping[str, str]) -> str:
    """Return the script for the manager: variables never stand on a command line or on disk.

    The override file holds no secret; it lies beside the releases, for its folder is hashed.
    Should the connection break, sh has read all of this and finishes the deploy.
    """
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    release = effect.release
    given = shlex.join([effect.unit.stack, release.name, release.compose])
    prune = f"prune={'--prune' if effect.prune else ''}"
    body = override(effect.compose_version, effect.services, effect.labels)
    return "\n".join((*exports, f"set -- {given}", f"over={shlex.quote(body)}", prune, _SCRIPT))


def deploy(
    site: str, connection: SshConnection, effect: DeployStack, secrets: Mapping[str, str]
) -> Told:
    """Run the deploy. OK means that Docker took the specifications, not that anything runs.

    Args:
        site: named in problems.
        connection: to the site's manager.
        effect: what to deploy; its release has been shipped.
        secrets: values of the effect's secret variables.

    Returns:
        OK; FAILED with Docker's words, or because the command could not be started;
        UNKNOWN when the answer was lost or the command's time was up.

    Raises:
        LateError: the effect's `not_after` was past; nothing was sent.

    """
    variables = {**dict(effect.variables), **secrets}
    text = script(effect, variables)
    try:
        result = connection.run_script(
            text, deadline_seconds=effect.timeout_seconds, not_after=effect.not_after
        )
    except LostAnswerError as error:
        return Told(Result.UNKNOWN, str(error), error.problems[0])
    except FleetError as error:
        return Told(Result.FAILED, str(error), error.problems[0])
    return _judged(site, effect, result, scrubbed(result.words, secrets.values()))


def _judged(site: str, effect: DeployStack, result: CommandResult, words: str) -> Told:
    if result.rc == 0:
        return Told(Result.OK, words)
    if result.timed_out:
        what = f"docker stack deploy did not end within {effect.timeout_seconds:g} s"
        return Told(Result.UNKNOWN, words or what, problems.answer_lost(site, what, words))
    if problems.leader_lost(words):
        problem = problems.docker(site, "swarm.no-quorum", words)
        return Told(Result.UNKNOWN, words, problem)
    code = problems.docker_code(words, "", rc=result.rc)
    return Told(Result.FAILED, words, problems.docker(site, code, words) if code else None)


def scrubbed(words: str, secrets: Iterable[str]) -> str:
    """Return `words` without any of the secret values that Docker may have repeated."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            words = words.replace(secret, "***")
    return words
