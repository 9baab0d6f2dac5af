"""Whose an unfinished run is, by what nobody at the coordinator's Swarm can write: pure.

Who can write configs there can plant a record, and write any labels. What vouches for them is a
signature with the fleet's key, or this machine's own journal of that run.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from orchestrator.command_line import PROGRAM, typed
from orchestrator.engine.journal import Entry, EntryKind
from orchestrator.engine.record import RunRecord
from orchestrator.errors import ExitCode, Problem
from orchestrator.planning.progress import Believed
from orchestrator.procedures.effects import StoredConfig
from orchestrator.procedures.hold import Hold
from orchestrator.procedures.signature import RecordKey, Signature, check, digest_of

KEY = "DTDEPLOY_RECORD_KEY"
KEY_FILE = "DTDEPLOY_RECORD_KEY_FILE"
_OVER = "released"
_UNTOUCHED = "nothing was touched"


class Origin(Enum):
    """What vouches for a record."""

    SIGNED = "signed"
    """A signature with the fleet's key, over its labels as well."""
    OURS = "this machine's journal"
    """This machine began the run or went on with it, with the very same record."""
    UNKNOWN = "nothing"
    """Nothing: somebody has to read what it does, or to know its digest, before it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Whose a record is. `refused` says why it is not gone on with, whoever says yes.

    `digest` is the record's, 64 hex digits. `vouched` are the ids of steps of which more than a
    bare label says that they are done.
    """

    origin: Origin
    digest: str
    signature: Signature
    vouched: frozenset[str] = frozenset()
    refused: Problem | None = None

    @property
    def believed(self) -> Believed:
        """What of the labels is believed although nothing that is seen agrees."""
        return Believed(labels=self.origin is Origin.SIGNED, done=self.vouched)

    @property
    def expected(self) -> str:
        """What whoever is not asked has to expect: the digest; "" where something vouches."""
        return self.digest if self.origin is Origin.UNKNOWN else ""


def provenance(
    lock: StoredConfig,
    hold: Hold,
    record: RunRecord | None,
    entries: Sequence[Entry],
    key: RecordKey | None,
    *,
    required: bool,
) -> Provenance:
    """Judge whose the run is that a lock is of.

    Args:
        lock: the lock as it was read.
        hold: what its labels say.
        record: what its data says, None where it cannot be read.
        entries: the journal of a run of that name on this machine.
        key: the fleet's key, if it is at hand.
        required: whether the inventory says that only signed records count.

    """
    signature = check(lock, key)
    ours = _is_ours(lock.data, entries)
    origin = Origin.OURS if ours else Origin.UNKNOWN
    if signature is Signature.HOLDS or (ours and signature is Signature.CREATED):
        origin = Origin.SIGNED
    vouched = hold.done if origin is Origin.SIGNED else hold.done & _done_by(entries, ours=ours)
    refused = _labels_differ(hold, record) or (
        _unsigned(hold.run, signature, origin, required=required)
    )
    return Provenance(
        origin=origin,
        digest=digest_of(lock.data),
        signature=signature,
        vouched=vouched,
        refused=refused,
    )


def _is_ours(data: bytes, entries: Iterable[Entry]) -> bool:
    """Whether the journal here is of this very record, and of a run that is not over."""
    ours = over = False
    for entry in entries:
        if entry.kind is EntryKind.OPENED and "record" in entry.body:
            ours = ours or entry.body["record"] == base64.b64encode(data).decode()
        elif entry.kind is EntryKind.LOCK:
            over = entry.body.get("lock") == _OVER
    return ours and not over


def _done_by(entries: Iterable[Entry], *, ours: bool) -> frozenset[str]:
    """Return the steps that this machine saw done, by the journal of a run that is its own."""
    done = (e.step for e in entries if e.kind is EntryKind.STEP and e.body.get("state") == "done")
    return frozenset(done) if ours else frozenset()


def _labels_differ(hold: Hold, record: RunRecord | None) -> Problem | None:
    """Say that a lock's labels tell of another run than its record, which would be carried out."""
    if record is None or (hold.run, hold.words) == (record.run, record.words):
        return None
    return Problem(
        code="lock.labels-differ",
        what="the lock's labels tell of another run than its record",
        exit_code=ExitCode.SAFETY_REFUSED,
        evidence=(
            f"labels: run {hold.run}, {PROGRAM} {hold.words}",
            f"record: run {record.run}, {PROGRAM} {record.words}",
            "no dtdeploy writes that: somebody else wrote to the coordinator's Swarm",
        ),
        fix=_given_up(hold.run),
        state_left=_UNTOUCHED,
        runbook="lock-held",
    )


def _unsigned(run: str, signature: Signature, origin: Origin, *, required: bool) -> Problem | None:
    """Say why a record does not count for want of a signature; None where it does."""
    if signature is Signature.WRONG:
        return _refused(
            "lock.signature-wrong",
            f"the signature on the lock of run {run} is wrong",
            "the record or a label was written without the fleet's key, or with another one",
            f"{_given_up(run)}   # or, with the key that it was begun with in {KEY}:"
            f" {typed('resume', run)}",
        )
    if not required or origin is Origin.SIGNED:
        return None
    if signature is Signature.UNCHECKED:
        return replace(
            key_missing(),
            what=f"whether run {run} is what it says cannot be told: the fleet's key is not here",
            fix=f"{key_missing().fix}, then {typed('resume', run)}; or give the run up:"
            f" {_given_up(run)}",
        )
    return _refused(
        "lock.signature-missing",
        f"the lock of run {run} is not signed with the fleet's key",
        "sites.yaml says `record_key: required`",
        _given_up(run),
    )


def key_missing() -> Problem:
    """Say that the inventory requires the fleet's key, and that it is not at hand."""
    return _refused(
        "lock.key-missing",
        "runs of this fleet are signed with a key, and it is not here",
        "sites.yaml says `record_key: required`",
        f"export {KEY_FILE}=FILE (that nobody else may read), or {KEY}",
    )


def _refused(code: str, what: str, evidence: str, fix: str) -> Problem:
    return Problem(
        code=code,
        what=what,
        exit_code=ExitCode.SAFETY_REFUSED,
        evidence=(evidence,),
        fix=fix,
        state_left=_UNTOUCHED,
        runbook="lock-held",
    )


def _given_up(run: str) -> str:
    return typed("lock", "break", run, "--because", "TEXT")
