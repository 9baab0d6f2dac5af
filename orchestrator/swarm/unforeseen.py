"""What stands for an effect that raised: something at a site said what nobody foresaw."""

import traceback
from pathlib import Path

from orchestrator.procedures.effects import Effect, site_of
from orchestrator.procedures.no_answer import Nothing, without_answer
from orchestrator.swarm import problems


def place(error: Exception) -> str:
    """Return where an error was raised: FILE:LINE, for those who mend it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


def observation(effect: Effect, error: Exception, at: float) -> Nothing:
    """Return what came of an effect at a site: nothing was seen, or nobody knows what was done.

    Args:
        effect: one for a site; see `site_of`.
        error: what was raised.
        at: now, on the observer's clock.

    """
    site, words = site_of(effect), f"{type(error).__name__}: {error}"[:500]
    unread = problems.docker(site, "docker.unreadable", words)
    unknown = problems.answer_lost(site, "the answer cannot be read", words)
    return without_answer(effect, at, words, unread=unread, unknown=unknown)
