"""The lock and the journal of one process's part in a run: taken, taken over, kept, released."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from orchestrator.engine.alone import carry_alone
from orchestrator.engine.findings import lock_held
from orchestrator.engine.journal import Entry, EntryKind, Json
from orchestrator.engine.means import Means
from orchestrator.engine.record import RunRecord
from orchestrator.errors import ExitCode, JournalError, Problem
from orchestrator.procedures.asking import Asking, ask_config, ask_sleep
from orchestrator.procedures.effects import StoredConfig, UpdateConfig
from orchestrator.procedures.hold import Goal, Hold, Phase, from_labels, session_of, to_labels
from orchestrator.procedures.lock import PATIENCE_SECONDS, release_lock, take_lock, write_lock
from orchestrator.procedures.signature import UNSIGNED, Labels, Signer, digest_of
from orchestrator.procedures.told import News, Sent, Told, about

T = TypeVar("T")


class Tenure:
    """Holds the lock on the coordinator's Swarm for one process.

    `problems` are those met on the way that did not stop it.
    """

    def __init__(self, means: Means, site: str, record: RunRecord) -> None:
        self.problems: list[Problem] = []
        self._means = means
        self._site = site
        self._record = record
        self._unreachable: Problem | None = None
        self._signer = UNSIGNED

    @property
    def signer(self) -> Signer:
        """What signs the labels of the lock, once it is taken or taken over."""
        return self._signer

    @property
    def unreachable(self) -> Problem | None:
        """Why nothing more is written to the coordinator's Swarm, if it cannot be reached."""
        return self._unreachable

    def give_up(self, problem: Problem) -> None:
        """Write nothing more to the coordinator's Swarm: it has been waited for long enough."""
        self._unreachable = problem

    def begin(self, data: bytes) -> tuple[StoredConfig, Hold] | Problem:
        """Take the lock for a new run, whose encoded record is `data`.

        Raises:
            JournalError: nothing can be written down; the lock was not asked for.

        """
        now = self._means.wall()
        self._signer = Signer(self._means.key, digest_of(data))
        self._open("begun", data, self._by_hand(now))
        hold = Hold(
            run=self._record.run,
            words=self._record.words,
            holder=self._means.holder,
            started=now,
            beat=now,
            told=self._by_hand(now),
        )
        taking = take_lock(self._site, self._labels(hold, ""), data)
        with self._means.watch.waiting(f"the lock on {self._site}"):
            lock = carry_alone(self._means.backend, taking)
        if isinstance(lock, Problem):
            return lock
        if session_of(lock) != self._means.holder.session:
            other = from_labels(lock)
            return other if isinstance(other, Problem) else self._held(other)
        self.log(EntryKind.LOCK, {"lock": "taken", "id": lock.id})
        return lock, hold

    def take_over(
        self,
        lock: StoredConfig,
        hold: Hold,
        goal: Goal,
        *,
        wait_seconds: float,
        signs: bool = True,
    ) -> tuple[StoredConfig, Hold] | Problem:
        """Make somebody's lock, or an earlier process's own, this process's.

        `wait_seconds`: for how long something of the former holder may still begin: all that it
        was about to begin is seen after that. WAIT_OUT_SECONDS where it may live. `signs`: all that
        the labels say is vouched for; else nothing is signed until `sign`.

        Raises:
            JournalError: nothing can be written down; the lock was left alone.

        """
        self._signer = Signer(self._means.key if signs else None, digest_of(lock.data))
        self._open("resumed", lock.data, hold.told)
        mine = replace(
            hold,
            holder=self._means.holder,
            beat=self._means.wall(),
            beats=hold.beats + 1,
            phase=Phase.PREFLIGHT,
            goal=goal,
        )
        held = self.write(lock, mine)
        if not isinstance(held, StoredConfig):
            return held or self._held(hold)
        down: dict[str, Json] = {str(unit): since for unit, since in hold.down}
        body: dict[str, Json] = {"lock": "taken over", "from": str(hold.holder), "down": down}
        self.log(EntryKind.LOCK, body)
        if wait_seconds:
            words = f"what {hold.holder} may have begun"
            with self._means.watch.waiting(words, at_most=wait_seconds):
                carry_alone(self._means.backend, ask_sleep(wait_seconds))
        return held, mine

    def sign(self) -> None:
        """Sign from now on what the lock says, since it is judged by what is seen."""
        self._signer = replace(self._signer, key=self._means.key)

    def write(self, lock: StoredConfig, hold: Hold) -> StoredConfig | Problem | None:
        """Write what the run is at to its lock; None when it is not ours any more."""
        what = f"the lock on {self._site} to be written"
        return self.note(what, write_lock(self._site, lock, self._labels(hold, lock.id)))

    def note(self, what: str, procedure: Asking[T]) -> T | Problem:
        """Carry out `procedure`, which writes to the coordinator's Swarm; `what` is waited for.

        Once one has found that the Swarm cannot be reached, or has waited for it in vain, none is
        begun any more: each would wait as long again, and tell nothing new.
        """
        if self._unreachable is not None:
            procedure.close()
            return self._unreachable
        backend = self._means.backend
        began = backend.now()
        with self._means.watch.waiting(what, at_most=PATIENCE_SECONDS):
            told = carry_alone(backend, procedure)
        if isinstance(told, Problem):
            silent = backend.now() - began >= PATIENCE_SECONDS
            if silent or told.exit_code is ExitCode.SITE_UNREACHABLE:
                self._unreachable = told
        return told

    def keep(self, lock: StoredConfig, hold: Hold) -> None:
        """Leave the lock, saying that nobody is at it any more; tried once only.

        A lock that does not say so is found stale after a while all the same.
        """
        wall = self._means.wall()
        left = replace(hold, phase=Phase.STOPPED, beat=wall, beats=hold.beats + 1)
        labels = self._labels(left, lock.id)
        update = UpdateConfig(site=self._site, id=lock.id, version=lock.version, labels=labels)
        self.note("the lock to say that the run stopped", ask_config(update))
        self.log(EntryKind.LOCK, {"lock": "kept"})

    def release(self, lock: StoredConfig) -> None:
        """Release the lock."""
        problem = self.note("the lock to be released", release_lock(self._site, lock))
        if problem is not None:
            self.problems.append(problem)
        self.log(EntryKind.LOCK, {"lock": "released" if problem is None else "unknown"})

    def log(self, kind: EntryKind, body: Mapping[str, Json]) -> None:
        """Write to the journal; what cannot be written is a problem, and stops nothing."""
        try:
            self._means.journal.write(Entry(at=self._means.wall(), kind=kind, body=body))
        except JournalError as error:
            self.problems += [p for p in error.problems if p not in self.problems]

    def _open(self, how: str, data: bytes, told: tuple[Told, ...]) -> None:
        """Begin to write; from here on it is known that this disk takes what is written."""
        body: dict[str, Json] = {
            "how": how,
            "by": str(self._means.holder),
            "words": self._record.words,
            **_announced_by_hand(told),
            **_answered_for(self._record),
            "record": base64.b64encode(data).decode(),
        }
        self._means.journal.write(Entry(at=self._means.wall(), kind=EntryKind.OPENED, body=body))

    def _by_hand(self, now: float) -> tuple[Told, ...]:
        words = self._record.plan.notice.announced
        if not words:
            return ()
        return (Told(news=News.BEFORE, sent=Sent.BY_HAND, at=now, words=words),)

    def _labels(self, hold: Hold, config: str) -> Labels:
        return self._signer.signed(to_labels(hold, self._record.plan.steps), config)

    def _held(self, other: Hold) -> Problem:
        return lock_held(other, self._site, self._means.wall())


def _answered_for(record: RunRecord) -> dict[str, Json]:
    """Return the nodes that somebody answers for and why; nothing where there are none."""
    names = [node.name for node in record.plan.lost if node.accepted]
    return {"accepted_lost": names, "because": record.because} if names else {}


def _announced_by_hand(told: tuple[Told, ...]) -> dict[str, Json]:
    before = about(told, News.BEFORE)
    by_hand = before is not None and before.sent is Sent.BY_HAND
    return {"announced": before.words} if before is not None and by_hand else {}
