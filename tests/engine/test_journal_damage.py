"""A journal gives back exactly what was written, or says clearly that it cannot."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.engine.journal import Entry
from orchestrator.engine.journal_file import JournalFile, read_journal
from orchestrator.engine.journal_format import next_link
from orchestrator.errors import ExitCode, JournalError
from tests.engine.journals import OTHER_RUN, RUN, full_journal, realistic

DEEP = os.environ.get("DTDEPLOY_DEEP", "") == "1"
_PAGE_BYTES = 4096
_SECTOR_BYTES = 512
_STRIDE = 1 if DEEP else 151
"""Prime, so that it falls on other places in every page."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return full_journal(tmp_path_factory.mktemp("whole")).read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / f"{RUN}.journal"


def _places(size: int) -> Iterator[int]:
    """Yield the places to break: SQLite's own numbers more densely than the entries."""
    for place in range(size):
        if place < 100 or place % _PAGE_BYTES < 16 or place % _STRIDE == 0:
            yield place


def _refused(error: JournalError, path: Path) -> None:
    (problem,) = error.problems
    assert problem.code in {"journal.damaged", "journal.other-version"}, problem
    assert problem.exit_code is ExitCode.SAFETY_REFUSED
    assert problem.evidence[0]
    assert problem.fix.startswith(f"mv {path} ")


def _written_on(path: Path, entry: Entry) -> bool:
    try:
        with JournalFile(path.parent, RUN) as journal:
            journal.write(entry)
    except JournalError as error:
        _refused(error, path)
        return False
    return True


def _read(path: Path) -> tuple[Entry, ...] | None:
    """Return what is read, None where it is refused as it should be."""
    try:
        return read_journal(path)
    except JournalError as error:
        _refused(error, path)
        return None


def test_the_journal_under_test_is_worth_breaking(whole: bytes) -> None:
    assert 80 <= len(realistic()) <= 120
    assert 30_000 <= len(whole) <= 60_000
    assert max(len(str(entry.body)) for entry in realistic()) > _PAGE_BYTES


@pytest.mark.timeout(3600 if DEEP else 300)
def test_cut_anywhere_it_is_refused_or_whole(whole: bytes, path: Path) -> None:
    """SQLite's header says how long the file was, so not even a whole number of pages passes."""
    written = realistic()
    refused = 0
    for size in _places(len(whole)):
        path.write_bytes(whole[:size])
        seen = _read(path)
        assert seen in (None, written), size
        refused += seen is None
        assert [path] == list(path.parent.iterdir()), size
    assert refused


@pytest.mark.timeout(3600 if DEEP else 300)
@pytest.mark.parametrize("bit", range(8))
def test_with_one_bit_flipped_it_is_refused_or_whole(whole: bytes, path: Path, bit: int) -> None:
    written = realistic()
    refused = 0
    for place in _places(len(whole)):
        broken = bytearray(whole)
        broken[place] ^= 1 << bit
        path.write_bytes(broken)
        seen = _read(path)
        assert seen in (None, written), place
        refused += seen is None
        assert path.read_bytes() == broken, place
        assert [path] == list(path.parent.iterdir()), place
    assert refused


@pytest.mark.timeout(3600 if DEEP else 300)
def test_nobody_writes_on_into_a_broken_one(whole: bytes, path: Path) -> None:
    """What does no harm to reading may do harm to writing: then it is refused as well."""
    more = realistic()[-1]
    for place in _places(len(whole)):
        broken = bytearray(whole)
        broken[place] ^= 1 << place % 8
        path.write_bytes(broken)
        if _written_on(path, more):
            assert read_journal(path) == (*realistic(), more), place


def test_a_header_that_forbids_writing_is_refused_before_the_first_entry(
    whole: bytes, path: Path
) -> None:
    """Byte 18 is the version of SQLite's format that a writer must know (sqlite.org/fileformat)."""
    path.write_bytes(whole[:18] + b"\x09" + whole[19:])
    assert read_journal(path) == realistic()
    with pytest.raises(JournalError) as caught:
        JournalFile(path.parent, RUN)
    _refused(caught.value, path)


@pytest.mark.parametrize("size", [_SECTOR_BYTES, _PAGE_BYTES])
def test_with_a_part_zeroed_it_is_refused_or_whole(whole: bytes, path: Path, size: int) -> None:
    for place in range(0, len(whole), size):
        path.write_bytes(whole[:place] + bytes(size) + whole[place + size :])
        assert _read(path) in (None, realistic()), place


def test_with_two_pages_exchanged_it_is_refused(whole: bytes, path: Path) -> None:
    pages = [whole[at : at + _PAGE_BYTES] for at in range(0, len(whole), _PAGE_BYTES)]
    for one in range(len(pages)):
        for two in range(one):
            mixed = pages.copy()
            mixed[one], mixed[two] = pages[two], pages[one]
            path.write_bytes(b"".join(mixed))
            assert _read(path) is None, (one, two)


def test_with_a_page_of_an_earlier_state_it_is_refused(tmp_path: Path, path: Path) -> None:
    """A write that the disk lost: every page is valid, but they are not of one moment."""
    states = []
    with JournalFile(tmp_path / "growing", RUN) as journal:
        for entry in realistic():
            journal.write(entry)
            states.append(journal.path.read_bytes())
    last = states[-1]
    stale = 0
    for state in states[:-1:7]:
        for at in range(0, len(state), _PAGE_BYTES):
            old = state[at : at + _PAGE_BYTES]
            if old != last[at : at + _PAGE_BYTES]:
                path.write_bytes(last[:at] + old + last[at + _PAGE_BYTES :])
                assert _read(path) is None, (len(state), at)
                stale += 1
    assert stale > 20


def test_an_earlier_state_as_a_whole_is_believed(tmp_path: Path) -> None:
    """Nothing in a file can tell; the Swarms do, which is why they are asked."""
    with JournalFile(tmp_path, RUN) as journal:
        journal.write(realistic()[0])
        earlier = journal.path.read_bytes()
        journal.write(realistic()[1])
    journal.path.write_bytes(earlier)
    assert read_journal(journal.path) == realistic()[:1]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("DELETE FROM entries WHERE seq = 84", "84 entries were written, 83 are there"),
        ("DELETE FROM entries WHERE seq = 40", "entry 40 is missing"),
        ("DELETE FROM entries", "84 entries were written, 0 are there"),
        ("UPDATE entries SET entry = replace(entry, 'ok', 'no') WHERE seq = 9", "entry 9 was"),
        ("UPDATE entries SET entry = zeroblob(0) WHERE seq = 9", "entry 9 was changed"),
        ("UPDATE entries SET entry = 9 WHERE seq = 9", "entry 9 was changed"),
        ("UPDATE entries SET sha256 = zeroblob(32) WHERE seq = 9", "entry 9 was changed"),
        ("UPDATE entries SET seq = 200 - seq WHERE seq > 42", "entry 43 is missing"),
        ("UPDATE entries SET seq = -seq", "entry 1 is missing"),
        ("UPDATE head SET entries = 83", "83 entries were written, 84 are there"),
        ("UPDATE head SET run = '20261122T154502-ab12cd'", "is not the journal of run"),
        ("DELETE FROM head", "is not the journal of run"),
        ("DROP TABLE head", "has other tables"),
        ("CREATE TABLE extra (a)", "has other tables"),
        ("ALTER TABLE entries RENAME COLUMN entry TO text", "has other tables"),
        ("CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM head; END", "other tables"),
        ("PRAGMA application_id = 1", "is no journal of dtdeploy"),
        ("PRAGMA journal_mode = WAL", "SQLite's mode wal"),
    ],
)
def test_what_was_done_to_it_is_told(whole: bytes, path: Path, sql: str, words: str) -> None:
    path.write_bytes(whole)
    with closing(sqlite3.connect(path)) as db:
        db.execute(sql)
        db.commit()
    with pytest.raises(JournalError) as caught:
        read_journal(path)
    (problem,) = caught.value.problems
    assert problem.code == "journal.damaged"
    assert words in problem.evidence[0]


def test_an_entry_of_another_run_is_noticed(whole: bytes, path: Path) -> None:
    """The same entries under another id are chained to that id."""
    path = path.with_name(f"{OTHER_RUN}.journal")
    path.write_bytes(whole)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE head SET run = ?", (OTHER_RUN,))
        db.commit()
    with pytest.raises(JournalError) as caught:
        read_journal(path)
    assert "entry 1 was changed, or does not follow" in caught.value.problems[0].evidence[0]


def _forge(path: Path, text: bytes) -> None:
    """Append an entry with a right hash, as no program of ours would."""
    with closing(sqlite3.connect(path)) as db:
        entries, link = db.execute("SELECT entries, sha256 FROM head").fetchone()
        link = next_link(link, text)
        db.execute("INSERT INTO entries VALUES (?, ?, ?)", (entries + 1, text, link))
        db.execute("UPDATE head SET entries = entries + 1, sha256 = ?", (link,))
        db.commit()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"at":1,"kind":"step","step":""}',
        b'{"at":1,"kind":"step","step":"","body":[]}',
        b'{"at":1,"kind":"step","step":"","body":{},"more":1}',
        b'{"at":1,"kind":"later","step":"","body":{}}',
        b'{"at":"1","kind":"step","step":"","body":{}}',
        b'{"at":1e999,"kind":"step","step":"","body":{}}',
        b'{"at":1,"kind":"step","step":"","body":{"a":NaN}}',
        b'{"at":1,"kind":"step","step":1,"body":{}}',
        b'{"at":1,"kind":"step","step":"","body":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        b'{"at":1,"kind":"step","step":"","body":{"a":' + b"9" * 5_000 + b"}}",
    ],
)
def test_a_forged_entry_that_is_none_is_refused(whole: bytes, path: Path, text: bytes) -> None:
    path.write_bytes(whole)
    _forge(path, text)
    with pytest.raises(JournalError) as caught:
        read_journal(path)
    assert "is no entry" in caught.value.problems[0].evidence[0]


@pytest.mark.parametrize(
    "content", [b"", b"x", b"SQLite format 3\0", b"{}\n" * 4000, bytes(8192), b"\xff" * 8192]
)
@pytest.mark.parametrize("use", [read_journal, lambda path: JournalFile(path.parent, RUN)])
def test_what_is_no_journal_at_all_is_refused(
    path: Path, content: bytes, use: Callable[[Path], object]
) -> None:
    path.write_bytes(content)
    with pytest.raises(JournalError) as caught:
        use(path)
    assert caught.value.problems[0].code == "journal.damaged"
    assert path.read_bytes() == content


@pytest.mark.parametrize("use", [read_journal, lambda path: JournalFile(path.parent, RUN)])
def test_a_newer_format_is_named_and_left_alone(
    whole: bytes, path: Path, use: Callable[[Path], object]
) -> None:
    path.write_bytes(whole)
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE what_the_future_brings (a)")
        db.execute("PRAGMA user_version = 2")
        db.execute("PRAGMA journal_mode = WAL")
    before = path.read_bytes()
    with pytest.raises(JournalError) as caught:
        use(path)
    (problem,) = caught.value.problems
    assert problem.code == "journal.other-version"
    assert "is of format 2, this dtdeploy knows format 1" in problem.what
    assert problem.fix == f"mv {path} {path}.format-2"
    assert path.read_bytes() == before
