"""The file of a plan: whatever byte is changed, it is refused."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ExitCode, RefusedError
from orchestrator.planning.asked import Asked, OnFailure
from orchestrator.planning.plan import Command
from orchestrator.planning.plan_file import LARGEST_BYTES, MAJOR, MINOR, decode, encode, json_schema
from orchestrator.planning.selection import Request
from tests.planning.saved import ASKED, saved_plan

SAVED = saved_plan()
DATA, DIGEST = encode(SAVED)
SMALL, _ = encode(saved_plan(replace(ASKED, request=Request(sites=("far",)))))
EXAMPLES = Path(__file__).parent / "plans"


def refusal(data: bytes) -> str:
    with pytest.raises(RefusedError) as caught:
        decode(data)
    assert caught.value.exit_code is ExitCode.PLAN_STALE
    return caught.value.problems[0].code


def rewritten(change: dict[str, Any]) -> bytes:
    """Write the file anew with a right hash, as only dtdeploy should."""
    body = json.loads(DATA) | change
    body.pop("sha256")
    return _written({key: value for key, value in body.items() if value is not None})


def _written(body: dict[str, Any]) -> bytes:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = sha256(text.encode()).hexdigest()
    shown = json.dumps(body, sort_keys=True, indent=2, ensure_ascii=False)
    return f'{{\n  "sha256": "{digest}",\n{shown[2:]}\n'.encode()


def test_what_is_saved_is_read_back_with_its_hash() -> None:
    file = decode(DATA)
    assert file.saved == SAVED
    assert file.sha256 == DIGEST


def test_the_same_plan_gives_the_same_file() -> None:
    assert encode(SAVED) == encode(saved_plan()) == encode(decode(DATA).saved)


def test_the_file_is_for_people_too() -> None:
    lines = DATA.decode().splitlines()
    assert lines[1] == f'  "sha256": "{DIGEST}",'
    assert DATA.endswith(b"}\n")
    assert "ü" in encode(replace(SAVED, creator="ü@desk"))[0].decode()


@pytest.mark.parametrize("start", range(8))
def test_every_change_of_a_single_byte_is_refused(start: int) -> None:
    """Every place, each with a flipped bit, a space, a digit, a newline, and none at all."""
    step = 8
    for place in range(start, len(SMALL), step):
        was = SMALL[place]
        for value in {was ^ 1, was ^ 0x20, was ^ 0x80, 0x20, 0x30, 0x0A, 0x00} - {was}:
            assert refusal(SMALL[:place] + bytes([value]) + SMALL[place + 1 :])
        assert refusal(SMALL[:place] + SMALL[place + 1 :])
        assert refusal(SMALL[:place] + b" " + SMALL[place:])
    assert encode(decode(SMALL).saved)[0] == SMALL


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_any_byte_changed_to_any_other_is_refused(place: int, by: int) -> None:
    assert refusal(DATA[:place] + bytes([DATA[place] ^ by]) + DATA[place + 1 :])


def test_any_json_library_can_write_the_file_and_check_its_hash() -> None:
    body = json.loads(DATA)
    body.pop("sha256")
    assert _written(body) == DATA


def test_the_same_values_written_otherwise_are_refused() -> None:
    whole = json.loads(DATA)
    for other in (
        json.dumps(whole),
        json.dumps(whole, indent=2),
        DATA.decode().removesuffix("\n"),
        DATA.decode() + "\n",
        DATA.decode().replace("\n", "\r\n"),
        "\ufeff" + DATA.decode(),
    ):
        assert refusal(other.encode()) == "plan.altered"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "7",
        '{"version": "1.0"}',
        '{"version": 1}',
        '{"version": "one"}',
        '{"version": "1.0", "x": NaN}',
        '{"version": "1.0", "x": 1e999}',
        '{"version": "1.0", "sha256": "\\ud800"}',
        "[" * 100_000,
    ],
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    assert refusal(text.encode()) == "plan.altered"


def test_bytes_that_are_no_text_are_refused() -> None:
    assert refusal(b"\xff\xfe") == "plan.altered"


def test_what_is_larger_than_any_plan_is_refused_unread() -> None:
    with pytest.raises(RefusedError) as caught:
        decode(b" " * LARGEST_BYTES + DATA)
    assert "more than 32000000 bytes" in caught.value.problems[0].evidence[0]


def test_a_right_hash_does_not_make_a_plan_of_anything() -> None:
    assert refusal(rewritten({"plan": None})) == "plan.altered"
    assert refusal(rewritten({"created": "yesterday"})) == "plan.altered"


@pytest.mark.parametrize("version", [f"{MAJOR + 1}.0", f"{MAJOR}.{MINOR + 1}", "0.9"])
def test_a_plan_of_another_major_or_a_newer_minor_version_is_refused(version: str) -> None:
    assert refusal(rewritten({"version": version})) == "plan.too-new"


def test_what_later_versions_may_add_is_not_needed() -> None:
    """An older file of this major lacks keys that have a default; it is still whole."""
    without = rewritten({"images": None})
    assert decode(without).saved == replace(SAVED, images={})


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.name)
def test_plans_of_every_version_of_this_major_still_apply(path: Path) -> None:
    """Written by the dtdeploy of their time, never rewritten."""
    file = decode(path.read_bytes())
    assert file.saved.version == path.stem
    assert file.saved.plan.steps


def test_there_is_such_a_plan() -> None:
    assert (EXAMPLES / f"{MAJOR}.{MINOR}.json").exists()


FAR, SERVER = Request(sites=("far",)), Request(stacks=("app",))
ASKED_FOR = (
    ASKED,
    Asked(command=Command.DOWN, request=Request(units=("app@home",))),
    Asked(command=Command.RESTART, request=FAR, on_failure=OnFailure.RESTORE),
    Asked(command=Command.UP, request=SERVER, refs={"app": "v1"}),
)


@pytest.mark.parametrize("asked", ASKED_FOR, ids=lambda asked: asked.command.value)
def test_every_file_is_as_its_published_schema_says(asked: Asked) -> None:
    made = json.loads(encode(saved_plan(asked))[0])
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(made, json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(made | {"sha256": "x"}, json_schema())


def test_committed_schema_is_that_of_the_models() -> None:
    """After a change of the models: `dtdeploy inventory schema plan-file`."""
    committed = Path(__file__).parents[2] / "docs" / "schema" / "plan-file.schema.json"
    assert json.loads(committed.read_text(encoding="utf-8")) == json_schema()
