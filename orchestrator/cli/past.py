"""The history of this machine's runs, read from their journals."""

from orchestrator.cli.journals import Journals
from orchestrator.engine.past import past_run
from orchestrator.errors import JournalError, RefusedError
from orchestrator.planning.history import History, PastRun

_MOST = 50
"""The newest journals; what was longer ago says little about the next run."""
_MOST_BYTES = 10_000_000
"""Of journals that are read: making a plan must stay quick, and history is only worth so much."""


def read_history(journals: Journals) -> History:
    """Return what the newest journals here tell; those that cannot be read are counted."""
    try:
        names = _within_reason(journals)
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


def _within_reason(journals: Journals) -> list[str]:
    """Return the newest runs whose journals together are not too much to read."""
    names: list[str] = []
    left = _MOST_BYTES
    for name in journals.runs()[:_MOST]:
        left -= journals.size(name)
        if left < 0:
            break
        names.append(name)
    return names
