"""Keeps the lock during a run: heartbeats, and a fresh proof for whoever is about to act.

A state machine that is asked what to send and told what came back; it waits for nothing itself.
Every proof is a compare-and-swap on the lock, so it also proves that the Swarm has a leader,
which a read does not: without quorum reads go on answering for seconds (swarmkit).
"""

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from orchestrator.engine.findings import lock_lost, lock_unreachable
from orchestrator.errors import Problem
from orchestrator.planning.plan import Step
from orchestrator.procedures.effects import (
    ConfigAnswer,
    ConfigResult,
    Holding,
    ReadConfig,
    StoredConfig,
    UpdateConfig,
)
from orchestrator.procedures.hold import LOCK, Hold, from_labels, session_of, to_labels
from orchestrator.procedures.signature import UNSIGNED, Signer

BEAT_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
"""How long a step waits for a proof while the coordinator's Swarm cannot be asked."""
_PAUSE_SECONDS = 1.0


class Keeper:
    """The lock as one process holds it. All times but those in `hold` are the backend's."""

    def __init__(
        self,
        site: str,
        lock: StoredConfig,
        hold: Hold,
        steps: Sequence[Step],
        signer: Signer = UNSIGNED,
    ) -> None:
        self.hold = hold
        self.lost: Problem | None = None
        self._site = site
        self._lock = lock
        self._steps = steps
        self._signer = signer
        self._asking: dict[str, float] = {}
        self._proving: dict[str, float] = {}
        self._sent_at: float | None = None
        self._reading = False
        self._next = 0.0
        self._trouble: Problem | None = None
        self._proved_at = -inf

    def unreachable(self, now: float) -> Problem | None:
        """Return why the lock has not been proved for PATIENCE_SECONDS, None where it has."""
        return self._trouble if now - self._proved_at >= PATIENCE_SECONDS else None

    @property
    def lock(self) -> StoredConfig:
        """The lock as this process last saw it."""
        return self._lock

    @property
    def due(self) -> float | None:
        """When there is something to send next; None while an answer is awaited or it is lost."""
        if self._sent_at is not None or self.lost is not None:
            return None
        return self._next

    def ask(self, name: str, now: float) -> Holding | None:
        """Ask for a proof not older than now.

        Returns:
            The answer if it is known already; else it comes out of `answered`.

        """
        if self.lost is not None:
            return Holding(held=False, asked=now, problem=self.lost)
        self._asking[name] = now
        if self._trouble is None:
            self._next = now
        return None

    def send(self, now: float, wall: float) -> ReadConfig | UpdateConfig | None:
        """Return what to send now, if its time has come."""
        if self.due is None or now < self._next:
            return None
        self._sent_at = now
        if self._reading:
            return ReadConfig(site=self._site, name=LOCK)
        self._proving |= self._asking
        self._asking = {}
        self.hold = replace(self.hold, beat=wall, beats=self.hold.beats + 1)
        lock = self._lock
        labels = self._signer.signed(to_labels(self.hold, self._steps), lock.id)
        return UpdateConfig(site=self._site, id=lock.id, version=lock.version, labels=labels)

    def answered(self, answer: ConfigAnswer, now: float) -> dict[str, Holding]:
        """Take in what came back.

        Returns:
            For each asker that can be told now, whether the lock is held.

        """
        sent = now if self._sent_at is None else self._sent_at
        self._sent_at = None
        if self._reading:
            return self._read(answer, now)
        if answer.result is ConfigResult.OK and answer.config is not None:
            return self._proved(answer.config, sent)
        self._trouble = answer.problem or lock_unreachable(self._site, self.hold.run, answer.words)
        self._reading, self._next = True, now
        return self._impatient(now)

    def _proved(self, lock: StoredConfig, sent: float) -> dict[str, Holding]:
        self._lock, self._trouble, self._proved_at = lock, None, sent
        self._next = sent if self._asking else sent + BEAT_SECONDS
        told = {name: Holding(held=True, asked=sent) for name in self._proving}
        self._proving = {}
        return told

    def _read(self, answer: ConfigAnswer, now: float) -> dict[str, Holding]:
        """See whose lock it is after a write that was not confirmed; write again if it is ours."""
        lock = answer.config
        if answer.result is ConfigResult.ABSENT or (lock is not None and not self._ours(lock)):
            self.lost = self._gone(lock)
            return self._all_told(now, self.lost)
        self._reading = lock is None
        if lock is not None:
            self._lock = lock
        self._next = now + _PAUSE_SECONDS
        return self._impatient(now)

    def _ours(self, lock: StoredConfig) -> bool:
        return lock.id == self._lock.id and session_of(lock) == self.hold.holder.session

    def _impatient(self, now: float) -> dict[str, Holding]:
        """Tell those who have waited long enough what the trouble is; there is some by now."""
        waiting = self._asking | self._proving
        late = [name for name, since in waiting.items() if now - since >= PATIENCE_SECONDS]
        for name in late:
            self._asking.pop(name, None)
            self._proving.pop(name, None)
        return {name: Holding(held=False, asked=now, problem=self._trouble) for name in late}

    def _all_told(self, now: float, problem: Problem) -> dict[str, Holding]:
        waiting = self._asking | self._proving
        self._asking, self._proving = {}, {}
        return {name: Holding(held=False, asked=now, problem=problem) for name in waiting}

    def _gone(self, lock: StoredConfig | None) -> Problem:
        other = from_labels(lock) if lock is not None else None
        who = f"{other.holder} took it over" if isinstance(other, Hold) else "somebody broke it"
        return lock_lost(self._site, self.hold.holder.session, who)
