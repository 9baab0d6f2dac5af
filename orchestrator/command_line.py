"""Commands of dtdeploy for people to type: built here, and fitted here to whoever will type them.

    typed("up", unit)  ->  dtdeploy up server@chime                         what a judgment says
    Manner.fit         ->  dtdeploy -i prod.yaml up --yes server@chime      what is shown

Judgments know neither which inventory was given nor whether there is a terminal, and journals,
records and runbooks outlive both. So they hold the command alone, and the edge adds the rest.
"""

import re
import shlex
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

PROGRAM = "dtdeploy"
ASKING = ("restart", "deploy", "up", "down", "apply", "resume", "rollback")
"""Commands that ask before they act."""
VERBS = (
    *("plan", *ASKING, "lock", "drift", "status", "logs", "verify", "doctor"),
    *("runs", "report", "explain", "inventory", "completion", "man", "look-script"),
)
"""Every command, as `cli/main.py` has them."""
_VALUED = (
    *("--site", "--stack", "--without", "--accept-unknown", "--accept-lost", "--because"),
    *("--strategy", "--ref", "--on-failure", "--override-guard", "--announced"),
)
"""Options that take a value, of all commands that select units."""
_REASONED = frozenset(("--without", "--accept-lost", "--override-freeze", "--override-guard"))
_KEYS = ("fix", "next", "or_else", "reproduce")
"""In JSON, where what is to be typed stands."""
_COMMAND = re.compile(rf"\b{PROGRAM} (?P<verb>{'|'.join(VERBS)})(?=[\s,;:.)`]|$)")
_END = re.compile(rf"[\n;|#`]|{PROGRAM}")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that move the cursor, reorder or hide text (Unicode)."""
_IN_ESCAPES = re.compile(r"(?<!\S)\$'((?:[^'\\]|\\.)*)'(?!\S)")
_ANSWERED = re.compile(r"(?<!\S)(?:--yes|-y|--dry-run|-n|--help)(?!\S)")


def typed(verb: str, *words: object) -> str:
    """Return the line that runs a command of dtdeploy, quoted for a shell.

    Args:
        verb: the command, one of `VERBS`.
        words: what follows it, one for each word that the shell hands over; units as they are.

    """
    return joined((PROGRAM, verb, *map(str, words)))


def joined(words: Iterable[str]) -> str:
    """Return words as one line for a shell, without any character that a screen does not show.

    Words that hold such characters stand in $'...', as bash, ksh and zsh read them.
    """
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if not any(unicodedata.category(character) in _UNSEEN for character in word):
        return shlex.quote(word)
    return f"$'{''.join(map(_escaped, word))}'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if unicodedata.category(character) not in _UNSEEN:
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode(errors="surrogateescape"))


def _requoted(found: re.Match[str]) -> str:
    """Return a word in $'...' as shlex reads it."""
    raw = re.sub(
        rb"\\(?:x([0-9a-f]{2})|(.))",
        lambda pair: bytes.fromhex(pair[1].decode()) if pair[1] else pair[2],
        found[1].encode(errors="surrogateescape"),
    )
    return shlex.quote(raw.decode(errors="surrogateescape"))


def words_of(line: str) -> tuple[str, ...]:
    """Return the words of a command line that was kept; of one that no shell takes, as they are."""
    try:
        return tuple(shlex.split(_IN_ESCAPES.sub(_requoted, line)))
    except ValueError:
        return tuple(line.split())


def options_in(line: str, *names: str) -> tuple[str, ...]:
    """Return those options of a kept command line, each with its value: `--ref REPO=SHA`."""
    return tuple(word for pair in pairs_of(line, *names) for word in pair)


def pairs_of(line: str, *names: str) -> tuple[tuple[str, str], ...]:
    """Return those options of a kept command line, each as its name and its value."""
    return tuple(pair for pair in pairwise(words_of(line)) if pair[0] in names)


def reason_for(line: str, because: str) -> tuple[str, ...]:
    """Return the reason that a kept command line cannot be typed again without."""
    needed = because and not _REASONED.isdisjoint(words_of(line))
    return ("--because", because) if needed else ()


def selected_in(line: str) -> tuple[str, ...]:
    """Return how a kept command line selects units, and nothing else that it says."""
    words = words_of(line)[1:]
    before = (None, *words)
    names = (w for w, last in zip(words, before, strict=False) if last not in _VALUED and "@" in w)
    every = ("--all",) if "--all" in words else ()
    return (*every, *options_in(line, "--site", "--stack"), *names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How commands have to be typed here.

    `options` stand before the command: those in use that say which fleet is meant. `yes`: nobody
    can be asked, or nobody wants to be.
    """

    options: tuple[str, ...] = ()
    yes: bool = False

    def fit(self, text: str) -> str:
        """Return the text with every command of dtdeploy in it as it has to be typed here.

        What was fitted before is left as it is.
        """
        return _COMMAND.sub(self._fitted, text)

    def within(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Fit what is to be typed in a JSON value."""
        return {key: self._of_json(item, typed=key in _KEYS) for key, item in value.items()}

    def _of_json(self, value: object, *, typed: bool) -> object:
        if isinstance(value, Mapping):
            return self.within(value)
        if isinstance(value, list | tuple):
            return [self._of_json(item, typed=typed) for item in value]
        return self.fit(value) if typed and isinstance(value, str) else value

    def _fitted(self, found: re.Match[str]) -> str:
        head = joined((PROGRAM, *self.options, found["verb"]))
        rest = _END.split(found.string[found.end() :], maxsplit=1)[0]
        asks = found["verb"] in ASKING and not _ANSWERED.search(rest)
        return f"{head}{' --yes' if self.yes and asks else ''}"


AS_IT_IS = Manner()
"""For texts that are kept: whoever shows them fits them."""
