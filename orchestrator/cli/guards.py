"""Asking guards: programs on this machine, without a shell and not for ever, and HTTP."""

import subprocess
from collections.abc import Mapping

from orchestrator.engine.alone import carry_alone
from orchestrator.engine.ports import Backend
from orchestrator.fleet.guard import CommandGuard, Guard, GuardAnswer, HttpGuard
from orchestrator.procedures.asking import ask_probe
from orchestrator.procedures.effects import deciding
from orchestrator.sources.child import MOST_BYTES, Cut, end_session, heard

_MOST = 2000
"""Characters of output that are kept: its end, where a program says what it found."""
_SHOWN = 200


def ask_guard(
    guard: Guard, backend: Backend, coordinator: str, environment: Mapping[str, str]
) -> GuardAnswer:
    """Ask a guard, and wait for its answer; one that does not come is a no."""
    if isinstance(guard, HttpGuard):
        result = carry_alone(backend, ask_probe(deciding(coordinator, guard.probe)))
        agrees, words = result.ok, result.words
    else:
        agrees, words = _run(guard, environment)
    return GuardAnswer(name=guard.name, agrees=agrees, words=words, reason=guard.reason)


def leave_out(guard: Guard) -> GuardAnswer:
    """Return the answer of a guard that was not asked."""
    return GuardAnswer(name=guard.name, agrees=True, reason=guard.reason, asked=False)


def _run(guard: CommandGuard, environment: Mapping[str, str]) -> tuple[bool, str]:
    try:
        process = subprocess.Popen(  # noqa: S603 - the inventory's own words, and no shell
            guard.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
    except OSError as error:
        return False, f"{guard.command[0]}: {error.strerror}"
    ended = heard(process, seconds=guard.timeout_seconds, end=end_session)
    if ended.cut is Cut.LATE:
        return False, f"no answer within {guard.timeout_seconds:g} s"
    words = ended.out.decode(errors="replace").strip()[-_MOST:]
    if ended.cut is Cut.LONG:
        return False, f"it wrote more than {MOST_BYTES} bytes, and was ended: {words[-_SHOWN:]}"
    if ended.status == 0:
        return True, words
    return False, words or f"it ended with {ended.status} and said nothing"
