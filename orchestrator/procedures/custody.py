"""Nothing is changed without a durable intent and a fresh proof that the lock is held.

Wrapped around every procedure of a run, so that no procedure can forget either.
"""

from dataclasses import replace

from orchestrator.errors import Problem
from orchestrator.procedures.asking import Asking, ask_journal, ask_lock, ask_mutate, ask_sleep
from orchestrator.procedures.effects import (
    Announce,
    Answer,
    Effect,
    Failed,
    Intend,
    Mutation,
    Outcome,
    Procedure,
    Result,
    Saw,
)

FRESH_SECONDS = 15.0
"""How old a proof of the lock may be when an effect begins. Whoever takes a lock from a run that
may still live waits as long before acting."""
WAIT_OUT_SECONDS = FRESH_SECONDS + 20.0
"""How long it takes until nothing of a former holder can arrive any more: what it had sent off
may travel until the kernel gives its connection up (TCP_USER_TIMEOUT in swarm/handshake.py)."""


def in_custody(procedure: Procedure) -> Procedure:
    """Carry out `procedure` so that each of its mutations comes after intent and proof.

    Ends in Failed, with the mutation not sent, when the intent cannot be written down or the
    lock is not held any more. A mutation that could not begin in time is answered with LATE:
    it did nothing, and what spoke for it has to be looked at again.
    """
    answer: object = None
    while True:
        try:
            effect: Effect = procedure.send(answer)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        if isinstance(effect, Mutation):
            told = yield from _mutate(effect)
            if isinstance(told, Problem):
                procedure.close()
                return Failed(problems=(told,))
            answer = told
        else:
            answer = yield effect


def _mutate(effect: Mutation) -> Asking[Answer | Problem]:
    unwritten = yield from ask_journal(Intend(effect=effect))
    if unwritten is not None:
        return unwritten
    answer = yield from _while_held(effect)
    if isinstance(answer, Answer):
        # What was seen matters less than what was meant: the Swarm can be asked again.
        yield from ask_journal(Saw(effect=effect, answer=answer))
        if isinstance(effect, Announce):
            # What was said stands nowhere else: no look at a Swarm brings it back. Whether the
            # lock still is ours, the next mutation asks again.
            yield from ask_lock()
    return answer


def _while_held(effect: Mutation) -> Asking[Answer | Problem]:
    """Send an effect once it is proved that the lock is held.

    What was seen before the effect was asked for ages while the proof is waited for, as long as
    a coordinator that cannot be asked, or a process that was stopped. So neither may be older
    than FRESH_SECONDS when the effect begins: else it is LATE, and has to be thought over.
    """
    began = yield from ask_sleep(0)
    holding = yield from ask_lock()
    if holding.problem is not None:
        return holding.problem
    now = yield from ask_sleep(0)
    if now - began > FRESH_SECONDS:
        words = f"{now - began:.0f} s passed until the lock was proved to be held"
        return Answer(result=Result.LATE, at=now, words=words)
    return (yield from ask_mutate(replace(effect, not_after=began + FRESH_SECONDS)))
