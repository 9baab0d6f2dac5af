"""Reports of runs: where they lie on this machine, and how one is made of its journals."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from orchestrator.cli.journals import Journals, journal_of
from orchestrator.command_line import AS_IT_IS, Manner

if TYPE_CHECKING:
    from orchestrator.report.timeline import Timeline


class Reports(Protocol):
    """Where reports are put."""

    def put(self, run: str, texts: Mapping[str, str]) -> Path | None:
        """Put the report of `run`, a text for each ending of a name (OSError).

        Returns:
            The file that a person opens, None where nothing is kept.

        """
        ...


class ReportFolder:
    """`RUN.html`, `RUN.md` and `RUN.json` in a folder, for their owner's eyes only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, run: str, texts: Mapping[str, str]) -> Path | None:
        """Write the files; each is there as a whole or as it was."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for ending, text in texts.items():
            write_whole(self._folder / f"{run}{ending}", text)
        return self._folder / f"{run}.html"


class NoReports:
    """A rehearsal leaves nothing behind."""

    def put(self, run: str, texts: Mapping[str, str]) -> Path | None:
        """Do nothing."""
        del run, texts
        return None


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it (OSError)."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def read_timeline(journals: Journals, run: str) -> "Timeline | None":
    """Return what the journals here tell of a run, that of its broken lock included.

    Raises:
        JournalError: a journal cannot be read, or is damaged.
        RefusedError: another version of dtdeploy wrote its record.

    """
    from orchestrator.report.read import merged, timeline

    return timeline(merged((journals.read(run), journals.read(journal_of(run)))))


def leave_report(
    journals: Journals, reports: Reports, run: str, manner: Manner = AS_IT_IS
) -> Path | None:
    """Write the report of a run that ended in all its forms.

    `manner` is how commands have to be typed here.

    Returns:
        The file that a person opens; None for a run that never had the lock, and in a rehearsal.

    Raises:
        JournalError, RefusedError: as for `read_timeline`.
        OSError: a file cannot be written.

    """
    from orchestrator.report.forms import Form, written
    from orchestrator.report.timeline import Outcome

    if isinstance(reports, NoReports):
        return None
    told = read_timeline(journals, run)
    if told is None or told.outcome is Outcome.NOT_BEGUN:
        return None
    return reports.put(run, {form.ending: written(told, form, manner) for form in Form})
