"""YAML text -> Document, from ruamel's stream of events.

Built by hand from events, without recursion, because a constructor would expand aliases,
keep only the last of two equal keys or stop at the first defect, and overflow the stack on
deep nesting. Anchors, aliases and tags are refused: an inventory says what it means.
"""

from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark
from ruamel.yaml.events import (
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from orchestrator.errors import Problem, Where
from orchestrator.inventory.document import Data, Document, Position, Trail, complaint
from orchestrator.inventory.quoting import quoted
from orchestrator.inventory.scalars import Ambiguous, Scalar, meaning
from orchestrator.inventory.syntax import syntax_problem

DEEPEST = 12
AMBIGUOUS = "ambiguous-word"


class _Unusable(Exception):  # noqa: N818 - never leaves this module: it ends the reading
    """Reading on makes no sense; the problem has been noted."""


@dataclass(slots=True, kw_only=True)
class _Open:
    """A mapping or list whose end has not come yet."""

    trail: Trail
    data: dict[str, Data] | list[Data]
    start: Position
    flow: bool
    detached: bool
    """It hangs on an unusable key: read for its own defects, then dropped."""
    key: str | None = None
    dropping: bool = False
    """The next value belongs to an unusable key."""

    @property
    def awaits_key(self) -> bool:
        """Whether the next node is a mapping's key."""
        return isinstance(self.data, dict) and self.key is None and not self.dropping

    def next_trail(self) -> Trail:
        """Return where the next value belongs."""
        return (*self.trail, len(self.data) if isinstance(self.data, list) else self.key or "")

    def put(self, value: Data) -> None:
        """Add the value that the last key, or the list, was waiting for."""
        if isinstance(self.data, list):
            self.data.append(value)
        elif self.key is not None and not self.dropping:
            self.data[self.key] = value
        self.key, self.dropping = None, False


@dataclass(slots=True)
class _Tree:
    file: str
    root: Data = None
    documents: int = 0
    open: list[_Open] = field(default_factory=list)
    keys: dict[Trail, Position] = field(default_factory=dict)
    values: dict[Trail, Position] = field(default_factory=dict)
    tainted: set[Trail] = field(default_factory=set)
    incomplete: set[Trail] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Add one event."""
        if isinstance(event, DocumentStartEvent):
            self._start(event)
        elif isinstance(event, CollectionEndEvent):
            self.open.pop()
        elif isinstance(event, NodeEvent):
            self._node(event, _position(event.start_mark))

    def _start(self, event: DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            fix = "keep one inventory a file: delete `---` and what follows"
            position = _position(event.start_mark)
            self.complain("second-document", "a second document begins here", position, fix)
            raise _Unusable

    def _node(self, event: NodeEvent, position: Position) -> None:
        if self.open and self.open[-1].awaits_key:
            self._key(event, position)
            return
        parent = self.open[-1] if self.open else None
        trail = parent.next_trail() if parent else ()
        detached = parent is not None and (parent.detached or parent.dropping)
        if not detached:
            self.values[trail] = self._shown(event, position, trail)
            if parent and isinstance(parent.data, list):
                self.keys[trail] = position
        self._refuse_extras(event, position, trail)
        value = self._begin(event, position, trail, detached=detached)
        if parent:
            parent.put(value)
        else:
            self.root = value

    def _shown(self, event: NodeEvent, position: Position, trail: Trail) -> Position:
        """Return where to point for a value: at its key if there is nothing behind it."""
        absent = isinstance(event, ScalarEvent) and event.start_mark.index == event.end_mark.index
        return self.keys.get(trail, position) if absent else position

    def _begin(self, event: NodeEvent, position: Position, trail: Trail, *, detached: bool) -> Data:
        """Return the value that `event` stands for; a collection's is filled later."""
        if not isinstance(event, CollectionStartEvent):
            return self._scalar(event, position)
        if len(self.open) >= DEEPEST:
            what = f"nested more than {DEEPEST} levels deep"
            self.complain("too-deep", what, position, "an inventory is flat: undo the nesting")
            raise _Unusable
        data: dict[str, Data] | list[Data] = {} if isinstance(event, MappingStartEvent) else []
        flow = bool(event.flow_style)
        opened = _Open(trail=trail, data=data, start=position, flow=flow, detached=detached)
        self.open.append(opened)
        return data

    def _scalar(self, event: NodeEvent, position: Position) -> Scalar:
        if not isinstance(event, ScalarEvent):
            return None
        value = meaning(event.value) if event.implicit[0] else str(event.value)
        if not isinstance(value, Ambiguous):
            return value
        self._ambiguous(value, position)
        return value.text

    def _key(self, event: NodeEvent, position: Position) -> None:
        parent = self.open[-1]
        self._refuse_extras(event, position, (*parent.trail, "?"))
        if not isinstance(event, ScalarEvent):
            fix = 'write a plain word as key; text that begins with { or [ needs "quotes"'
            self.complain("bad-key", "a key must be text", position, fix)
            self._drop(parent)
            if isinstance(event, CollectionStartEvent):
                self._begin(event, position, (*parent.trail, "?"), detached=True)
            return
        self._name(event, position, parent)

    def _name(self, event: ScalarEvent, position: Position, parent: _Open) -> None:
        key = str(event.value)
        trail = (*parent.trail, key)
        if event.implicit[0]:
            self._check_key(key, position, trail)
        if key in parent.data:
            first = self.keys.get(trail, position)
            what = f"key {quoted(key)} is here twice (first in line {first.line})"
            fix = f"delete one of the two, in line {first.line} or in line {position.line}"
            self.complain("duplicate-key", what, position, fix)
            self._drop(parent)
            return
        parent.key = key
        if not parent.detached:
            self.keys[trail] = position

    def _drop(self, parent: _Open) -> None:
        """Let go of the next value in `parent`, and remember that something is missing there."""
        parent.dropping = True
        if not parent.detached:
            self.incomplete.add(parent.trail)

    def _check_key(self, key: str, position: Position, trail: Trail) -> None:
        value = meaning(key)
        if isinstance(value, Ambiguous):
            self._ambiguous(value, position)
        elif key == "<<":
            fix = "write the keys out instead of merging them in"
            self.complain("merge-key", "merge keys (`<<`) are not allowed", position, fix)
            self.tainted.add(trail)
            self.incomplete.add(trail[:-1])
        elif not isinstance(value, str):
            fix = f'write it as text: "{key}"' if key else "write a key before the colon"
            self.complain("bad-key", "a key must be text", position, fix)

    def _ambiguous(self, word: Ambiguous, position: Position) -> None:
        what = f"{word.name} means different things to different YAML readers"
        self.complain(AMBIGUOUS, what, position, word.fix)

    def _refuse_extras(self, event: NodeEvent, position: Position, trail: Trail) -> None:
        if event.anchor is not None:
            fix = 'write the value out; text that begins with & or * needs "quotes"'
            self.complain("alias", "anchors and aliases are not allowed", position, fix)
            self.tainted.add(trail)
        if getattr(event, "tag", None) is not None:
            fix = 'delete the word that begins with !; text that begins so needs "quotes"'
            self.complain("tag", "tags are not allowed", position, fix)
            self.tainted.add(trail)

    def complain(self, code: str, what: str, position: Position, fix: str) -> None:
        """Note a problem."""
        where = Where(file=self.file, line=position.line, column=position.column)
        self.problems.append(complaint(code, what, where, fix=fix))

    def document(self, *, usable: bool) -> Document:
        """Return what was built."""
        return Document(
            file=self.file,
            data=self.root,
            usable=usable,
            keys=self.keys,
            values=self.values,
            tainted=frozenset(self.tainted),
            incomplete=frozenset(self.incomplete),
            problems=tuple(self.problems),
        )

    def opened(self) -> Position | None:
        """Return where the innermost bracket that is still open stands."""
        return next((part.start for part in reversed(self.open) if part.flow), None)


def build(text: str, file: str) -> Document:
    """Return the document that `text` describes, with every problem met on the way."""
    tree = _Tree(file)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            tree.take(event)
    except _Unusable:
        return tree.document(usable=False)
    except MarkedYAMLError as error:
        tree.problems.append(syntax_problem(error, text, file, tree.opened()))
        return tree.document(usable=False)
    return tree.document(usable=True)


def _position(mark: StringMark) -> Position:
    return Position(mark.line + 1, mark.column + 1)
