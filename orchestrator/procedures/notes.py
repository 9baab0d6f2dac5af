"""Notes that outlive a run: labels of a Docker config, changed by compare-and-swap.

The config stays when there is nothing to note any more: a deletion names no version, and might
take away what somebody just wrote down.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.procedures.asking import Asking, ask_config, ask_sleep
from orchestrator.procedures.effects import (
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    ReadConfig,
    StoredConfig,
    UpdateConfig,
)

Labels = tuple[tuple[str, str], ...]
Change = Callable[[StoredConfig | None], Labels | None]
"""From the config as it stands (None: there is none yet) to its labels, None to leave it so."""
_TRIES = 8
_PAUSE_SECONDS = 1.0
_PATIENCE_SECONDS = 30.0
"""No new try begins after so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """Where notes are kept: the config `name` on `site`'s Swarm. `data` tells a reader what."""

    site: str
    name: str
    data: bytes = field(repr=False)


def read_notes(notes: Notes) -> Asking[ConfigAnswer]:
    """Read notes once; ABSENT when none was ever written."""
    return (yield from ask_config(ReadConfig(site=notes.site, name=notes.name)))


def change_notes(notes: Notes, change: Change) -> Asking[ConfigAnswer | None]:
    """Let `change` decide on new labels and write them, again if somebody else wrote meanwhile.

    Returns:
        None once they stand as wanted; else the last answer, and nobody can tell.

    """
    began = yield from ask_sleep(0)
    tries = 0
    while True:
        answer = yield from read_notes(notes)
        if answer.config is not None or answer.result is ConfigResult.ABSENT:
            labels = change(answer.config)
            if labels is None:
                return None
            answer = yield from _write(notes, answer.config, labels)
            if answer.result is ConfigResult.OK:
                return None
        tries += 1
        if tries == _TRIES or (yield from ask_sleep(_PAUSE_SECONDS)) - began >= _PATIENCE_SECONDS:
            return answer


def _write(notes: Notes, config: StoredConfig | None, labels: Labels) -> Asking[ConfigAnswer]:
    if config is None:
        effect = CreateConfig(site=notes.site, name=notes.name, labels=labels, data=notes.data)
        return (yield from ask_config(effect))
    update = UpdateConfig(site=notes.site, id=config.id, version=config.version, labels=labels)
    return (yield from ask_config(update))
