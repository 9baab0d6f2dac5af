import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.engine.record import RunRecord, decode, encode
from orchestrator.errors import ExitCode, RefusedError
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.plan import LeftOut, Step, StepKind
from tests.build import CLIENT, SERVER, plan, unit_plan

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
