"""YAML text as a tree in which every value knows its place.

Aliases share one subtree, so a file that multiplies itself stays as small as it is written.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestrator.sources.findings import NOWHERE, Position
from orchestrator.sources.plain_scalar import Value


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
