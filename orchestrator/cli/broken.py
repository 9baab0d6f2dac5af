"""Locks that were broken: what they held is kept on this machine, and can be put back."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace

from orchestrator.cli.approval import Approval, must_be_approved
from orchestrator.cli.journals import journal_of
from orchestrator.cli.looking import must_be_let_act
from orchestrator.cli.meeting import Found, understand
from orchestrator.cli.picking import must_fit
from orchestrator.cli.wiring import World
from orchestrator.command_line import typed
from orchestrator.engine.alone import carry_alone
from orchestrator.engine.findings import lock_held
from orchestrator.engine.gather import look_at
from orchestrator.engine.journal import Entry, EntryKind, Json
from orchestrator.errors import ExitCode, FleetError, Problem, RefusedError
from orchestrator.fleet.observed import Sight
from orchestrator.fleet.running import MIXED, origin
from orchestrator.planning.plan import Plan
from orchestrator.procedures.effects import StoredConfig
from orchestrator.procedures.hold import LOCK, Phase, from_labels, session_of, to_labels
from orchestrator.procedures.lock import take_lock
from orchestrator.procedures.signature import Signer, digest_of

_BROKEN, _AGAIN = "broken", "created again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A lock that was broken from this machine, as it was then."""

    found: Found
    again: bool
    """It was put back since."""


def save(world: World, found: Found, because: str) -> None:
    """Keep what a lock holds, before it is broken (JournalError when it cannot be)."""
    lock = found.lock
    with world.journals.open(journal_of(found.hold.run)) as journal:
        body: dict[str, Json] = {
            "how": _BROKEN,
            "by": str(world.holder),
            "words": found.hold.words,
            "because": because,
            "record": base64.b64encode(lock.data).decode(),
            "labels": dict(lock.labels),
            "id": lock.id,
            "version": lock.version,
        }
        journal.write(Entry(at=world.wall(), kind=EntryKind.OPENED, body=body))


def read_broken(world: World, run: str) -> Broken | None:
    """Read a lock that was broken from this machine; None when there is none of that run.

    Raises:
        JournalError: the journal cannot be read, or is damaged.
        RefusedError: another version of dtdeploy wrote the lock.

    """
    if journal_of(run) not in world.journals.runs():
        return None
    entries = world.journals.read(journal_of(run))
    broken = [n for n, entry in enumerate(entries) if entry.body.get("how") == _BROKEN]
    if not broken:
        return None
    # What was noted after the last breaking counts: a run may be broken more than once.
    again = any(entry.body.get("lock") == _AGAIN for entry in entries[broken[-1] :])
    return Broken(found=understand(world, _stored(entries[broken[-1]].body)), again=again)


def _stored(body: Mapping[str, Json]) -> StoredConfig:
    labels = body["labels"]
    if not isinstance(labels, Mapping):
        raise TypeError("a journal holds what this dtdeploy never wrote")
    return StoredConfig(
        id=str(body["id"]),
        name=LOCK,
        version=0,
        labels=tuple((name, str(value)) for name, value in labels.items()),
        data=base64.b64decode(str(body["record"])),
    )


def lock_again(world: World, run: str, approval: Approval) -> Found | None:
    """Put back the lock of `run`, which was broken from this machine, to go on with it.

    What vouched for its record when it was broken still does.

    Returns:
        None when there is nothing to put back.

    Raises:
        RefusedError: another run changed its units since (4), somebody took the lock (10), or it
            was not approved.
        FleetError: the coordinator's Swarm cannot be asked.

    """
    broken = read_broken(world, run)
    if broken is None or broken.again:
        return None
    record = broken.found.readable()
    must_fit(world, record)
    must_be_approved(broken.found, "resume", approval)
    _must_not_be_over(world, run, record.plan)
    must_be_let_act(world, record.plan)
    hold = replace(broken.found.hold, holder=world.holder, phase=Phase.STOPPED, beat=world.wall())
    site, data = world.inventory.coordinator, broken.found.lock.data
    labels = Signer(world.key, digest_of(data)).signed(to_labels(hold, record.plan.steps), "")
    lock = carry_alone(world.backend, take_lock(site, labels, data))
    if isinstance(lock, Problem):
        raise FleetError(lock)
    if session_of(lock) != world.holder.session:
        other = from_labels(lock)
        raise RefusedError(
            other if isinstance(other, Problem) else lock_held(other, site, world.wall())
        )
    with world.journals.open(journal_of(run)) as journal:
        journal.write(Entry(at=world.wall(), kind=EntryKind.LOCK, body={"lock": _AGAIN}))
    world.talk.say(f"the lock of run {run} was broken from here: it is put back")
    return replace(understand(world, lock), provenance=broken.found.provenance)


def _must_not_be_over(world: World, run: str, plan: Plan) -> None:
    """Refuse when a later run deployed any of the units: run ids sort by time."""
    looks = look_at(world.backend, (item.unit.site for item in plan.units))
    later = {}
    for item in plan.units:
        look = looks[item.unit.site]
        by = origin(item.unit, look).run if isinstance(look, Sight) else ""
        if by > run and by != MIXED:
            later[item.unit] = by
    if later:
        raise RefusedError(
            Problem(
                code="plan.stale",
                what=f"run {run} is overtaken: later runs deployed units of its plan",
                exit_code=ExitCode.PLAN_STALE,
                evidence=tuple(f"{unit} was deployed by run {by}" for unit, by in later.items()),
                fix=typed("status"),
                state_left="nothing was touched",
                runbook="run-stopped-half-way",
            )
        )
