from dataclasses import replace

import pytest

from orchestrator.procedures.effects import StoredConfig
from orchestrator.procedures.hold import LOCK
from orchestrator.procedures.signature import (
    LABEL,
    UNSIGNED,
    RecordKey,
    Signature,
    Signer,
    check,
    digest_of,
)

KEY, OTHER = RecordKey(b"k" * 32), RecordKey(b"o" * 32)
DATA = b"the record"
LABELS = (("dtdeploy.run", "r1"), ("dtdeploy.touched", "no"))


def lock(key: RecordKey | None = KEY, config: str = "c1") -> StoredConfig:
    labels = Signer(key, digest_of(DATA)).signed(LABELS, config)
    return StoredConfig(id="c1", name=LOCK, version=1, labels=labels, data=DATA)


def test_what_was_signed_with_the_key_holds_in_whatever_order_docker_keeps_labels() -> None:
    assert check(lock(), KEY) is Signature.HOLDS
    turned = replace(lock(), labels=tuple(reversed(lock().labels)))
    assert check(turned, KEY) is Signature.HOLDS


def changed(name: str, value: str) -> StoredConfig:
    labels = dict(lock().labels) | {name: value}
    return replace(lock(), labels=tuple(labels.items()))


@pytest.mark.parametrize(
    "forged",
    [
        replace(lock(), data=b"down --all"),
        changed("dtdeploy.touched", "yes"),
        changed("dtdeploy.lost.far-w1", "{}"),
        changed(LABEL, "00"),
        changed(LABEL, "no hex ü"),
        replace(lock(), labels=tuple(item for item in lock().labels if item[0] != "dtdeploy.run")),
    ],
)
def test_neither_the_record_nor_a_label_can_be_another(forged: StoredConfig) -> None:
    assert check(forged, KEY) is Signature.WRONG


def test_another_key_makes_another_signature() -> None:
    assert check(lock(OTHER), KEY) is Signature.WRONG


def test_an_old_record_that_is_put_up_again_has_another_id() -> None:
    assert check(replace(lock(), id="c2"), KEY) is Signature.WRONG


def test_one_from_before_the_lock_had_an_id_says_that_it_may_be_an_old_one() -> None:
    assert check(lock(config=""), KEY) is Signature.CREATED


def test_without_a_key_nothing_is_signed_and_nothing_is_known() -> None:
    assert lock(None).labels == LABELS
    assert check(lock(None), KEY) is Signature.MISSING
    assert check(lock(), None) is Signature.UNCHECKED


def test_a_signature_of_before_does_not_stay_beside_other_labels() -> None:
    signed = lock().labels
    again = Signer(OTHER, digest_of(DATA)).signed(signed, "c1")
    assert [name for name, _ in again].count(LABEL) == 1
    assert UNSIGNED.signed(signed, "c1") == LABELS


def test_a_key_is_never_shown() -> None:
    assert "kkk" not in repr(Signer(KEY, ""))
