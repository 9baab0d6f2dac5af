"""One line an event, for pipes, CI and log files; every line can be found by its step's name."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import assert_never

from rich.console import Console
from rich.text import Text

from orchestrator.engine.events import (
    Event,
    RunStopping,
    RunWaits,
    StepDone,
    StepEvent,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepStopped,
    StepWaits,
)
from orchestrator.errors import Problem
from orchestrator.planning.plan import StepKind
from orchestrator.ui.consoles import show, whole
from orchestrator.words.foreign import clean, clean_lines, shorten
from orchestrator.words.phrases import count, elapsed, limit, some

_QUIET_SECONDS = 3.0
"""What a step waits for is said at most this often."""
STILL_SECONDS = 12.0
"""After so long without a line what is waited for is said again, though nothing has changed.

What there is to say comes at most every two seconds, later on a busy machine: fifteen in all."""
_MOST_ITEMS = 3
_LONGEST = 300
_LONGEST_EVIDENCE = 1000


class LineWriter:
    """Prints every event as a line: `12:00:07 +12.3s deploy app@far  waits: ...`.

    What a step waits for is printed when it changed, and not before three seconds have passed
    since the step's last line. Where nothing changes, what is waited for is printed every twelve
    seconds, so that nobody has to guess whether it is still at it. Steps skipped for the same
    reason, one after the other, are counted on one line. Everything else is printed at once.

    Args:
        console: where to.
        clock: the time of day, with its zone.
        only_ends: leave out what is under way, for one who shows that himself.

    """

    def __init__(
        self, console: Console, clock: Callable[[], datetime], *, only_ends: bool = False
    ) -> None:
        self._console = console
        self._clock = clock
        self._only_ends = only_ends
        self._began: float | None = None
        self._spoke = float("-inf")
        self._said: dict[str, tuple[float, object]] = {}
        self._skipped: list[StepSkipped] = []

    def __call__(self, event: Event) -> None:
        """Print an event, or leave it out."""
        if self._began is None:
            self._began = self._spoke = event.at
        if isinstance(event, StepSkipped):
            if self._skipped and self._skipped[-1].because != event.because:
                self._say_skipped()
            self._skipped.append(event)
            return
        self._say_skipped()
        if self._worth_saying(event):
            self._spoke = event.at
            self._print(event_lines(event, self._stamp(event.at)))

    def close(self) -> None:
        """Print what was held back."""
        self._say_skipped()

    def _say_skipped(self) -> None:
        if self._skipped:
            self._print([skipped_line(self._skipped, self._stamp(self._skipped[-1].at))])
            self._skipped = []

    def _stamp(self, at: float) -> str:
        return f"{self._clock():%H:%M:%S} +{at - (self._began or 0.0):.1f}s"

    def _print(self, lines: list[Text]) -> None:
        for line in lines:
            show(self._console, line)

    def _worth_saying(self, event: Event) -> bool:
        if isinstance(event, StepStarted):
            # What is over within seconds need not be said.
            self._said[event.step.id] = (event.at, None)
            return event.step.kind is not StepKind.GATE and not self._only_ends
        if isinstance(event, RunWaits):
            return not self._only_ends and self._is_still(event)
        return not isinstance(event, StepWaits) or (not self._only_ends and self._is_news(event))

    def _is_news(self, event: StepWaits) -> bool:
        said = (event.waiting_for, event.items)
        at, last = self._said.get(event.step.id, (float("-inf"), None))
        if (said == last and not self._is_still(event)) or event.at - at < _QUIET_SECONDS:
            return False
        self._said[event.step.id] = (event.at, said)
        return True

    def _is_still(self, event: StepWaits | RunWaits) -> bool:
        return event.at - self._spoke >= STILL_SECONDS


def skipped_line(events: list[StepSkipped], stamp: str) -> Text:
    """Return one line for steps that were skipped for the same reason."""
    if len(events) == 1:
        return event_lines(events[0], stamp)[0]
    because = clean(events[0].because)
    work = [event.step for event in events if event.step.kind is not StepKind.GATE]
    words = f"skipped {count(len(work), 'step')} because of {because}"
    return whole((f"{stamp} ", "dim"), (words, "dim"))


def event_lines(event: Event, stamp: str) -> list[Text]:
    """Return an event as lines, `stamp` before each; more than one only for a failure."""
    if isinstance(event, RunStopping):
        words = "stopping: no new step starts, what is under way is awaited"
        return [whole((f"{stamp} ", "dim"), (words, "bold yellow"))]
    if isinstance(event, RunWaits):
        return [whole((f"{stamp} ", "dim"), (run_waits(event), "yellow"))]
    name = clean(event.step.id)
    if isinstance(event, StepDone) and event.step.kind is StepKind.GATE:
        return [whole((f"{stamp} ", "dim"), (name.removeprefix("gate: "), "green"))]
    head = Text.assemble((f"{stamp} ", "dim"), name, "  ")
    return [whole_line(head, said) for said in _said(event)]


def whole_line(head: Text, said: Text) -> Text:
    """Return two parts as one line that is never wrapped."""
    line = head + said
    line.no_wrap, line.overflow = True, "ignore"
    return line


def _said(event: StepEvent) -> Iterator[Text]:
    match event:
        case StepStarted():
            yield Text("started")
        case StepWaits():
            yield Text(_waits(event), style="yellow")
        case StepDone():
            words = f": {clean(event.words)}" if event.words else ""
            yield Text(f"done in {elapsed(event.seconds)}{words}", style="green")
        case StepFailed():
            yield from _failed(event)
        case StepSkipped():
            yield Text(f"skipped because of {clean(event.because)}", style="dim")
        case StepStopped():
            yield Text(f"stopped: {clean(event.words)}", style="bold yellow")
        case _:
            assert_never(event)


def waiting_words(waiting_for: str, items: tuple[str, ...]) -> str:
    """Say what is waited for and what is still in the way, in one line."""
    still = some((clean(item) for item in items), _MOST_ITEMS)
    return shorten(f"{clean(waiting_for)}{f' ({still})' if still else ''}", _LONGEST)


def run_waits(event: RunWaits) -> str:
    """Say what the run as a whole waits for, how long by now and how long at most."""
    return waits_words(event.waiting_for, event.seconds, event.at_most)


def waits_words(waiting_for: str, seconds: float, at_most: float | None) -> str:
    """Say what is waited for, for how many seconds by now and at most."""
    most = "" if at_most is None else f" of at most {limit(at_most)}"
    return f"waits: {shorten(clean(waiting_for), _LONGEST)}, {limit(seconds)}{most}"


def _waits(event: StepWaits) -> str:
    left = "" if event.deadline is None else f", {limit(max(0, event.deadline - event.at))} left"
    return f"waits: {waiting_words(event.waiting_for, event.items)}{left}"


def _failed(event: StepFailed) -> Iterator[Text]:
    for problem in event.problems:
        what = f"FAILED after {elapsed(event.seconds)}: {clean(problem.what)}"
        yield Text.assemble((what, "bold red"), f" [{clean(problem.code)}]")
        yield from (Text(f"| {line}") for line in _evidence(problem))
        written = (shorten(clean(line), _LONGEST_EVIDENCE) for line in problem.last_words)
        yield from (Text(f"| wrote: {line}") for line in written)


def _evidence(problem: Problem) -> Iterator[str]:
    for words in dict.fromkeys(problem.evidence):
        yield from (shorten(line, _LONGEST_EVIDENCE) for line in clean_lines(words))
