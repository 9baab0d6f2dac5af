"""dtdeploy with a stall planted in it: `python tests/lab/stalling.py KIND WORDS...`.

`performer`: writing to the lock never returns, from the first deploy on.
`site-lock`: whoever connects to kko first keeps everybody else from it for ever.
`journal`: the disk of the journal never comes back, from the first deploy on.
"""

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from orchestrator.cli.main import main
from orchestrator.engine.journal import Entry
from orchestrator.engine.journal_file import JournalFile
from orchestrator.inventory.model import Manager
from orchestrator.procedures.effects import DeployStack, Effect, UpdateConfig
from orchestrator.swarm.link import SiteLink
from orchestrator.swarm.performer import LivePerformer

SITE = "kko"
_deploying = threading.Event()


def _for_ever() -> None:
    os.read(os.pipe()[0], 1)


def performer() -> None:
    """Answer no write to the lock any more once something is being deployed."""
    perform = LivePerformer.perform

    def stalls(self: LivePerformer, effect: Effect) -> Any:
        if isinstance(effect, DeployStack):
            _deploying.set()
        if isinstance(effect, UpdateConfig) and _deploying.is_set():
            _for_ever()
        return perform(self, effect)

    LivePerformer.perform = stalls  # type: ignore[method-assign]


def site_lock() -> None:
    """Let the first connection to a site be under way for ever, with the site's turn in hand."""
    opened = SiteLink._open  # noqa: SLF001 - a fault is planted inside
    first = threading.Lock()

    def stalls(self: SiteLink, manager: Manager) -> Any:
        if self.site == SITE and first.acquire(blocking=False):
            _for_ever()
        return opened(self, manager)

    SiteLink._open = stalls  # type: ignore[method-assign] # noqa: SLF001


def journal() -> None:
    """Let no write end once something is about to be deployed."""
    write = JournalFile.write

    def stalls(self: JournalFile, entry: Entry) -> None:
        if entry.body.get("effect") == "DeployStack":
            _for_ever()
        write(self, entry)

    JournalFile.write = stalls  # type: ignore[method-assign]


KINDS: dict[str, Callable[[], None]] = {
    "performer": performer,
    "site-lock": site_lock,
    "journal": journal,
}

if __name__ == "__main__":
    KINDS[sys.argv.pop(1)]()
    main()
