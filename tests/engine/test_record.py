import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.engine.record import RunRecord, decode, encode, fingerprint
from orchestrator.errors import ExitCode, RefusedError
from orchestrator.fleet.desired import Policy, TcpProbe
from orchestrator.inventory.model import Inventory, Manager, SiteState, UnitSpec
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.plan import LeftOut, Step, StepKind
from tests.build import CLIENT, SERVER, inventory, plan, spec, unit_plan

PLAN = plan(
    unit_plan(SERVER, dangers=("ö",)),
    unit_plan(CLIENT),
    steps=(Step(id="a", kind=StepKind.REMOVE, site="far", unit=CLIENT, wait_seconds=40.5),),
    left_out=(LeftOut(unit=CLIENT, reason="cut", accepted=True),),
)
RECORD = RunRecord(
    run="r1",
    words="restart --all",
    plan=PLAN,
    inventory="f" * 64,
    created=1800000000.25,
    owner="ann",
    on_failure=OnFailure.RESTORE,
    because="new release",
)


def refused(data: bytes) -> tuple[str, str]:
    with pytest.raises(RefusedError) as found:
        decode(data)
    (problem,) = found.value.problems
    assert problem.exit_code is ExitCode.LOCK_HELD
    return problem.code, problem.evidence[0]


def rewritten(change: Callable[[dict[str, Any]], object]) -> bytes:
    outer = json.loads(zlib.decompress(encode(RECORD)))
    return zlib.compress(json.dumps(change(outer)).encode())


def test_what_another_machine_reads_is_what_was_written() -> None:
    assert decode(encode(RECORD)) == RECORD


def test_the_same_record_is_written_the_same() -> None:
    assert encode(RECORD) == encode(decode(encode(RECORD)))


def test_a_plan_that_no_swarm_keeps_is_refused_before_anything_happens() -> None:
    # What does not compress: each line its own.
    words = tuple(f"{n * 2654435761 % 2**32:08x}{n * 40503 % 65536:04x}" for n in range(90_000))
    large = replace(RECORD, plan=replace(PLAN, dangers=words))
    with pytest.raises(RefusedError) as found:
        encode(large)
    assert found.value.exit_code is ExitCode.SAFETY_REFUSED
    assert found.value.problems[0].code == "lock.record-too-large"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is cut, or larger than any plan"),
        (b"plain", "error"),
        (encode(RECORD)[:-1], "it is cut, or larger than any plan"),
        (encode(RECORD) + b"x", "it is cut, or larger than any plan"),
        (zlib.compress(b"{"), "JSONDecodeError"),
        (zlib.compress(b"\xff"), "UnicodeDecodeError"),
        (zlib.compress(b"[]"), "another version of dtdeploy wrote it"),
        (zlib.compress(bytes(50_000_001)), "it is cut, or larger than any plan"),
    ],
)
def test_what_is_damaged_is_never_guessed(data: bytes, why: str) -> None:
    assert refused(data) == ("lock.record-unreadable", why)


def test_each_flipped_bit_is_found() -> None:
    data = encode(RECORD)
    for index in range(0, len(data), 7):
        broken = bytearray(data)
        broken[index] ^= 1
        assert refused(bytes(broken))[0] == "lock.record-unreadable"


def test_another_versions_record_is_refused() -> None:
    assert refused(rewritten(lambda outer: outer | {"format": 2}))[1] == (
        "another version of dtdeploy wrote it"
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda outer: {"format": outer["format"]},
        lambda outer: outer | {"record": {**outer["record"], "plan": None}},
        lambda outer: outer | {"record": {**outer["record"], "on_failure": "panic"}},
    ],
)
def test_what_is_not_of_that_form_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    assert refused(rewritten(change))[1] == "ValidationError"


# Is it the inventory that the run was planned with?


def with_spec(**other: Any) -> Inventory:
    base = inventory()
    units = tuple(spec(CLIENT, SERVER, **other) if s.unit == CLIENT else s for s in base.units)
    return replace(base, units=units)


PROBE = TcpProbe(name="p", host="h", port=1)


@pytest.mark.parametrize(
    "other",
    [
        {"repo": "x"},
        {"compose": "x"},
        {"must_have": ("x",)},
        {"probes": (PROBE,)},
        {"requires": (PROBE,)},
        {"variables": (("A", "b"),)},
        {"secret_variables": ("A",)},
        {"announce": True},
        {"policy": Policy()},
        {"depends_on": ()},
    ],
)
def test_what_matters_to_a_run_tells_inventories_apart(other: dict[str, Any]) -> None:
    assert fingerprint(with_spec(**other)) != fingerprint(with_spec())


def test_sites_and_the_system_tell_them_apart_too() -> None:
    base = inventory()
    moved = replace(base.sites[0], manager=Manager(host="elsewhere"))
    others = [
        replace(base, managed_prefix="x"),
        replace(base, coordinator="far"),
        replace(base, sites=(moved, *base.sites[1:])),
        inventory(states={"far": SiteState.WATCHED}),
        replace(base, units=base.units[1:]),
    ]
    assert len({fingerprint(inv) for inv in (base, *others)}) == 6


def test_words_and_order_do_not() -> None:
    base = inventory()
    reworded = tuple(replace(s, description="x", position="y:1:1") for s in reversed(base.units))
    renoted = tuple(replace(s, note="x", position="z:1:1") for s in reversed(base.sites))
    same = replace(base, path="other.yaml", units=reworded, sites=renoted)
    assert fingerprint(same) == fingerprint(base)
    assert isinstance(reworded[0], UnitSpec)
