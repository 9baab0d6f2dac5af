"""How a journal is laid out in its SQLite file, and what proves that it is whole.

Each entry carries the SHA-256 of the one before and of itself; the first is chained to the run's
id. `head` repeats how many there are and the last one's hash, so that none is lost at the end.
See docs/journal.md.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, JsonValue, ValidationError

from orchestrator.engine.journal import Entry, EntryKind, Json

FORMAT = 1
"""Kept as SQLite's `user_version`. To be raised with any change that an older reader trips over."""
APPLICATION_ID = 0x64746A6C
"""Kept as SQLite's `application_id` (the letters dtjl): what tells a journal from other files."""
LARGEST_ENTRY_BYTES = 4 * 1024 * 1024
TABLES = {
    "entries": (
        "CREATE TABLE entries (seq INTEGER PRIMARY KEY, entry TEXT NOT NULL, sha256 BLOB NOT NULL)"
    ),
    "head": (
        "CREATE TABLE head"
        " (one INTEGER PRIMARY KEY CHECK (one = 1), run TEXT NOT NULL,"
        " entries INTEGER NOT NULL, sha256 BLOB NOT NULL)"
    ),
}

Row = tuple[object, object, object]
"""Three columns as SQLite gives them: integers, and bytes for text. Nothing is certain yet."""


class UnfitError(ValueError):
    """What was read is not what a journal of this format holds; says in which way."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    at: FiniteFloat
    kind: Annotated[EntryKind, Field(strict=False)]
    step: str
    body: dict[str, JsonValue]


def first_link(run: str) -> bytes:
    """Return the hash that the first entry of a run is chained to."""
    return hashlib.sha256(f"dtdeploy journal {FORMAT} of {run}".encode()).digest()


def next_link(link: bytes, text: bytes) -> bytes:
    """Return the hash of the entry `text` that follows the one with the hash `link`."""
    return hashlib.sha256(link + text).digest()


def encode(entry: Entry) -> bytes:
    """Return the entry as one line of ASCII JSON.

    Raises:
        TypeError, ValueError: the entry holds what JSON cannot give back; a mistake of the caller.

    """
    line = {
        "at": float(entry.at),
        "kind": entry.kind.value,
        "step": entry.step,
        "body": _plain(entry.body),
    }
    text = json.dumps(line, allow_nan=False, separators=(",", ":"))
    if json.loads(text) != line:
        # Keys that are no strings, or halves of a character side by side.
        raise ValueError(f"an entry of kind {entry.kind.value} does not survive JSON")
    return text.encode("ascii")


def _plain(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def decode(text: bytes) -> Entry:
    """Return the entry that `encode` made `text` of.

    Raises:
        UnfitError: it is none.

    """
    try:
        line = _Line.model_validate(json.loads(text, parse_constant=_refuse))
    except (ValueError, RecursionError) as error:
        words = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise UnfitError(f"is no entry: {words}") from error
    return Entry(at=line.at, kind=line.kind, step=line.step, body=line.body)


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def entries_of(run: str, heads: Sequence[Row], rows: Iterable[Row]) -> tuple[Entry, ...]:
    """Return what was written to the journal of `run`, given all that its two tables hold.

    Args:
        run: the id of the run whose journal it is said to be.
        heads: (run, entries, sha256) of each row of `head`.
        rows: (seq, entry, sha256) of each row of `entries`, in their order.

    Raises:
        UnfitError: an entry was lost, changed, moved or brought in from elsewhere.

    """
    if [head[0] for head in heads] != [run.encode()]:
        raise UnfitError(f"is not the journal of run {run}")
    link = first_link(run)
    entries: list[Entry] = []
    for number, (seq, text, said) in enumerate(rows, start=1):
        if seq != number:
            raise UnfitError(f"entry {number} is missing")
        if not isinstance(text, bytes) or next_link(link, text) != said:
            raise UnfitError(f"entry {number} was changed, or does not follow the one before")
        link = next_link(link, text)
        entries.append(decode(text))
    if heads[0][1:] != (len(entries), link):
        raise UnfitError(f"{heads[0][1]} entries were written, {len(entries)} are there")
    return tuple(entries)


def empty(run: str) -> bytes:
    """Return the file of a journal without entries."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {FORMAT}")
        for sql in TABLES.values():
            db.execute(sql)
        db.execute("INSERT INTO head VALUES (1, ?, 0, ?)", (run, first_link(run)))
        return db.serialize()
