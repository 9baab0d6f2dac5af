"""Perform a handful of effects side by side, outside any run: for plan, status and verify."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from orchestrator.engine.ports import Backend, new_token
from orchestrator.fleet.observed import Look, Sight, Unseen
from orchestrator.procedures.effects import Effect, Observe, ProbeResult, RunProbe

NOBODY_AWAY: Mapping[str, Look] = MappingProxyType({})


class LostAnswerError(RuntimeError):
    """The backend stopped answering: every effect has its own deadline, so this is a bug."""


def gather(backend: Backend, effects: Sequence[Effect]) -> tuple[object, ...]:
    """Perform `effects` side by side and return their answers in the same order."""
    answers: dict[int, object] = {}
    tokens = {new_token(): index for index in range(len(effects))}
    for token, index in tokens.items():
        backend.submit(token, effects[index])
    while len(answers) < len(effects):
        happened = backend.wait(None)
        if happened is not None and happened[0] in tokens:
            answers[tokens[happened[0]]] = happened[1]
    return tuple(answers[index] for index in range(len(effects)))


def look_at(
    backend: Backend, sites: Iterable[str], away: Mapping[str, Look] = NOBODY_AWAY
) -> dict[str, Look]:
    """Look at every site side by side; a site that cannot be seen is Unseen, not an error.

    Those in `away` were found so a moment ago, and are not waited for again.
    """
    wanted = tuple(dict.fromkeys(sites))
    names = tuple(site for site in wanted if site not in away)
    looks = {site: away[site] for site in wanted if site in away}
    for site, look in zip(names, gather(backend, [Observe(site=n) for n in names]), strict=True):
        if not isinstance(look, Sight | Unseen):
            raise LostAnswerError(f"looking at {site} gave {type(look).__name__}")
        looks[site] = look
    return looks


def probe_all(backend: Backend, probes: Sequence[RunProbe]) -> tuple[ProbeResult, ...]:
    """Send probes side by side."""
    results = gather(backend, probes)
    return tuple(result for result in results if isinstance(result, ProbeResult))
