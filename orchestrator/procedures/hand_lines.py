"""Single lines for a shell: one thing done at one manager, or one look, or a wait with a deadline.

They need sh, ssh, git and tar here; there sh, docker, tar, grep, sed, tr, and curl for probes. How
Docker's words are read: `docker stack ps` of a stack that is gone says `nothing found in stack`
and ends with 1 (docs/swarm.md); any other line that names no ended task blocks, errors among them.

A task that was last seen on a node that is not Ready blocks as well, unless somebody answers for
that node: such nodes are given last, as `w1|w2`, and count only while they are not Ready.
"""

import shlex
from collections.abc import Iterable, Sequence

from orchestrator.fleet.ownership import Ownership
from orchestrator.inventory.model import Repo, UnitSpec
from orchestrator.procedures.hold import LOCK
from orchestrator.sources.address import parted

FOLDER = "by-hand"
_SSH = "-o ConnectTimeout=10 -o ServerAliveInterval=5"
_OF = "of=label=com.docker.stack.namespace=$s"
_OVER = '[ $((n=n-1)) -gt 0 ] || { echo "$s: waited in vain, stop here" >&2; exit 1; }; sleep 1'
_NODES = 'docker node ls --format "{{.Hostname}} {{.Status}}"'
_OPEN = (
    'docker stack ps --format "{{.Node}} {{.CurrentState}} {{.Name}}" %s 2>&1 |'
    ' grep -Eiv "^[^ ]* (complete|shutdown|failed|rejected|orphaned|remove)'
    '|^nothing found in stack"'
)
"""The tasks of a stack that have not ended, each with its node first; and errors."""
_BLIND = f'a=$({_NODES} | sed -n "/ Ready$/!s/ .*//p" | grep -Ex "$l" | tr "\\n" "|")-'
_ENDED = f'{{ {_BLIND}; ! {_OPEN % "$s"} | grep -qEv "^($a) "; }}'
_NONE_LEFT = (
    "left=$(docker service ls -q -f $of && docker ps -q -f $of{more})"
    ' && {{ [ -z "$left" ] || {{ echo "$s: $left"; false; }}; }}'
)
_KINDS = "".join(f" && docker {kind} ls -q -f $of" for kind in ("network", "secret", "config"))
_FULL = (
    "counts=$(docker stack services --format {{.Replicas}} $s)"
    r' && [ -n "$counts" ] && ! echo "$counts" | grep -qv "^\([0-9]*\)/\1\( .*\)*$"'
)
_TASKS = "$(docker stack ps -q -f desired-state=running $s)"
_PULL = (
    'sed -n "s/^ *image: *//p" {file} | sort -u |'
    ' while read -r image; do eval "docker pull -q $image" || exit 1; done'
)
_BODIES = {
    "ready": f'nodes=$({_NODES}) && echo "$nodes"'
    ' && r=$(echo "$nodes" | sed -n "s/ Ready$/|/p" | tr -d "\\n")-'
    f' && {{ ! for t in $(echo $s | tr , " "); do {_OPEN % "$t"}; done |'
    ' grep -Ev "^ |^($r|$l) " || { echo "they may run on, where nobody sees it: bring the node'
    " back; or, if its machine is off for certain, have this list made anew with"
    ' --accept-lost NODE@SITE --because TEXT" >&2; false; }; }',
    "gone": f"{_OF}; {_NONE_LEFT.format(more='')} && {_ENDED}",
    "rm_services": f'{_OF}; ids=$(docker service ls -q -f $of) && [ -z "$ids" ]'
    " || docker service rm $ids",
    "wait_ended": f"until {_ENDED}; do {_OVER}; done",
    "rm_rest": f"{_OF}; until {{ docker stack rm $s; {_NONE_LEFT.format(more=_KINDS)}; }};"
    f" do {_OVER}; done",
    "wait_running": f"until {_FULL}; do {_OVER}; done",
    "same_tasks": f'a={_TASKS} && sleep $n && [ -n "$a" ] && [ "$a" = "{_TASKS}" ]',
    "pull": 'cd "$s" && ' + _PULL.format(file='"$n"'),
}
"""What is done at a manager, by the name of the shell's function that has it done."""


def functions() -> tuple[str, ...]:
    """Return the definitions that all other lines rest on, for sh, bash and zsh.

    Each takes a host, most of them a stack, a number of seconds and nodes that are answered for
    behind it. Without `-n` ssh would eat the lines that were pasted after it.
    """
    return (
        f'on() {{ ssh -n {_SSH} "$@"; }}',
        f'into() {{ ssh {_SSH} "$@"; }}',
        *(
            f'{name}() {{ on "$1" "s=$2; n=$3; l=\'${{4:--}}\'; "{shlex.quote(body)}; }}'
            for name, body in _BODIES.items()
        ),
    )


def held(host: str) -> str:
    """Return the line that takes dtdeploy's lock, so that nobody's run comes in between."""
    return _fed('echo "by hand, $USER"', host, f"docker config create {LOCK} -")


def released(host: str) -> str:
    """Return the line that gives the lock back."""
    return at(host, f"docker config rm {LOCK}")


def ready(host: str, stacks: Iterable[str] = (), lost: Sequence[str] = ()) -> str:
    """Return the line that fails unless the manager answers and all of `stacks` can be seen.

    It prints what was last seen of them on nodes that are not Ready and not among `lost`.
    """
    words = ",".join(stacks)
    return _called("ready", host, *((words, 0, *_lost(lost)) if lost else (words,)))


def strangers(host: str, ownership: Ownership, declared: Iterable[str]) -> str:
    """Return the line that fails if a stack is ours by its name and not among `declared`."""
    known = " ".join(f"-e {stack}" for stack in declared)
    found = f'echo "$stacks" | grep -xE {_either(ownership.managed)} | grep -vxF {known}'
    if ownership.ignored:
        found += f" | grep -vxE {_either(ownership.ignored)}"
    return at(host, f"stacks=$(docker stack ls --format {{{{.Name}}}}) && ! {found}")


def _either(patterns: Iterable[str]) -> str:
    """Return patterns of names as one that grep -E knows; no character of theirs needs more."""
    words = (pattern.replace("*", ".*").replace("?", ".") for pattern in patterns)
    return f'"{"|".join(words)}"'


def gone(host: str, stack: str, lost: Sequence[str] = ()) -> str:
    """Return the line that fails unless nothing of the stack runs or is about to."""
    return _called("gone", host, stack, *((0, *_lost(lost)) if lost else ()))


def removed(host: str, stack: str) -> str:
    """Return the line that deletes the services of a stack, and nothing else yet."""
    return _called("rm_services", host, stack)


def ended(host: str, stack: str, seconds: int, lost: Sequence[str] = ()) -> str:
    """Return the line that waits until no task of the stack runs any more."""
    return _called("wait_ended", host, stack, seconds, *_lost(lost))


def cleared(host: str, stack: str, seconds: int) -> str:
    """Return the line that removes networks, secrets and configs, and waits until they are gone."""
    return _called("rm_rest", host, stack, seconds)


def replicated(host: str, stack: str, seconds: int) -> str:
    """Return the line that waits until every service runs as many tasks as it should."""
    return _called("wait_running", host, stack, seconds)


def stays(host: str, stack: str, seconds: int) -> str:
    """Return the line that fails unless the same tasks run before and after `seconds`."""
    return _called("same_tasks", host, stack, seconds)


def cloned(repo: Repo) -> str:
    """Return the line that fetches a repository; git asks for a login that its URL holds."""
    return f"git clone -q --bare {shlex.quote(parted(repo.url)[0])} {shlex.quote(repo.name)}.git"


def commit_of(repo: str, ref: str) -> str:
    """Return the line that shows the commit a ref leads to."""
    return f"git -C {shlex.quote(repo)}.git log -1 --oneline {shlex.quote(ref)} --"


def shipped(host: str, spec: UnitSpec, ref: str) -> str:
    """Return the line that brings all of a repository to a unit's manager.

    A compose file may refer to what lies outside of its own folder (`../env/common.env`), and
    without git's copy nobody has read here to what: what is missing is found missing too late.
    """
    words = ["git", "-C", f"{spec.repo}.git", "archive", ref]
    there = shlex.quote(f"{FOLDER}/{spec.unit.stack}")
    words_there = f"rm -rf {there} && mkdir -p {there} && tar -x -C {there}"
    return _fed(shlex.join(words), host, words_there)


def pulled(host: str, spec: UnitSpec) -> str:
    """Return the line that pulls every image that a compose file names, its variables filled in."""
    folder, file = _place(spec)
    if not (spec.variables or spec.secret_variables):
        return _called("pull", host, _there(spec, folder), file)
    return _with_variables(host, spec, _PULL.format(file=shlex.quote(file)))


def deployed(host: str, spec: UnitSpec) -> str:
    """Return the line that deploys a unit from the files that were shipped."""
    _, file = _place(spec)
    words = ["docker", "stack", "deploy", "-c", file, "--with-registry-auth", spec.unit.stack]
    return _with_variables(host, spec, shlex.join(words))


def secret_there(name: str) -> str:
    """Return the line that fails unless this shell's environment has the secret."""
    return f': "${{{name}:?type first: read -rs {name}}}"'


def patiently(command: str, seconds: int, words: str) -> str:
    """Return the line that waits until a command of this shell succeeds."""
    return f"( {_waiting(command, seconds, words)} )"


def at(host: str, words: str) -> str:
    """Return the line that has `words` done at a manager."""
    return f"on {shlex.quote(host)} {shlex.quote(words)}"


def _fed(source: str, host: str, words: str) -> str:
    return f"{source} | into {shlex.quote(host)} {shlex.quote(words)}"


def _waiting(condition: str, seconds: int, words: str) -> str:
    over = f'{{ echo "{words}" >&2; exit 1; }}'
    return f"n={seconds}; until {condition}; do [ $((n=n-1)) -gt 0 ] || {over}; sleep 1; done"


def _lost(nodes: Sequence[str]) -> tuple[str, ...]:
    return ("|".join(nodes),) if nodes else ()


def _called(name: str, host: str, *given: object) -> str:
    return shlex.join((name, host, *map(str, given)))


def _there(spec: UnitSpec, folder: str) -> str:
    return "/".join(part for part in (FOLDER, spec.unit.stack, folder) if part)


def _place(spec: UnitSpec) -> tuple[str, str]:
    """Return the folder of a unit's compose file in its repository, and the file's name."""
    folder, _, file = spec.compose.rpartition("/")
    return folder, file


def _with_variables(host: str, spec: UnitSpec, words: str) -> str:
    """Return the line that has `words` done beside the compose file, with the unit's variables.

    Secrets go through the input: a command line can be read by everybody on a machine.
    """
    folder, _ = _place(spec)
    given = [f"export {name}={shlex.quote(value)}" for name, value in spec.variables]
    secret = spec.secret_variables
    given = [*(f"read -r {name} && export {name}" for name in secret), *given]
    done = " && ".join((f"cd {shlex.quote(_there(spec, folder))}", *given, words))
    if not secret:
        return at(host, done)
    values = " ".join(f'"${name}"' for name in secret)
    return _fed(f"printf '%s\\n' {values}", host, done)
