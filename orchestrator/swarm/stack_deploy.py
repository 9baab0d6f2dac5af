"""`docker stack deploy` on the manager, in the folder of the shipped release."""

import posixpath
import shlex
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

import structlog

from orchestrator.errors import FleetError, Problem
from orchestrator.procedures.effects import DeployStack, Result
from orchestrator.sources.findings import Findings
from orchestrator.sources.labelled_document import labelled
from orchestrator.sources.yaml_text import parse
from orchestrator.swarm import problems
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.mutate import Told
from orchestrator.swarm.problems import LostAnswerError
from orchestrator.swarm.release_shipping import RELEASES, manifest, ship
from orchestrator.swarm.remote_command import CommandResult

log = structlog.get_logger()

_SHORTEST_SECRET = 4
_WHOLE = "# whole"
_NOWHERE = "/dev/null/none"
"""Where no daemon can ever listen: whatever docker's command says of it, it names it."""
_REHEARSAL_SECONDS = 30.0
_NOT_THERE, _NOT_WHOLE = 66, 67
"""The release is not on this manager, or not as it was shipped; docker's command ends with 0, 1,
125 or 127."""

Run = Callable[[str, SshConnection, DeployStack, Mapping[str, str]], Told]
# `stack deploy --detach` exists, and is asked for by a warning, from CLI 26 on (docker/cli).
# Up to CLI 28 files that are named in a compose file are looked for where the command runs if it
# reads that file from stdin (docker/cli cli/command/stack/loader). So they are held against the
# release's manifest right before: somebody may have changed them since they were shipped.
_SCRIPT = f"""
set -e
cd "$HOME/{RELEASES}/$2" || exit {_NOT_THERE}
found=$(find . -type f | LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 sha256sum | sha256sum)
if [ "${{found%% *}}" != "$4" ]; then exit {_NOT_WHOLE}; fi
cd "./$3"
document=$(cat)
case $document in
    *"{_WHOLE}") ;;
    *) echo "the compose file did not arrive whole" >&2; exit 1 ;;
esac
major=$(docker --version | sed 's/^[^0-9]*\\([0-9]*\\).*/\\1/')
detach=
if [ "${{major:-0}}" -ge 26 ]; then detach=--detach=true; fi
printf '%s\\n' "$document" |
    docker $host stack deploy -c - --with-registry-auth $detach $prune $resolve "$1"
"""
_AGAIN = """
for name in $again; do docker service update --force --detach=true "$name" >/dev/null; done
"""


def document(effect: DeployStack) -> str | Problem:
    """Return what is deployed: the release's compose file with the effect's images and labels.

    One document, since merging two loses things: docker's command keeps one of `53:53/tcp` and
    `53:53/udp`, and of one config mounted twice (docker/cli compose/loader/merge.go).
    """
    release = effect.release
    findings = Findings(release.compose, release.unit)
    content = next(file.content for file in release.files if file.path == release.compose)
    root = parse(content, findings)
    if root is None or findings.problems:
        return findings.problems[0]
    return labelled(root, dict(effect.labels), dict(effect.images))


def script(effect: DeployStack, variables: Mapping[str, str], *, only_read: bool = False) -> str:
    """Return the script for the manager, which reads the document from its stdin.

    With `only_read`, docker's command finds no daemon once it has read the document. Neither
    variables nor the document stand on a command line or on disk. Should the connection break
    once sh has read all of both, the deploy is finished.
    """
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    release = effect.release
    folder = posixpath.dirname(release.compose) or "."
    digest = sha256(manifest(release)).hexdigest()
    given = shlex.join([effect.unit.stack, release.name, folder, digest])
    prune = f"prune={'--prune' if effect.prune else ''}"
    resolve = f"resolve={'' if effect.ask_registry else '--resolve-image=never'}"
    host = f"host='{f'-H unix://{_NOWHERE}' if only_read else ''}'"
    again = "" if only_read or not effect.again else f"again='{' '.join(effect.again)}'{_AGAIN}"
    return "\n".join((*exports, f"set -- {given}", prune, resolve, host, _SCRIPT, again))


def deploy(
    site: str, connection: SshConnection, effect: DeployStack, secrets: Mapping[str, str]
) -> Told:
    """Run the deploy. OK means that Docker took the specifications, not that anything runs.

    Args:
        site: named in problems.
        connection: to the site's manager.
        effect: what to deploy; its release is shipped once more if it is not there, or not as
            it was shipped.
        secrets: values of the effect's secret variables.

    Returns:
        OK; FAILED with Docker's words, or because the command could not be started;
        UNKNOWN when the answer was lost or the command's time was up.

    Raises:
        LateError: the effect's `not_after` was past; nothing was sent.

    """
    result = _run(connection, effect, secrets, only_read=False)
    if isinstance(result, CommandResult) and result.rc in (_NOT_THERE, _NOT_WHOLE):
        # It was brought to another manager of the same Swarm, which is gone; or was changed.
        if result.rc == _NOT_WHOLE:
            log.warning("release.damaged", site=site, release=effect.release.name)
        shipped = ship(site, connection, effect.release, not_after=effect.not_after)
        if shipped.result is Result.UNKNOWN:
            what = f"{connection.target.name} was lost while the release was brought there"
            return Told(
                Result.FAILED, shipped.words, problems.unreachable(site, what, shipped.words)
            )
        if shipped.result is not Result.OK:
            return shipped
        result = _run(connection, effect, secrets, only_read=False)
    if isinstance(result, Told):
        return result
    return _judged(site, effect, result, scrubbed(result.words, secrets.values()))


def rehearse(
    site: str, connection: SshConnection, effect: DeployStack, secrets: Mapping[str, str]
) -> Told:
    """Have the manager's docker command read what `effect` will deploy; nothing is touched.

    It reads and checks the whole file before it asks a daemon (docker/cli
    command/stack/deploy.go), by the rules of its own version.

    Args:
        site: named in problems.
        connection: to the site's manager.
        effect: what will be deployed; its release has been shipped.
        secrets: values of the effect's secret variables.

    Returns:
        OK when it would take the file; FAILED with its words; UNKNOWN when the answer was lost,
        or the command's time was up.

    """
    result = _run(connection, effect, secrets, only_read=True)
    if isinstance(result, Told):
        return result
    words = scrubbed(result.words, secrets.values())
    if result.timed_out:
        problem = problems.file_unread(site, effect.unit.stack, _rehearsal_seconds(effect), words)
        return Told(Result.UNKNOWN, words or problem.what, problem)
    if _NOWHERE in words or result.rc == 0:
        return Told(Result.OK)
    if code := problems.docker_code(words, "", rc=result.rc):
        return Told(Result.FAILED, words, problems.docker(site, code, words))
    return Told(Result.FAILED, words, problems.file_refused(site, effect.unit.stack, words))


def _run(
    connection: SshConnection, effect: DeployStack, secrets: Mapping[str, str], *, only_read: bool
) -> CommandResult | Told:
    """Have docker's command deploy, or only read; Told where it did not run to its end."""
    wanted = document(effect)
    if isinstance(wanted, Problem):
        return Told(Result.FAILED, wanted.what, wanted)
    text = script(effect, {**dict(effect.variables), **secrets}, only_read=only_read)
    try:
        return connection.run_script(
            text,
            stdin=f"{wanted}{_WHOLE}\n".encode(),
            deadline_seconds=_rehearsal_seconds(effect) if only_read else effect.timeout_seconds,
            not_after=effect.not_after,
        )
    except LostAnswerError as error:
        return Told(Result.UNKNOWN, str(error), error.problems[0])
    except FleetError as error:
        return Told(Result.FAILED, str(error), error.problems[0])


def _rehearsal_seconds(effect: DeployStack) -> float:
    return min(_REHEARSAL_SECONDS, effect.timeout_seconds)


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
