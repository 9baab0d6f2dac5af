"""What somebody writes who can write configs on the coordinator's Swarm, and is no dtdeploy."""

from dataclasses import replace

from orchestrator.engine.alone import carry_alone
from orchestrator.engine.record import RunRecord, encode
from orchestrator.planning.plan import Command
from orchestrator.planning.premises import fingerprint, premises
from orchestrator.procedures.asking import ask_config
from orchestrator.procedures.effects import CreateConfig, ReadConfig, StoredConfig, UpdateConfig
from orchestrator.procedures.hold import LOCK, Hold, Holder, Phase, to_labels
from tests.simulated import Simulated

RUN = "20260101T000000-planted"
MALLORY = Holder(owner="ana", host="laptop", pid=1, session="planted")


def record_of(shared: Simulated, words: str = "down --all") -> RunRecord:
    """Return a record that takes everything down, whatever its words say."""
    return RunRecord(
        run=RUN,
        words=words,
        plan=shared.plan(Command.DOWN).plan,
        inventory=fingerprint(shared.inventory),
        rests_on=premises(shared.inventory, RUN),
        created=1.8e9,
        owner="ana",
    )


def plant(shared: Simulated, record: RunRecord, **labels: object) -> StoredConfig:
    """Put up a lock with `record` and labels that may say otherwise: nobody seems to be at it."""
    hold = Hold(
        run=record.run,
        words=record.words,
        holder=MALLORY,
        started=1.8e9,
        beat=1.8e9,
        phase=Phase.STOPPED,
    )
    said = replace(hold, **labels)  # type: ignore[arg-type] # keyword values are the caller's own
    create = CreateConfig(
        site=shared.inventory.coordinator,
        name=LOCK,
        labels=to_labels(said, record.plan.steps),
        data=encode(record),
    )
    made = carry_alone(shared.backend, ask_config(create)).config
    assert made is not None
    return made


def lock_of(shared: Simulated) -> StoredConfig | None:
    """Return the lock as it lies there."""
    read = ReadConfig(site=shared.inventory.coordinator, name=LOCK)
    return carry_alone(shared.backend, ask_config(read)).config


def relabel(shared: Simulated, **labels: str) -> None:
    """Write labels to the lock, "-" for "_" in their names; "" takes one away."""
    lock = lock_of(shared)
    assert lock is not None
    named = {f"dtdeploy.{name.replace('_', '-')}": value for name, value in labels.items()}
    kept = {name: value for name, value in (dict(lock.labels) | named).items() if value}
    update = UpdateConfig(
        site=shared.inventory.coordinator,
        id=lock.id,
        version=lock.version,
        labels=tuple(kept.items()),
    )
    assert carry_alone(shared.backend, ask_config(update)).config is not None
