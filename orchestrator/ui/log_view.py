"""Lines of logs for people: each says when, and who wrote it; a unit keeps its colour.

What a service wrote is cleaned (`foreign.clean`) but never cut: the end of a line is often what
matters. On a narrow terminal a line of its own says who speaks, whenever that changes.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from orchestrator.fleet.logs import LogLine
from orchestrator.fleet.unit import Unit
from orchestrator.ui.consoles import show, whole
from orchestrator.ui.json_values import Json, unit_json
from orchestrator.words.foreign import clean

_COLOURS = (
    "cyan",
    "green",
    "yellow",
    "magenta",
    "blue",
    "bright_cyan",
    "bright_green",
    "bright_yellow",
    "bright_magenta",
    "bright_blue",
)
_NARROW = 90
"""With fewer columns names before every line would leave too little room for it."""
_NANO = 1_000_000_000


class LogPrinter:
    """Prints lines one after the other.

    Args:
        console: where to.
        units: all whose lines may come; it tells their colours.
        zone: a time in the reader's zone.

    """

    def __init__(self, console: Console, units: Iterable[Unit], zone: datetime) -> None:
        self._console = console
        self._colours = {
            unit: _COLOURS[number % len(_COLOURS)] for number, unit in enumerate(sorted(units))
        }
        self._zone = zone
        self._speaker = ""

    def __call__(self, line: LogLine) -> None:
        """Print a line."""
        for text in self._lines(line):
            show(self._console, text)

    def _lines(self, line: LogLine) -> Iterable[Text]:
        speaker, colour = speaker_of(line), self._colours.get(line.unit, "")
        said, when = clean_keeping_indent(line.text), self._when(line)
        if self._console.is_terminal and self._console.width < _NARROW:
            if speaker != self._speaker:
                self._speaker = speaker
                yield whole((speaker, f"bold {colour}".strip()))
            yield whole((f"{when} ", "dim"), said)
            return
        yield whole((f"{when} ", "dim"), (speaker, colour), " | ", said)

    def _when(self, line: LogLine) -> str:
        seconds, nano = divmod(line.at, _NANO)
        at = datetime.fromtimestamp(seconds, tz=self._zone.tzinfo)
        milli = nano // 1_000_000
        if self._console.is_terminal and at.date() == self._zone.date():
            return f"{at:%H:%M:%S}.{milli:03}"
        if self._console.is_terminal:
            return f"{at:%m-%d %H:%M:%S}.{milli:03}"
        return at.replace(microsecond=milli * 1000).isoformat(timespec="milliseconds")


def speaker_of(line: LogLine) -> str:
    """Return who wrote a line: `stack@site/service.slot`."""
    slot = line.slot or line.task[:12]
    return clean(f"{line.unit}/{line.service}{f'.{slot}' if slot else ''}")


def clean_keeping_indent(text: str) -> str:
    """Return a line cleaned; what it is indented by stays, for tracebacks are read by it."""
    indent = len(text) - len(text.lstrip(" \t"))
    return " " * min(indent, 40) + clean(text)


def log_json(line: LogLine) -> Json:
    """Return a line as one object: `at` is nanoseconds since 1970, `time` the same in UTC."""
    seconds, nano = divmod(line.at, _NANO)
    return {
        "event": "log",
        "time": f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%S}.{nano:09}Z",
        "at": line.at,
        **unit_json(line.unit),
        "service": clean(line.service),
        "slot": clean(line.slot) or None,
        "task": clean(line.task) or None,
        "node": clean(line.node) or None,
        "stream": line.stream,
        "text": clean_keeping_indent(line.text),
    }
