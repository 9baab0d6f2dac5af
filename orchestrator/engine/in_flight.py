"""What a process that is gone had sent and knew no answer of. Pure: entries in, seconds out."""

from collections.abc import Iterable, Mapping

from orchestrator.engine.journal import Entry, EntryKind, Json
from orchestrator.procedures.custody import WAIT_OUT_SECONDS
from orchestrator.procedures.effects import Announce, Result

_NOT_SENT_TO_A_SWARM = Announce.__name__
"""A message changes no Swarm; whether it arrived is found out where it would stand."""


def seconds_left(entries: Iterable[Entry], now: float) -> float:
    """Return for how long something may still begin that a run's former process had sent, seconds.

    The kernel goes on to deliver what a dead process has written to a connection, for as long as
    the link is slow. Nothing begins later than WAIT_OUT_SECONDS after its intent was written down.

    Args:
        entries: the journal of the run, written on this machine, so by the clock of `now`.
        now: seconds since 1970. Where that clock was set back, at most WAIT_OUT_SECONDS are left.

    """
    sent = [entry.at for entry in _unanswered(entries)]
    left = max(sent, default=now - WAIT_OUT_SECONDS) + WAIT_OUT_SECONDS - now
    return min(max(left, 0.0), WAIT_OUT_SECONDS)


def _unanswered(entries: Iterable[Entry]) -> list[Entry]:
    """Return the intents that no observation followed, or one that does not know."""
    waiting: list[Entry] = []
    for entry in entries:
        if entry.kind is EntryKind.INTENDED and entry.body.get("effect") != _NOT_SENT_TO_A_SWARM:
            waiting.append(entry)
        elif entry.kind is EntryKind.OBSERVED and _is_known(entry.body):
            answered = next((each for each in waiting if _answers(entry, each)), None)
            if answered is not None:
                waiting.remove(answered)
    return waiting


def _is_known(body: Mapping[str, Json]) -> bool:
    return body.get("result") != Result.UNKNOWN.value


def _answers(observed: Entry, intended: Entry) -> bool:
    said = observed.body
    same = all(said.get(name) == value for name, value in intended.body.items())
    return same and observed.step == intended.step
