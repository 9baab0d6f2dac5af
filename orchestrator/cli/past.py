"""The history of this machine's runs, read from their journals."""

from orchestrator.cli.journals import Journals
from orchestrator.engine.past import past_run
from orchestrator.errors import JournalError, RefusedError
from orchestrator.planning.history import History, PastRun

_MOST = 50
"""The newest journals; what was longer ago says little about the next run."""


def read_history(journals: Journals) -> History:
    """Return what the journals here tell; those that cannot be read are counted."""
    try:
        names = journals.runs()[:_MOST]
    except JournalError:
        return History(unreadable=1)
    runs: list[PastRun] = []
    unreadable = 0
    for name in names:
        try:
            run = past_run(journals.read(name))
        except (JournalError, RefusedError):
            unreadable += 1
        else:
            runs += [run] if run is not None and run.run == name else []
    return History(runs=tuple(runs), unreadable=unreadable)
