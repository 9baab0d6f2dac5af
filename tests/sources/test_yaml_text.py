import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.fleet.unit import Unit
from orchestrator.sources.document import Scalar, Series, Table, Tree
from orchestrator.sources.findings import Findings, Position
from orchestrator.sources.plain_scalar import Timestamp
from orchestrator.sources.yaml_text import parse

UNIT = Unit("datatrail", "chime")


def read(text: str | bytes) -> tuple[Table | None, Findings]:
    findings = Findings("repo:a.yaml", UNIT)
    content = text if isinstance(text, bytes) else text.encode()
    return parse(content, findings), findings


def good(text: str) -> Table:
    tree, findings = read(text)
    assert findings.problems == ()
    assert tree is not None
    return tree


def plain(tree: Tree | None) -> object:
    match tree:
        case Table():
            return {pair.key: plain(pair.value) for pair in tree}
        case Series():
            return [plain(item) for item in tree]
        case Scalar(value=value):
            return value
    return None


def bad(text: str | bytes) -> tuple[str, str, str]:
    """Return the code, the words and the place of the only problem."""
    _, findings = read(text)
    [problem] = findings.problems
    return problem.code, problem.what, str(problem.where)


def test_reads_values_as_docker_does() -> None:
    tree = good(
        "a: text\nb: 12\nc: 1.5\nd: true\ne: ~\nf:\ng: yes\nh: 22:22\ni: 010\nj: 0x1f\n"
        "k: 1_000\nl: '12'\nm: 2020-01-01\no: [1, {p: q}]\nr: 08\ns: 0o17\nt: -3\n"
    )

    assert plain(tree) == {
        "a": "text",
        "b": 12,
        "c": 1.5,
        "d": True,
        "e": None,
        "f": None,
        "g": "yes",
        "h": "22:22",
        "i": 8,
        "j": 31,
        "k": 1000,
        "l": "12",
        "m": Timestamp("2020-01-01 00:00:00 +0000 UTC"),
        "o": [1, {"p": "q"}],
        "r": 8,
        "s": 15,
        "t": -3,
    }


def test_every_value_and_key_knows_its_place() -> None:
    tree = good("a:\n  - x\n  - {bb: 'y'}\n")

    [pair] = tree
    assert (pair.at, pair.value.at) == (Position(1, 1), Position(2, 3))
    assert isinstance(pair.value, Series)
    first, second = pair.value
    assert (first.at, second.at) == (Position(2, 5), Position(3, 5))
    assert isinstance(second, Table)
    assert (second.pairs[0].at, second.pairs[0].value.at) == (Position(3, 6), Position(3, 10))


def test_what_only_looks_like_a_number_is_text() -> None:
    tree = good(f"c: 0b_\nd: {'9' * 5000}\ne: 1e400\nf: 2020-13-01\n")

    assert plain(tree) == {"c": "0b_", "d": "9" * 5000, "e": "1e400", "f": "2020-13-01"}


def test_a_byte_order_mark_shifts_nothing() -> None:
    tree = good("\ufeffa: $x\n")

    scalar = tree.get("a")
    assert isinstance(scalar, Scalar)
    assert (tree.pairs[0].key, scalar.raw, scalar.at.line) == ("a", "$x", 1)


def test_merges_mappings_the_own_keys_first() -> None:
    tree = good(
        "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\none: {<<: *x, b: 3}\ntwo: {<<: [*x, *y], d: 4}\n"
    )

    assert plain(tree.get("one")) == {"b": 3, "a": 1}
    assert plain(tree.get("two")) == {"d": 4, "a": 1, "b": 1, "c": 2}


def test_an_alias_keeps_the_place_of_what_it_stands_for() -> None:
    tree = good("a: &a deep\nb: *a\n")

    b = tree.get("b")
    assert b is tree.get("a")
    assert b is not None
    assert b.at == Position(1, 4)


def test_aliases_that_multiply_cost_nothing() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)]

    tree = good("\n".join(lines))

    assert len(tree.pairs) == 60


@pytest.mark.parametrize(
    ("text", "code", "what", "where"),
    [
        ("", "not-compose", "the file is empty", "repo:a.yaml"),
        ("# nothing\n", "not-compose", "the file is empty", "repo:a.yaml"),
        ("- a\n", "not-compose", "the top level must be a mapping", "repo:a.yaml:1:1"),
        ("text\n", "not-compose", "the top level must be a mapping", "repo:a.yaml:1:1"),
        ("a: 1\nb: 2\na: 3\n", "duplicate-key", "the key 'a' stands here a second time", ":3:1"),
        ("a:\n  1: x\n", "not-compose", "a key must be a string", ":2:3"),
        ("a:\n  ? [x]\n  : y\n", "not-compose", "a key must be a string", ":2:5"),
        ("a: {<<: x}\n", "not-compose", "only a mapping can be merged with <<", ":1:9"),
        ("a: &a [*a]\n", "not-compose", "an alias contains itself", ":1:8"),
        ("a:\n\tb: 1\n", "not-yaml", "found character that cannot start any token", ":2:1"),
        ("a: [1,\n", "not-yaml", "this is not YAML: ", ":2:1"),
        ("a: *b\n", "not-yaml", "unknown anchor 'b' referenced", ":1:4"),
        (b"x: y\na: \xff\n", "not-yaml", "the byte 0xff is no UTF-8 text", ":2:4"),
        ("a: \x07\n", "not-yaml", "control characters are not allowed", ":1:4"),
        ("%YAML 1.2\n--- {a: b}\n", "not-yaml", "found incompatible YAML document", ":1:1"),
        ('a: "\\/"\n', "not-yaml", "found unknown escape character", ":1:4"),
        ("a: {<<: {}, <<: {}}\n", "duplicate-key", "the key '<<' stands here a second", ":1:13"),
        ("a: !!int x\n", "not-yaml", "cannot decode `x` as a !!int", ":1:4"),
        ("a: !!binary x\n", "not-yaml", "cannot decode `x` as a !!binary", ":1:4"),
        ("a: .inf\n", "not-compose", ".inf is no number that Docker takes", ":1:4"),
        (
            "[" * 5000,
            "too-large",
            "nested more than 100 levels deep; Docker would go on to read it",
            "repo:a.yaml:1:101",
        ),
        ("#" * 1_000_001, "too-large", "1000001 bytes, 1000000 is the limit", "repo:a.yaml"),
    ],
)
def test_says_what_is_wrong_and_where(text: str | bytes, code: str, what: str, where: str) -> None:
    found = bad(text)

    assert found[0] == f"source.{code}"
    assert what in found[1]
    assert found[2].endswith(where)


@given(st.text(max_size=60))
def test_any_text_is_a_mapping_or_a_problem(text: str) -> None:
    tree, findings = read(text.encode("utf-8", "replace"))

    assert tree is not None or findings.problems


@given(st.binary(max_size=40))
def test_any_bytes_are_a_mapping_or_a_problem(content: bytes) -> None:
    tree, findings = read(content)

    assert tree is not None or findings.problems


@pytest.mark.parametrize(
    "content",
    [
        b"a:\tb\n",
        b"a: b\n---\nc: d\n",
        b"a: b\n---\n",
        b"%YAML 1.1\n---\na: b\n",
        "a: b\n".encode("utf-16"),
        "\ufeffa: b\n".encode("utf-16-be"),
        b"\xef\xbb\xbfa: b\n",
        b"  a: b\n",
        b"a: !!binary Yg==\n",
        b"a: ! b\n",
    ],
)
def test_takes_what_docker_takes(content: bytes) -> None:
    findings = Findings("a.yaml", Unit("s", "x"))

    tree = parse(content, findings)

    assert findings.problems == ()
    assert tree is not None
    assert plain(tree) == {"a": "b"}
