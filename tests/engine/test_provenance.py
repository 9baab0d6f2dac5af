import base64
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.engine.journal import Entry, EntryKind
from orchestrator.engine.provenance import Origin, Provenance, key_missing, provenance
from orchestrator.engine.record import RunRecord, encode
from orchestrator.errors import ExitCode
from orchestrator.planning.plan import Step, StepKind
from orchestrator.procedures.effects import StoredConfig
from orchestrator.procedures.hold import LOCK, Hold, Holder, to_labels
from orchestrator.procedures.signature import RecordKey, Signature, Signer, digest_of
from tests.build import CLIENT, plan, unit_plan

KEY, OTHER = RecordKey(b"k" * 32), RecordKey(b"o" * 32)
STEPS = tuple(Step(id=name, kind=StepKind.GATE, site="far") for name in ("one", "two"))
RECORD = RunRecord(
    run="r1",
    words="restart --all",
    plan=plan(unit_plan(CLIENT), steps=STEPS),
    inventory="",
    created=1.8e9,
    owner="ana",
)
DATA = encode(RECORD)
HOLD = Hold(
    run="r1",
    words="restart --all",
    holder=Holder(owner="ana", host="laptop", pid=1, session="s1"),
    started=1.8e9,
    beat=1.8e9,
    done=frozenset({"one", "two"}),
)


def entry(kind: EntryKind, step: str = "", **body: Any) -> Entry:
    return Entry(at=1.8e9, kind=kind, step=step, body=body)


def opened(data: bytes = DATA) -> Entry:
    return entry(EntryKind.OPENED, record=base64.b64encode(data).decode())


BEGUN = (
    opened(),
    entry(EntryKind.LOCK, lock="taken"),
    entry(EntryKind.STEP, "one", state="done"),
    entry(EntryKind.STEP, "two", state="started"),
)


def judged(
    *entries: Entry,
    hold: Hold = HOLD,
    key: RecordKey | None = None,
    signed: RecordKey | None = None,
    config: str = "c1",
    required: bool = False,
) -> Provenance:
    labels = Signer(signed, digest_of(DATA)).signed(to_labels(hold, STEPS), config)
    lock = StoredConfig(id="c1", name=LOCK, version=1, labels=labels, data=DATA)
    return provenance(lock, hold, RECORD, entries, key, required=required)


def test_a_record_that_nothing_here_knows_is_unknown_and_has_to_be_expected() -> None:
    found = judged()
    assert (found.origin, found.refused, found.vouched) == (Origin.UNKNOWN, None, frozenset())
    assert found.expected == digest_of(DATA)
    assert not found.believed.labels


def test_a_record_that_this_machine_began_is_ours_with_what_it_saw_done() -> None:
    found = judged(*BEGUN)
    assert (found.origin, found.expected, found.vouched) == (Origin.OURS, "", frozenset({"one"}))
    assert not found.believed.labels


def test_what_the_labels_do_not_say_is_not_done_whatever_the_journal_says() -> None:
    """Another machine may have gone on, and taken it down again."""
    assert judged(*BEGUN, hold=replace(HOLD, done=frozenset())).vouched == frozenset()


@pytest.mark.parametrize(
    "entries",
    [
        (opened(b"another"), *BEGUN[1:]),
        (entry(EntryKind.OPENED), *BEGUN[1:]),
        (*BEGUN, entry(EntryKind.LOCK, lock="released")),
    ],
)
def test_another_record_of_its_name_is_not_ours_nor_one_that_is_over(
    entries: tuple[Entry, ...],
) -> None:
    found = judged(*entries)
    assert (found.origin, found.vouched) == (Origin.UNKNOWN, frozenset())


def test_one_that_was_kept_is_still_ours() -> None:
    assert judged(*BEGUN, entry(EntryKind.LOCK, lock="kept")).origin is Origin.OURS


def test_a_signature_that_holds_vouches_for_the_record_and_all_labels() -> None:
    found = judged(key=KEY, signed=KEY, required=True)
    assert (found.origin, found.signature) == (Origin.SIGNED, Signature.HOLDS)
    assert (found.vouched, found.refused, found.expected) == (HOLD.done, None, "")
    assert found.believed.labels


def test_a_wrong_signature_is_refused_whether_or_not_one_is_required() -> None:
    found = judged(*BEGUN, key=KEY, signed=OTHER)
    assert found.refused is not None
    assert found.refused.code == "lock.signature-wrong"
    assert "dtdeploy lock break r1" in found.refused.fix


def test_a_missing_signature_is_refused_only_where_one_is_required() -> None:
    assert judged(key=KEY).refused is None
    refused = judged(*BEGUN, key=KEY, required=True).refused
    assert refused is not None
    assert refused.code == "lock.signature-missing"
    assert "dtdeploy lock break r1" in refused.fix


def test_without_the_key_nobody_can_tell_where_one_is_required() -> None:
    assert judged(signed=KEY).refused is None
    refused = judged(*BEGUN, signed=KEY, required=True).refused
    assert refused is not None
    assert refused.code == "lock.key-missing"
    assert "DTDEPLOY_RECORD_KEY_FILE" in refused.fix
    assert "dtdeploy lock break r1" in refused.fix


def test_one_of_its_creation_may_be_an_old_one_unless_it_is_ours() -> None:
    """Whoever reads configs may keep it, and put it up again once the run is over."""
    ours = judged(*BEGUN, key=KEY, signed=KEY, config="", required=True)
    assert (ours.origin, ours.refused) == (Origin.SIGNED, None)
    over = (*BEGUN, entry(EntryKind.LOCK, lock="released"))
    refused = judged(*over, key=KEY, signed=KEY, config="", required=True).refused
    assert refused is not None
    assert refused.code == "lock.signature-missing"
    asked = judged(key=KEY, signed=KEY, config="")
    assert (asked.origin, asked.refused) == (Origin.UNKNOWN, None)


@pytest.mark.parametrize("hold", [replace(HOLD, words="restart app@far"), replace(HOLD, run="r2")])
def test_labels_that_tell_of_another_run_than_the_record_are_refused(hold: Hold) -> None:
    found = judged(*BEGUN, hold=hold)
    assert found.refused is not None
    assert (found.refused.code, found.refused.exit_code) == (
        "lock.labels-differ",
        ExitCode.SAFETY_REFUSED,
    )
    assert f"dtdeploy lock break {hold.run} " in found.refused.fix


def test_a_record_that_cannot_be_read_is_compared_with_nothing() -> None:
    lock = StoredConfig(id="c1", name=LOCK, version=1, labels=(), data=b"?")
    found = provenance(lock, HOLD, None, (), None, required=False)
    assert (found.origin, found.refused) == (Origin.UNKNOWN, None)


def test_that_the_key_is_missing_names_where_it_comes_from() -> None:
    assert "DTDEPLOY_RECORD_KEY" in key_missing().fix
