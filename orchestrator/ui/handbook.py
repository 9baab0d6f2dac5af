"""What docs/errors.md and the runbooks say of an error, read from the very pages people read."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_ROW = re.compile(r"^\| `(?P<code>[a-z0-9.-]+)` \|(?: (?P<exits>\d[\d, ]*) \|)? (?P<means>.+) \|$")
_RUNBOOK = re.compile(r"\]\(\.\./runbooks/([a-z-]+)\.md\)|\[([a-z-]+)\]")
_INVENTORY_EXIT = "3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One error code: which exit codes it may end with, what it means, where help stands."""

    code: str
    exits: tuple[str, ...]
    means: str
    runbooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handbook:
    """All that is known offline; `pages` are the runbooks, by name, as Markdown."""

    entries: tuple[Entry, ...]
    pages: Mapping[str, str]

    def found(self, word: str) -> tuple[Entry, ...]:
        """Return what is known of an error code, or of all codes with an exit code."""
        if word.isdigit():
            return tuple(entry for entry in self.entries if word in entry.exits)
        return tuple(entry for entry in self.entries if entry.code == word.strip("[]"))

    def names(self) -> tuple[str, ...]:
        """Return everything that may be asked for: error codes, exit codes, runbooks."""
        exits = sorted({code for entry in self.entries for code in entry.exits}, key=int)
        return (*(entry.code for entry in self.entries), *exits, *sorted(self.pages))


def entries_of(text: str) -> Iterator[Entry]:
    """Yield each code of docs/errors.md; the runbooks are those named last above its table."""
    runbooks: tuple[str, ...] = ()
    exits: tuple[str, ...] = ()
    for part in text.split("\n\n"):
        if part.startswith("## "):
            runbooks, exits = (), ()
        if part.startswith("Runbook:") or "the runbook is" in " ".join(part.split()):
            runbooks = tuple(m[1] or m[2] for m in _RUNBOOK.finditer(part))
            exits = () if part.startswith("Runbook:") else (_INVENTORY_EXIT,)
        for line in part.splitlines():
            if row := _ROW.match(line):
                yield Entry(
                    code=row["code"],
                    exits=tuple(re.findall(r"\d+", row["exits"] or "")) or exits,
                    means=row["means"],
                    runbooks=runbooks,
                )


def advice(entry: Entry, page: str) -> str:
    """Return what a runbook's own table says to do about a code, "" where it has no row for it."""
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and f"`{entry.code}`" in re.sub(r" \(\d+\)", "", cells[0]):
            return cells[-1]
    return ""


def explanation(book: Handbook, entries: Iterable[Entry], *, brief: bool) -> Iterator[str]:
    """Yield the lines that explain codes, and the runbooks they name unless `brief`."""
    named: dict[str, None] = {}
    for entry in entries:
        ends = f"  (exit code {' or '.join(entry.exits)})" if entry.exits else ""
        yield f"{entry.code}{ends}"
        yield f"    {entry.means}"
        for name in entry.runbooks:
            if does := advice(entry, book.pages.get(name, "")):
                yield f"    do: {does}"
            yield f"    runbook: {name}"
            named[name] = None
        yield ""
    for name in () if brief else named:
        yield from page_lines(book, name)


def page_lines(book: Handbook, name: str) -> Iterator[str]:
    """Yield a runbook as it is written: Markdown reads well enough on a terminal."""
    yield from book.pages[name].splitlines()
    yield ""
