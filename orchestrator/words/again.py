"""How a command that was refused is given again: as it was, and as it would pass right now."""

from collections.abc import Iterable

from orchestrator.command_line import joined, words_of
from orchestrator.errors import Problem, Retry

_REASON = ("--because", "TEXT")
"""The option, and what a person fills in."""
_REASONED = frozenset(
    {"--without", "--accept-lost", "--accept-unknown", "--override-freeze", "--override-guard"}
)
"""Options that are not taken without a reason."""


def ways_again(command: str, problems: Iterable[Problem]) -> tuple[str, ...]:
    """Return how `command` may be given again, quoted for a shell, the best way first.

    First as it was, for when the causes are mended, without what would never pass, and after what
    has to be typed before; then, where every problem says how, as it passes although they are not
    mended.
    """
    retries = [problem.retry for problem in problems]
    command = _changed(command, (retry for retry in retries if retry.never))
    firsts = dict.fromkeys(retry.first for retry in retries if retry.first)
    command = " && ".join((*firsts, command))
    others = [retry for retry in retries if not retry.never]
    if others and all(retry.adds or retry.drops for retry in others):
        return (command, _changed(command, others))
    return (command,)


def waits_for_somebody(problems: Iterable[Problem]) -> bool:
    """Tell whether somebody has to mend something before the command passes as it was."""
    return any(not problem.retry.never for problem in problems)


def names_a_command(problems: Iterable[Problem]) -> bool:
    """Tell whether what is to be done about `problems` names a command of dtdeploy."""
    return any("dtdeploy " in problem.fix for problem in problems)


def _changed(command: str, retries: Iterable[Retry]) -> str:
    before = words = list(words_of(command))
    for retry in retries:
        for option in retry.drops:
            words = _without(words, option)
        for option in retry.adds:
            words = words if _holds(words, option) else [*words, *option]
    if _REASON[0] not in words and any(word in _REASONED for word in words):
        words = [*words, *_REASON]
    return command if words == before else joined(words)


def _without(words: list[str], option: tuple[str, ...]) -> list[str]:
    """Return the words without an option and its value, wherever they stand."""
    size, glued = len(option), "=".join(option)
    kept: list[str] = []
    index = 0
    while index < len(words):
        if tuple(words[index : index + size]) == option:
            index += size
            continue
        kept += [] if words[index] == glued else [words[index]]
        index += 1
    return kept


def _holds(words: list[str], option: tuple[str, ...]) -> bool:
    return len(_without(words, option)) < len(words)
