"""YAML text -> tree, as docker's command reads it.

libyaml scans it, from which go-yaml, Docker's library, was made; PyYAML hands on its events. What
they mean is decided here, for PyYAML follows YAML 1.1 where go-yaml does not.
"""

import base64
import binascii
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml  # type: ignore[import-untyped] # it has no types

from orchestrator.sources.document import Pair, Scalar, Series, Table, Tree
from orchestrator.sources.findings import NOWHERE, Findings, Position
from orchestrator.sources.plain_scalar import Timestamp, Value, resolve, timestamp

MAX_BYTES = 1_000_000
DEEPEST = 100
"""No file of compose has a tenth of it; Docker's own limit is 10,000, deeper than Python goes."""
_DIRECTIVE = re.compile(r"^%YAML[ \t]+(?!1\.1(?:\s|$))\S*", re.MULTILINE)
_SLASH = re.compile(r"(?<!\\)(?:\\\\)*\\/")
"""libyaml takes it as `/`; go-yaml does not."""
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_PREFIX = "tag:yaml.org,2002:"
_TAGGED = {"null": type(None), "bool": bool, "int": int, "float": float, "timestamp": Timestamp}
"""The tags that make something else than text of a scalar."""


class _UnreadableError(Exception):
    def __init__(self, what: str, at: Position) -> None:
        super().__init__(what)
        self.at = at


class _TooDeepError(Exception):
    def __init__(self, at: Position) -> None:
        super().__init__()
        self.at = at


def parse(content: bytes, findings: Findings) -> Table | None:
    """Read the first document of a YAML text, whose top level is a mapping; None if it is not one.

    What is wrong goes to `findings`: no text, not YAML, more than MAX_BYTES, a key twice
    (Docker refuses it), a recursive alias, nesting beyond reason, a top level of another kind.
    """
    if len(content) > MAX_BYTES:
        findings.add("too-large", f"the file has {len(content)} bytes, {MAX_BYTES} is the limit")
        return None
    try:
        text = _decoded(content)
        tree = _Builder(text, findings).document()
    except _UnreadableError as error:
        findings.add("not-yaml", f"this is not YAML: {error}", error.at)
    except _TooDeepError as error:
        what = f"nested more than {DEEPEST} levels deep; Docker would go on to read it"
        findings.add("too-large", what, error.at, fix="undo the nesting")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        findings.add("not-yaml", f"this is not YAML: {error.problem or error.context}", _at(mark))
    else:
        if isinstance(tree, Table):
            return tree
        if tree is None:
            findings.add("not-compose", "the file is empty")
        else:
            findings.add("not-compose", "the top level must be a mapping", tree.at)
    return None


def _decoded(content: bytes) -> str:
    """Return the text without its mark; only what YAML allows may stand in it."""
    encoding = "utf-16" if content.startswith(_UTF_16) else "utf-8"
    try:
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, "replace")
        what = f"the byte 0x{content[error.start]:02x} is no {encoding.upper()} text"
        raise _UnreadableError(what, _end(before)) from None
    if found := yaml.reader.Reader.NON_PRINTABLE.search(text):
        what = f"control characters are not allowed, and here stands U+{ord(found[0]):04X}"
        raise _UnreadableError(what, _end(text[: found.start()]))
    if found := _DIRECTIVE.search(text.partition("\n---")[0]):
        what = f"found incompatible YAML document ({found[0]}); Docker reads 1.1"
        raise _UnreadableError(what, _end(text[: found.start()]))
    return text


def _end(before: str) -> Position:
    lines = before.split("\n")
    return Position(len(lines), len(lines[-1]) + 1)


def _at(mark: yaml.Mark | None) -> Position:
    return Position(mark.line + 1, mark.column + 1) if mark else NOWHERE


@dataclass(frozen=True, slots=True)
class _Unfit:
    """A tag that the text it stands before does not fit."""

    tag: str


class _Builder:
    """Makes a tree of one document's events; aliases share what they stand for."""

    def __init__(self, text: str, findings: Findings) -> None:
        self._text = text
        self._findings = findings
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.CSafeLoader)
        self._known: dict[str, Tree] = {}
        self._growing: set[str] = set()
        self._depth = 0

    def document(self) -> Tree | None:
        """Return what stands in the first document, None if there is none."""
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        return self._tree(next(self._events))

    def _tree(self, event: yaml.Event) -> Tree:
        at = _at(event.start_mark)
        name = event.anchor
        if isinstance(event, yaml.AliasEvent):
            return self._meant(name, at)
        self._growing.add(name)
        tree = self._new(event, at)
        self._growing.discard(name)
        if name:
            self._known[name] = tree
        return tree

    def _meant(self, name: str, at: Position) -> Tree:
        if name in self._growing:
            self._findings.add("not-compose", "an alias contains itself", at)
            return Scalar(value=None, at=at)
        if name not in self._known:
            raise _UnreadableError(f"unknown anchor {name!r} referenced", at)
        return self._known[name]

    def _new(self, event: yaml.Event, at: Position) -> Tree:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _TooDeepError(at)
        tree = self._filled(event, at)
        self._depth -= 1
        return tree

    def _filled(self, event: yaml.Event, at: Position) -> Tree:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, at)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
                items.append(self._tree(item))
            return Series(items=tuple(items), at=at)
        return Table(pairs=tuple(self._pairs()), at=at)

    def _pairs(self) -> list[Pair]:
        own: dict[str, Pair] = {}
        merged: dict[str, Pair] = {}
        merges: list[Position] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._tree(event)
            value = self._tree(next(self._events))
            name = key.value if isinstance(key, Scalar) else None
            if not isinstance(name, str):
                self._findings.add("not-compose", "a key must be a string", key.at)
            elif name == "<<" and not getattr(event, "style", None):
                merges.append(key.at)
                for pair in self._merged(value):
                    merged.setdefault(pair.key, pair)
            elif name in own:
                self._second(name, key.at, own[name].at)
            else:
                own[name] = Pair(key=name, at=_at(event.start_mark), value=value)
        for at in merges[1:]:
            self._second("<<", at, merges[0])
        return [*own.values(), *(pair for name, pair in merged.items() if name not in own)]

    def _second(self, key: str, at: Position, first: Position) -> None:
        together = ", or merge both with `<<: [*a, *b]`" if key == "<<" else ""
        self._findings.add(
            "duplicate-key",
            f"the key {key!r} stands here a second time",
            at,
            fix=f"keep one; the first is on line {first.line}{together}",
        )

    def _merged(self, value: Tree) -> list[Pair]:
        trees = value.items if isinstance(value, Series) else (value,)
        if not all(isinstance(tree, Table) for tree in trees):
            self._findings.add("not-compose", "only a mapping can be merged with <<", value.at)
        return [pair for tree in trees if isinstance(tree, Table) for pair in tree]

    def _scalar(self, event: yaml.ScalarEvent, at: Position) -> Scalar:
        value = _value(event)
        if isinstance(value, _Unfit):
            raise _UnreadableError(f"cannot decode `{event.value}` as a {value.tag}", at)
        if isinstance(value, float) and not math.isfinite(value):
            # "json: unsupported value", says docker's command.
            what = f"{event.value} is no number that Docker takes"
            self._findings.add("not-compose", what, at, fix="put it in quotes")
            value = None
        raw = self._text[event.start_mark.index : event.end_mark.index]
        if event.style == '"' and _SLASH.search(raw):
            raise _UnreadableError("found unknown escape character `\\/`", at)
        return Scalar(value=value, at=at, raw=raw)


def _value(event: yaml.ScalarEvent) -> Value | _Unfit:
    """Return what a scalar is: by its tag, else by its quotes, else by its text."""
    text: str = event.value
    if event.tag in {None, "!"}:
        return text if event.style else resolve(text)
    return _tagged(event.tag.removeprefix(_PREFIX), text)


def _tagged(tag: str, text: str) -> Value | _Unfit:
    if tag == "binary":
        try:
            return base64.b64decode(text).decode(errors="replace")
        except binascii.Error:
            return _Unfit("!!binary")
    wanted = _TAGGED.get(tag)
    if wanted is None:
        return text
    if tag == "timestamp":
        return timestamp(text) or _Unfit("!!timestamp")
    value = resolve(text)
    if tag == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value if type(value) is wanted else _Unfit(f"!!{tag}")
