"""Taking, reading, taking over and releasing the lock, as generators.

Sound because a config's name is unique in one raft transaction, an update names the version it
replaces, and a deletion names an id (swarmkit manager/state/store/configs.go). Docker enforces
nothing of it: it binds only those who ask, so each mutation of a run asks again.

A deletion names no version, and whoever takes a lock over holds the same config. So a lock is
marked as released first, by an update that only its holder can make; a marked one is nobody's, and
deleting it, however late, hurts nobody.
"""

from orchestrator.command_line import typed
from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.procedures.asking import Asking, ask_config, ask_sleep
from orchestrator.procedures.effects import (
    ConfigAnswer,
    ConfigResult,
    CreateConfig,
    DeleteConfig,
    ReadConfig,
    StoredConfig,
    UpdateConfig,
)
from orchestrator.procedures.hold import LOCK, session_of

_LOST_SECONDS = 25.0
"""A write without a leader blocks up to 20 s and may then still be done (moby cluster.go)."""
_PAUSE_SECONDS = 1.0
_TRIES = 8
PATIENCE_SECONDS = 30.0
"""No new try to write begins after so long: a leader is elected, or a daemon restarted, within."""
_RELEASED = "dtdeploy.released"
Labels = tuple[tuple[str, str], ...]


def read_lock(site: str) -> Asking[StoredConfig | Problem | None]:
    """Read the lock on `site`'s Swarm; None when nobody holds it."""
    found = yield from _read(site)
    return None if isinstance(found, StoredConfig) and _released(found) else found


def _read(site: str) -> Asking[StoredConfig | Problem | None]:
    """Read the lock, also one that is released and still there."""
    answer = yield from ask_config(ReadConfig(site=site, name=LOCK))
    if answer.result is ConfigResult.ABSENT:
        return None
    return answer.config or _problem(site, answer)


def _released(lock: StoredConfig) -> bool:
    return lock.label(_RELEASED) == "yes"


def take_lock(site: str, labels: Labels, data: bytes) -> Asking[StoredConfig | Problem]:
    """Take the lock.

    Returns:
        The lock: ours when its session is the one in `labels`, else of who holds it. A Problem
        when it cannot be taken: 11 to 13 as for any site, 31 when nobody can tell.

    """
    for _ in range(_TRIES):
        answer = yield from ask_config(CreateConfig(site=site, name=LOCK, labels=labels, data=data))
        if answer.result is ConfigResult.FAILED:
            return _problem(site, answer)
        if answer.result is ConfigResult.OK and answer.config is not None:
            return answer.config
        if answer.result is ConfigResult.UNKNOWN:
            return (yield from _look_for_lost(site, answer))
        found = yield from _read(site)
        if isinstance(found, StoredConfig) and _released(found):
            yield from ask_config(DeleteConfig(site=site, id=found.id))
        elif found is not None:
            return found
    return _unknown(site, "it was taken and released again and again")


def _look_for_lost(site: str, lost: ConfigAnswer) -> Asking[StoredConfig | Problem]:
    start = yield from ask_sleep(0)
    while True:
        found = yield from read_lock(site)
        if isinstance(found, StoredConfig):
            return found
        now = yield from ask_sleep(_PAUSE_SECONDS)
        if now - start >= _LOST_SECONDS:
            return _unknown(site, lost.words or "the answer was lost")


def write_lock(
    site: str, lock: StoredConfig, labels: Labels
) -> Asking[StoredConfig | Problem | None]:
    """Write labels to a lock that this process holds, or takes over from `lock` as it was read.

    Returns:
        The lock as it stands; None when somebody else wrote to it or removed it; a Problem
        when nobody can tell.

    """
    session, known = dict(labels)["dtdeploy.session"], lock
    began = yield from ask_sleep(0)
    for _ in range(_TRIES):
        answer = yield from ask_config(
            UpdateConfig(site=site, id=known.id, version=known.version, labels=labels)
        )
        if answer.result is ConfigResult.OK and answer.config is not None:
            return answer.config
        problem = _problem(site, answer)
        found = yield from _read(site)
        if found is None or (isinstance(found, StoredConfig) and _taken(found, known, session)):
            return None
        if isinstance(found, StoredConfig):
            known = found
            if dict(found.labels) == dict(labels):
                return found
        if (yield from ask_sleep(_PAUSE_SECONDS)) - began >= PATIENCE_SECONDS:
            break
    return problem


def _taken(found: StoredConfig, known: StoredConfig, session: str) -> bool:
    """Whether the lock as it was found is another's than that of `session`, or as it was known."""
    if found.id != known.id:
        return True
    return session_of(found) != session and found.version != known.version


def release_lock(site: str, lock: StoredConfig) -> Asking[Problem | None]:
    """Release a lock that this process holds; one that is another's by now is left alone.

    Returns:
        A Problem when nobody can tell whether it is released.

    """
    marked = yield from write_lock(site, lock, (*lock.labels, (_RELEASED, "yes")))
    if isinstance(marked, StoredConfig):
        # What is not deleted now is deleted by whoever takes the lock next.
        yield from ask_config(DeleteConfig(site=site, id=marked.id))
        return None
    return marked


def _problem(site: str, answer: ConfigAnswer) -> Problem:
    return answer.problem or _unknown(site, answer.words)


def _unknown(site: str, words: str) -> Problem:
    return Problem(
        code="lock.unknown",
        what=f"nobody can tell how the lock on {site}'s Swarm stands",
        exit_code=ExitCode.OUTCOME_UNKNOWN,
        where=Where(site=site),
        evidence=(words,) if words else (),
        fix=typed("lock"),
        state_left="no unit was touched by this step",
        runbook="lock-held",
    )
