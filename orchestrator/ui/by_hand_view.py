"""Commands to be typed by hand: comments say what each passage is for, all else is typed."""

from collections.abc import Iterator

from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request
from orchestrator.procedures.by_hand import ByHand
from orchestrator.ui.json_values import Json, use_json
from orchestrator.words.foreign import clean
from orchestrator.words.phrases import named


def by_hand_lines(command: Command, request: Request, typed: ByHand) -> Iterator[str]:
    """Yield the lines, comments among them."""
    yield f"# {command.value} {request}, without dtdeploy. Made from the inventory; nothing was"
    yield "# looked at. Type it line by line, in one bash, zsh or sh, where ssh and git work."
    yield "# Each line waits for what it is for, and ends with 0. Where one does not: STOP there,"
    yield "# mend what it says, and type that line again. The runbook is by-hand."
    if typed.announced:
        yield f"# FIRST ANNOUNCE IT: {', '.join(map(str, typed.announced))} goes down."
    for host, others in typed.deputies:
        yield f"# IF {clean(host)} IS DEAD: type {clean(' or '.join(others))} in its place."
    if typed.deputies:
        yield "# Where it dies in the middle, ship the files and pull the images there again."
    if lost := request.accept_lost:
        nodes = clean(", ".join(lost))
        yield f"# TAKEN FOR GONE while not Ready, with all that ran there: {nodes},"
        yield f"# because {clean(request.because)}."
    for words, users in _shared(typed).items():
        yield f"# ORDER, besides depends_on: {named(users)} {words}."
    for number, passage in enumerate(typed.passages, start=1):
        yield ""
        yield f"# {number}/{len(typed.passages)}  {clean(passage.about)}"
        yield from passage.lines


def _shared(typed: ByHand) -> dict[str, list[Unit]]:
    found: dict[str, list[Unit]] = {}
    for use in typed.uses:
        found.setdefault(clean(str(use)), []).append(use.user)
    return found


def by_hand_json(command: Command, request: Request, typed: ByHand) -> Json:
    """Return the same for a machine."""
    return {
        "event": "commands",
        "command": command.value,
        "selection": str(request),
        "passages": [{"about": part.about, "lines": list(part.lines)} for part in typed.passages],
        "deputies": [{"manager": host, "others": list(others)} for host, others in typed.deputies],
        "announce": [str(unit) for unit in typed.announced],
        "uses": [use_json(use) for use in typed.uses],
        "unread": [str(unit) for unit in typed.unread],
    }
