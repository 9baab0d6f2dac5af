"""A YAML file as read: plain data, and where each part of it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from orchestrator.errors import ExitCode, Problem, Where

Trail = tuple[str | int, ...]
"""The way to a part of a document: mapping keys and list indexes, from the top."""

Data = dict[str, "Data"] | list["Data"] | str | int | float | bool | None

RUNBOOK = "inventory-invalid"


class Position(NamedTuple):
    """Line and column, both counted from 1; columns count characters, not bytes."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What one file holds.

    `keys` and `values` say where each mapping key and each value begins. `usable` is False
    when the text is no YAML at all: then `data` means nothing. `tainted` are the trails about
    which `problems` has spoken already, so that nothing else needs to complain about them.
    `incomplete` are the trails of mappings that lost an entry: two equal keys, say.
    """

    file: str
    data: Data = None
    usable: bool = True
    keys: Mapping[Trail, Position] = field(default_factory=dict, repr=False)
    values: Mapping[Trail, Position] = field(default_factory=dict, repr=False)
    tainted: frozenset[Trail] = frozenset()
    incomplete: frozenset[Trail] = frozenset()
    problems: tuple[Problem, ...] = ()

    def at_key(self, trail: Trail) -> Where:
        """Return where the key (or list item) at `trail` stands, or its nearest parent."""
        return self._where(self.keys.get(trail) or self._nearest(trail))

    def at(self, trail: Trail) -> Where:
        """Return where the value at `trail` stands, or its nearest parent."""
        return self._where(self._nearest(trail))

    def _nearest(self, trail: Trail) -> Position:
        while trail and trail not in self.values:
            trail = trail[:-1]
        return self.values.get(trail, Position(1, 1))

    def _where(self, position: Position) -> Where:
        return Where(file=self.file, line=position.line, column=position.column)


def complaint(code: str, what: str, where: Where, *, fix: str) -> Problem:
    """Return a problem of the inventory; `code` without its `inventory.` prefix."""
    return Problem(
        code=f"inventory.{code}",
        what=what,
        exit_code=ExitCode.INVENTORY_INVALID,
        where=where,
        fix=fix,
        runbook=RUNBOOK,
    )
