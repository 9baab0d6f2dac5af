"""The audit log on a manager: one line an effect, in ~/.dtdeploy/audit.log, bounded in size."""

from orchestrator.errors import ExitCode, FleetError, Problem, Where
from orchestrator.procedures.effects import AuditLog, Result
from orchestrator.swarm import problems
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.mutate import Told
from orchestrator.swarm.problems import LostAnswerError
from orchestrator.swarm.remote_command import Question

MOST_BYTES = 1024 * 1024
_SECONDS = 15.0
_MOST_LINE_BYTES = 4000
_SCRIPT = f"""
# Only what coreutils and busybox share: sh, cat, df, mkdir, mv, rm, sync, tail, wc. And flock,
# where there is one.
set -eu
umask 077
folder=$HOME/.dtdeploy
log=$folder/audit.log
line=$(cat)
mkdir -p "$folder"
# Who appends while another halves the log would append to the old one.
exec 9>>"$folder/audit.lock"
flock 9 2>/dev/null || :
# What a full disk cut short must not run into this line.
if [ -s "$log" ] && [ -n "$(tail -c 1 "$log")" ]; then echo >>"$log"; fi
# sh says of a full disk only "I/O error".
printf '%s\\n' "$line" >>"$log" || {{ rc=$?; df -Pk "$folder" >&2; exit "$rc"; }}
half=$folder/audit.half.$$ new=$folder/audit.new.$$
halve() {{
    # One byte more: it tells whether the half begins with a line.
    tail -c {MOST_BYTES // 2 + 1} "$log" >"$half" &&
        tail -n +2 "$half" >"$new" &&
        {{ sync "$new" 2>/dev/null || sync; }} &&
        mv -f "$new" "$log"
}}
if [ "$(wc -c <"$log")" -gt {MOST_BYTES} ]; then
    halve || echo 'the log is above its bound and could not be halved'
    rm -f "$folder"/audit.half.* "$folder"/audit.new.*
fi
"""


def harmless(line: str) -> str:
    """Return `line` as one line of bounded length without control characters.

    What a terminal would act on instead of showing it (line breaks, escapes, changes of the
    writing direction) is spelled out as in Python.
    """
    shown = "".join(sign if sign.isprintable() else _spelled(sign) for sign in line)
    return shown.encode()[:_MOST_LINE_BYTES].decode(errors="ignore")


def _spelled(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")


def write(site: str, connection: SshConnection, line: str) -> Told:
    """Append a line. It goes over stdin: no process list shows it.

    Above 1 MiB the log is replaced, at once, by the newer half of its lines.

    Returns:
        OK; FAILED with the manager's own words (disk full, no rights); UNKNOWN when the answer
        was lost or the command's time was up.

    """
    stdin = harmless(line).encode()
    try:
        result = connection.run_script(_SCRIPT, stdin=stdin, deadline_seconds=_SECONDS)
    except LostAnswerError as error:
        return Told(Result.UNKNOWN, str(error), error.problems[0])
    except FleetError as error:
        return Told(Result.FAILED, str(error), error.problems[0])
    if result.rc == 0:
        return Told(Result.OK, result.words)
    words = result.words or f"exit code {result.rc}"
    if result.timed_out:
        what = f"the audit log was not written within {_SECONDS:g} s"
        return Told(Result.UNKNOWN, words, problems.answer_lost(site, what, words))
    return Told(Result.FAILED, words, _problem(site, words))


_READ = Question("audit", f'tail -c {MOST_BYTES} "$HOME/.dtdeploy/audit.log" 2>/dev/null || :')


def read(site: str, connection: SshConnection) -> AuditLog:
    """Return the newest lines, up to 1 MiB of them; none where no log is.

    What stands there may come from anybody who has an account at the manager.

    Raises:
        FleetError: it cannot be read.

    """
    said = connection.read(_READ, deadline_seconds=_SECONDS)
    lines = said.stdout.decode(errors="replace").split("\n")
    whole = lines if len(said.stdout) < MOST_BYTES else lines[1:]
    return AuditLog(site=site, lines=tuple(harmless(line) for line in whole if line.strip()))


def _problem(site: str, words: str) -> Problem:
    return Problem(
        code="audit.not-written",
        what="the audit log on the manager could not be written",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site=site),
        evidence=(words,),
        fix="on the manager: df -h ~ ; ls -la ~/.dtdeploy",
        runbook="run-stopped-half-way",
    )
