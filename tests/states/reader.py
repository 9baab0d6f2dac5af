"""Somebody who knows nothing but what the screen says: types that, and does what it asks people to.

What may not happen is told apart: a screen that names no command, a command that is refused in the
very state in which the screen named it, two that name each other, and a way that does not end.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import click

from orchestrator.cli.main import cli
from orchestrator.errors import ExitCode
from tests.states.keyboard import Keyboard, Typed

MOST = 4
"""So many commands lead from any screen to health, or to words that name what a person has to do.
"""
MOST_AFTERWARDS = 3
"""So many lead to health once a person did it."""
_NEXT = re.compile(r"^NEXT  (.+)$", re.MULTILINE)
_FIX = re.compile(r"^ {4}next: +(.+(?:\n {14}\S.*)*)$", re.MULTILINE)
_VERBS = "|".join(cli.list_commands(click.Context(cli)))
_COMMAND = re.compile(rf"dtdeploy(?: -\S+ \S+)* (?:{_VERBS})\b(?!\.|')[^|;`)]*")
MENDED = "# once the cause above is mended"
_REASON = "somebody said so"
_REVISION = f"app={'a' * 40}"
"""What somebody fills in who knows which one is wanted."""
_REFUSALS = frozenset(
    {
        ExitCode.INVENTORY_INVALID,
        ExitCode.PLAN_STALE,
        ExitCode.LOCK_HELD,
        ExitCode.SITE_UNREACHABLE,
        ExitCode.HOST_KEY_REFUSED,
        ExitCode.LOGIN_REFUSED,
        ExitCode.SOURCE_FAILED,
        ExitCode.SAFETY_REFUSED,
        ExitCode.ANNOUNCEMENT_FAILED,
        ExitCode.USAGE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What only a person can do: `named` is how the screen has to speak of it."""

    named: str
    do: Callable[[Keyboard], None]


@dataclass(slots=True, kw_only=True)
class Way:
    """What was typed from a screen on, and why it leads nowhere, "" if it leads to health."""

    typed: list[Typed] = field(default_factory=list)
    acted_after: int | None = None
    """After how many commands a person acted; None: nobody had to."""
    dead_end: str = ""

    @property
    def length(self) -> int:
        return len(self.typed)

    def shown(self) -> str:
        lines = [f"{typed.line} ({typed.code})" for typed in self.typed]
        if self.acted_after is not None:
            lines.insert(self.acted_after, "[a person acts]")
        return "; ".join(lines)


def follow(
    screen: str,
    keyboard: Keyboard,
    well: Callable[[], bool],
    act: Act | None = None,
    before: tuple[Typed, ...] = (),
    *,
    nobody_mends: bool = False,
) -> Way:
    """Type what stands on `screen` and then on the next ones, until all is `well` and done.

    If `nobody_mends` the cause, the other way that is offered is taken.

    `before` is what was typed until then: what was asked for is done once the last command that is
    to change something ended well.
    """
    way = Way()
    refused: list[str] = []
    while not (_done(way, act, before) and well()):
        if act is not None and way.acted_after is None and re.search(act.named, flat(screen)):
            act.do(keyboard)
            way.acted_after = way.length
            continue
        begun = way.acted_after or 0
        if way.length - begun == (MOST if way.acted_after is None else MOST_AFTERWARDS):
            return _ends(way, f"{way.length} commands and no end")
        line = choose(screen, nobody_mends=nobody_mends)
        if not line:
            return _ends(way, "names no command")
        if any(typed.line == line and typed.changes for typed in way.typed[begun:]):
            return _ends(way, f"a circle: {' -> '.join([*refused, line])}")
        looked = bool(way.typed or before) and _looks_at_nothing(way, before)
        typed = _all_of(keyboard, way, line)
        if was_refused(typed) and not looked:
            refused.append(line)
        screen = typed.screen
        if not offers(screen) and typed.changes and typed.code == ExitCode.DONE:
            screen = ""
    return _ends(way, f"refused: {refused[0]}" if refused else "")


def _done(way: Way, act: Act | None, before: tuple[Typed, ...]) -> bool:
    """Whether it may be over: not before a person did what there is for one to do."""
    if act is not None and way.acted_after is None:
        return False
    meant = [typed for typed in (*before, *way.typed) if typed.changes]
    return not meant or meant[-1].code in {ExitCode.DONE, ExitCode.RESTORED}


def _all_of(keyboard: Keyboard, way: Way, line: str) -> Typed:
    """Type what `&&` joins one after another, as a shell does; return the last one."""
    typed = None
    for part in line.split(" && "):
        typed = keyboard.type(part)
        way.typed.append(typed)
        if typed.code:
            break
    assert typed is not None
    return typed


def _looks_at_nothing(way: Way, before: tuple[Typed, ...]) -> bool:
    """Whether the last screen came of a usage error: nothing was contacted, so what it names may
    be refused for what is seen then."""
    return (*before, *way.typed)[-1].code == ExitCode.USAGE


def _ends(way: Way, words: str) -> Way:
    way.dead_end = words
    return way


def was_refused(typed: Typed) -> bool:
    """Whether a command that was to change something was turned away and changed nothing."""
    return typed.changes and typed.code in set(_REFUSALS) and not typed.touched


def choose(screen: str, *, nobody_mends: bool = False) -> str:
    """Return the first command that is offered, or, if `nobody_mends` the cause, the second.

    Somebody to whom no screen says anything looks.
    """
    if not screen:
        return "dtdeploy status"
    offered = [*offers(screen), ""]
    other = nobody_mends and MENDED in screen and offered[1]
    return offered[1] if other else offered[0]


def offers(screen: str) -> list[str]:
    """Return the commands of the last NEXT, and where it names none, of all `next:`."""
    ends = _NEXT.findall(screen)
    commands = _commands(ends[-1]) if ends else []
    return commands or [line for fix in _FIX.findall(screen) for line in _commands(fix)]


def _commands(words: str) -> list[str]:
    """Return the commands in what is to be typed next, as one would type them."""
    said = [re.sub(r"   #.*$", "", line) for line in words.splitlines()]
    found = _COMMAND.findall(" ".join(" ".join(said).split()))
    return [_filled(line.strip().rstrip(".,:")) for line in found]


def _filled(line: str) -> str:
    return re.sub(r"\bTEXT\b", f"'{_REASON}'", line).replace("REPO=SHA", _REVISION)


def flat(screen: str) -> str:
    """Return a screen as one line: what is said may have been wrapped anywhere."""
    return " ".join(screen.split())
