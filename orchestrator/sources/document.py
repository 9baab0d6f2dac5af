"""YAML text as a tree in which every value knows its place.

Aliases share one subtree, so a file that multiplies itself stays as small as it is written.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from orchestrator.sources.findings import NOWHERE, Findings, Position
from orchestrator.sources.plain_scalar import Timestamp, Value, resolve, timestamp

MAX_BYTES = 1_000_000
_TAG = "tag:yaml.org,2002:"
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
"""Anchor and tag, which may stand before a scalar."""
_TAGGED = {
    "!!null": type(None),
    "!!bool": bool,
    "!!int": int,
    "!!float": float,
    "!!timestamp": Timestamp,
}
"""The tags that make something else than text of a scalar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A single value. `raw` is its text as the file has it, from quote to quote.

    `interpolated` says that a variable was put into it, `broken` that one had no value, which
    has been told; `secret` names the secret ones: their values never are in it.
    """

    value: Value
    at: Position
    raw: str = field(default="", repr=False, compare=False)
    interpolated: bool = False
    broken: bool = False
    secret: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A key and its value in a mapping."""

    key: str
    at: Position
    value: "Tree"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A mapping, merge keys resolved."""

    pairs: tuple[Pair, ...]
    at: Position

    def get(self, key: str) -> "Tree | None":
        """Return the value of `key`, None if there is none."""
        return next((pair.value for pair in self.pairs if pair.key == key), None)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A sequence."""

    items: tuple["Tree", ...]
    at: Position

    def __iter__(self) -> Iterator["Tree"]:
        return iter(self.items)


Tree = Scalar | Table | Series


def table(tree: Tree | None) -> Table:
    """Return the mapping, an empty one where there is none."""
    return tree if isinstance(tree, Table) else Table(pairs=(), at=NOWHERE)


def items(tree: Tree | None) -> tuple[Tree, ...]:
    """Return what a sequence holds, or the single value that stands in its place."""
    if tree is None:
        return ()
    return tree.items if isinstance(tree, Series) else (tree,)


def parse(content: bytes, findings: Findings) -> Table | None:
    """Read a YAML document whose top level is a mapping; None if it is not one.

    What is wrong goes to `findings`: not UTF-8, not YAML, more than MAX_BYTES, a key twice
    (Docker refuses it), a recursive alias, nesting beyond reason, a top level of another kind.
    """
    if len(content) > MAX_BYTES:
        findings.add("too-large", f"the file has {len(content)} bytes, {MAX_BYTES} is the limit")
        return None
    node = _compose(content, findings)
    if node is None:
        return None
    if not isinstance(node, MappingNode):
        findings.add("not-compose", "the top level must be a mapping", _at(node))
        return None
    tree = _Grower(findings).grow(node)
    return tree if isinstance(tree, Table) else None


def _compose(content: bytes, findings: Findings) -> Node | None:
    try:
        yaml = YAML(typ="safe", pure=True)
        # An anchor that is given anew is ordinary: what follows means the last one.
        yaml.composer.warn_double_anchors = False
        node: Node | None = yaml.compose(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        findings.add("not-yaml", "the file is not UTF-8 text", evidence=(str(error),))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Position(mark.line + 1, mark.column + 1) if mark else NOWHERE
        findings.add("not-yaml", f"this is not YAML: {error.problem or error.context}", place)
    except YAMLError as error:
        findings.add("not-yaml", "this is not YAML", evidence=(str(error),))
    except RecursionError:
        findings.add("not-yaml", "the file is nested too deeply to be read")
    else:
        if node is None:
            findings.add("not-compose", "the file is empty")
        return node
    return None


def _at(node: Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


class _Grower:
    """Turns YAML nodes into a tree, each node once."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._grown: dict[int, Tree] = {}
        self._growing: set[int] = set()

    def grow(self, node: Node) -> Tree:
        if id(node) in self._grown:
            return self._grown[id(node)]
        if id(node) in self._growing:
            self._findings.add("not-compose", "an alias contains itself", _at(node))
            return Scalar(value=None, at=_at(node))
        self._growing.add(id(node))
        self._grown[id(node)] = tree = self._new(node)
        self._growing.discard(id(node))
        return tree

    def _new(self, node: Node) -> Tree:
        if isinstance(node, MappingNode):
            return Table(pairs=tuple(self._pairs(node)), at=_at(node))
        if isinstance(node, SequenceNode):
            return Series(items=tuple(self.grow(item) for item in node.value), at=_at(node))
        return _scalar(node, self._findings)

    def _pairs(self, node: MappingNode) -> list[Pair]:
        own: dict[str, Pair] = {}
        merged: dict[str, Pair] = {}
        merges: list[Position] = []
        for key, value in node.value:
            if key.tag == f"{_TAG}merge":
                merges.append(_at(key))
                for pair in self._merged(value):
                    merged.setdefault(pair.key, pair)
            elif found := self._pair(key, value, own):
                own[found.key] = found
        for at in merges[1:]:
            self._second("<<", at, merges[0])
        return [*own.values(), *(pair for name, pair in merged.items() if name not in own)]

    def _pair(self, key: Node, value: Node, own: dict[str, Pair]) -> Pair | None:
        if not isinstance(key, ScalarNode) or not isinstance(_value(key), str):
            self._findings.add("not-compose", "a key must be a string", _at(key))
            return None
        if key.value in own:
            self._second(key.value, _at(key), own[key.value].at)
            return None
        return Pair(key=str(key.value), at=_at(key), value=self.grow(value))

    def _second(self, key: str, at: Position, first: Position) -> None:
        together = ", or merge both with `<<: [*a, *b]`" if key == "<<" else ""
        self._findings.add(
            "duplicate-key",
            f"the key {key!r} stands here a second time",
            at,
            fix=f"keep one; the first is on line {first.line}{together}",
        )

    def _merged(self, value: Node) -> list[Pair]:
        sources = value.value if isinstance(value, SequenceNode) else [value]
        trees = [self.grow(source) for source in sources]
        if not all(isinstance(tree, Table) for tree in trees):
            self._findings.add("not-compose", "only a mapping can be merged with <<", _at(value))
        return [pair for tree in trees if isinstance(tree, Table) for pair in tree]


def _scalar(node: Node, findings: Findings) -> Scalar:
    value = _value(node)
    if isinstance(value, _Untaken):
        findings.add("not-yaml", f"cannot decode `{node.value}` as a {value.tag}", _at(node))
        value = None
    if isinstance(value, float) and not math.isfinite(value):
        # "json: unsupported value", says docker's command.
        what = f"{node.value} is no number that Docker takes"
        findings.add("not-compose", what, _at(node), fix="put it in quotes")
        value = None
    return Scalar(value=value, at=_at(node), raw=_raw(node))


def _raw(node: Node) -> str:
    start, end = node.start_mark, node.end_mark
    return str(start.buffer[start.pointer : end.pointer]) if start.buffer else ""


@dataclass(frozen=True, slots=True)
class _Untaken:
    """A tag that the text it stands before does not fit."""

    tag: str


def _value(node: Node) -> Value | _Untaken:
    """Return what a scalar is: by its tag, else by its quotes, else by its text."""
    text = str(node.value)
    properties = _PROPERTIES.match(_raw(node))
    tags = [word for word in properties[0].split() if word.startswith("!")] if properties else []
    if not tags:
        return resolve(text) if not getattr(node, "style", "") else text
    (tag,) = tags
    wanted = _TAGGED.get(tag)
    if wanted is None:
        return text
    if tag == "!!timestamp":
        return timestamp(text) or _Untaken(tag)
    value = resolve(text)
    if tag == "!!float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value if type(value) is wanted else _Untaken(tag)
