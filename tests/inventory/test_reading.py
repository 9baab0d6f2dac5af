import time

import pytest

from orchestrator.inventory.document import Document, Position
from orchestrator.inventory.reading import LARGEST_BYTES, read


def codes(document: Document) -> list[str]:
    return [f"{p.where} {p.code.removeprefix('inventory.')}" for p in document.problems]


def test_every_key_and_value_has_its_position() -> None:
    document = read(b"a:\n  - b: 1\n    c: [x, y]\n", "f")

    assert document.data == {"a": [{"b": 1, "c": ["x", "y"]}]}
    assert document.keys[("a", 0, "c")] == Position(3, 5)
    assert document.values[("a", 0, "c")] == Position(3, 8)
    assert document.values[("a", 0, "c", 1)] == Position(3, 12)


def test_where_of_something_absent_is_that_of_its_parent() -> None:
    document = read(b"a:\n  b: 1\n", "f")

    assert str(document.at(("a", "b", "c", 0))) == "f:2:6"
    assert str(document.at_key(("a", "z"))) == "f:2:3"


@pytest.mark.parametrize(
    "content",
    [b"a: 1\r\nb: 2\r\n", b"\xef\xbb\xbfa: 1\nb: 2\n", b"a: 1\nb: 2", b"---\na: 1\nb: 2\n...\n"],
    ids=["crlf", "utf-8 byte order mark", "no newline at the end", "document markers"],
)
def test_harmless_ways_to_write_are_read(content: bytes) -> None:
    document = read(content, "f")

    assert document.problems == ()
    assert document.data == {"a": 1, "b": 2}
    assert document.keys[("b",)].column == 1


def test_ten_megabytes_are_refused_at_once() -> None:
    started = time.process_time()

    document = read(b"a: 1\n" * 2_000_000, "f")

    assert codes(document) == ["f:1:1 too-large"]
    assert time.process_time() - started < 1


def test_largest_file_allowed_is_read() -> None:
    content = b"#" * (LARGEST_BYTES - 5) + b"\na: 1"

    assert read(content, "f").data == {"a": 1}
    assert not read(content + b"\n\n", "f").usable


@pytest.mark.parametrize(
    "content",
    [b"[" * 1000 + b"]" * 1000, b"".join(b"  " * n + b"a:\n" for n in range(1000))],
    ids=["brackets", "blocks"],
)
def test_depth_of_a_thousand_is_refused_without_recursion(content: bytes) -> None:
    document = read(content, "f")

    assert not document.usable
    assert [p.code for p in document.problems] == ["inventory.too-deep"]


def test_alias_bomb_does_not_go_off() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

    document = read("\n".join(lines).encode(), "f")

    assert {p.code for p in document.problems} == {"inventory.alias"}
    assert document.data == {"a0": ["x", "x"]} | {f"a{n}": [None] * 9 for n in range(1, 12)}


def test_reading_goes_on_after_a_duplicate_key() -> None:
    document = read(b"a: 1\na: {b: 2, b: 3}\nc: 4\n", "f")

    assert document.data == {"a": 1, "c": 4}
    assert codes(document) == ["f:2:1 duplicate-key", "f:2:11 duplicate-key"]
    assert document.incomplete == {()}


def test_utf16_without_mark_is_refused() -> None:
    document = read("version: 1\n".encode("utf-16-le"), "f")

    assert codes(document) == ["f:1:2 control-character"]


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\x9b", "\ufeff", "\uffff"])
def test_characters_yaml_forbids_are_refused_where_they_stand(character: str) -> None:
    document = read(f"a: 1\nb: é{character}\n".encode(), "f")

    assert codes(document) == ["f:2:5 control-character"]
