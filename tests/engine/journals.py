"""Entries as a restart of five units writes them: about a hundred, some larger than a page."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from orchestrator.engine.journal import Entry, EntryKind, Json
from orchestrator.engine.journal_file import JournalFile
from orchestrator.engine.journal_trouble import side_file

RUN = "20261122T154501-ab12cd"
OTHER_RUN = "20261122T154502-ab12cd"
BEGAN = 1_795_362_301.25
_UNITS = (
    "datatrail-client@kko",
    "datatrail-client@gbo",
    "datatrail-client@chime",
    "datatrail-daemons@chime",
    "datatrail@chime",
)


def realistic() -> tuple[Entry, ...]:
    """Return what a whole run writes, in its order."""
    return tuple(
        Entry(at=BEGAN + number / 8, kind=kind, step=step, body=body)
        for number, (kind, step, body) in enumerate(_lines())
    )


def full_journal(folder: Path) -> Path:
    """Write a whole run's journal into `folder` and return where it is."""
    with JournalFile(folder, RUN) as journal:
        for entry in realistic():
            journal.write(entry)
        return journal.path


def _name(*parts: object) -> str:
    """Return 25 letters and digits, as Docker names things."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:25]


_Line = tuple[EntryKind, str, dict[str, Json]]


def _lines() -> Iterator[_Line]:
    plan = [{"id": f"{verb} {unit}", "needs": _name(unit)} for verb in _VERBS for unit in _UNITS]
    yield EntryKind.OPENED, "", {"plan": [plan, plan, plan], "operator": "zoë@control ☎ \ud83d"}
    yield EntryKind.LOCK, "", {"state": "taken", "id": _name("lock"), "version": 691}
    for verb in _VERBS:
        for unit in _UNITS:
            yield from _step(verb, unit)
    yield EntryKind.LOCK, "", {"state": "released", "id": _name("lock"), "version": 742}
    yield EntryKind.CLOSED, "", {"exit": 0, "words": ""}


_VERBS = ("prepare", "remove", "deploy", "settle")


def _step(verb: str, unit: str) -> Iterator[_Line]:
    step = f"{verb} {unit}"
    yield EntryKind.STEP, step, {"state": "running"}
    if verb != "settle":
        effect: dict[str, Json] = {
            "effect": verb,
            "unit": unit,
            "ids": [_name(unit, verb, number) for number in range(4)],
            "labels": {"dtdeploy.run": RUN, "dtdeploy.revision": _name(verb) * 2},
            "timeout_seconds": 120.5,
        }
        yield EntryKind.INTENDED, step, effect
        words = f"Removing service {unit}\n" * (1 + len(unit) % 5)
        seen: dict[str, Json] = {"result": "ok", "at": 1234.5678901, "words": words, "code": None}
        yield EntryKind.OBSERVED, step, effect | seen
    yield EntryKind.STEP, step, {"state": "done", "words": "seen twice", "unsure": False}
    if verb in ("remove", "deploy"):
        yield EntryKind.LOCK, step, {"state": "held", "version": 700 + len(unit)}


def cut_off(folder: Path) -> Path:
    """Leave a whole run's journal behind as a crash in the middle of one more write does."""
    living = full_journal(folder / "living")
    path = folder / living.name
    with closing(sqlite3.connect(living, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN")
        # More than the cache holds: SQLite has to overwrite pages before the commit.
        db.execute("UPDATE entries SET entry = entry || entry")
        db.execute("UPDATE head SET entries = entries + 1")
        for file in (living, side_file(living)):
            shutil.copy(file, folder)
    shutil.rmtree(living.parent)
    return path
