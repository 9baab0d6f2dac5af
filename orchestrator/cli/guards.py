"""Asking guards: programs on this machine, without a shell and not for ever, and HTTP."""

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress

from orchestrator.engine.alone import carry_alone
from orchestrator.engine.ports import Backend
from orchestrator.fleet.guard import CommandGuard, Guard, GuardAnswer, HttpGuard
from orchestrator.procedures.asking import ask_probe
from orchestrator.procedures.effects import deciding

_MOST = 2000
"""Characters of output that are kept: its end, where a program says what it found."""


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
    with process:
        try:
            out, _ = process.communicate(timeout=guard.timeout_seconds)
        except subprocess.TimeoutExpired:
            _end(process.pid)
            process.communicate()
            return False, f"no answer within {guard.timeout_seconds:g} s"
    words = out.decode(errors="replace").strip()[-_MOST:]
    if process.returncode == 0:
        return True, words
    return False, words or f"it ended with {process.returncode} and said nothing"


def _end(group: int) -> None:
    """Kill a program and all that it started and that stayed in its session."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
