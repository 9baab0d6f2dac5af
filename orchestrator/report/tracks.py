"""From the steps of a run to what each unit was doing when."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Plan, StepKind
from orchestrator.report.timeline import Bar, Outage, Phase, Track

_BEFORE = {Presence.PRESENT: Phase.UP, Presence.GONE: Phase.DOWN, Presence.UNKNOWN: Phase.UNKNOWN}


@dataclass(slots=True, kw_only=True)
class _Course:
    """What one unit has been doing so far."""

    unit: Unit
    phase: Phase
    since: float
    words: str = ""
    moved: bool = False
    bars: list[Bar] = field(default_factory=list)
    down_since: float | None = None
    outages: list[Outage] = field(default_factory=list)
    step: StepKind | None = None
    """The kind of the step that is under way, since `started`; `sent` once it sent anything."""
    started: float = 0.0
    sent: bool = False

    def turn(self, phase: Phase, at: float, words: str = "") -> None:
        """Begin another phase."""
        if at > self.since and phase is not self.phase:
            self.bars.append(Bar(phase=self.phase, begin=self.since, end=at, words=self.words))
            self.since = at
        elif at > self.since:
            words = words or self.words
        self.phase, self.words = phase, words

    def falls(self, at: float) -> None:
        """Note that it is down from now on, unless it is already."""
        if self.down_since is None:
            self.down_since = at

    def stands(self, at: float, *, over: bool) -> None:
        """Note the end of an outage, if there is one."""
        if self.down_since is not None:
            self.outages.append(Outage(unit=self.unit, begin=self.down_since, end=at, over=over))
            self.down_since = None


class Tracks:
    """Follows the units of a plan; every time must be no earlier than the one before."""

    def __init__(self, plan: Plan, at: float, *, whole: bool) -> None:
        """Begin at `at`; without the `whole` journal nobody knows what was done before."""
        self._courses: dict[str, _Course] = {}
        for item in plan.units:
            phase = _BEFORE[item.before.presence] if whole else Phase.UNKNOWN
            self._courses[str(item.unit)] = _Course(unit=item.unit, phase=phase, since=at)
        self._shown = {str(item.unit) for item in plan.units if item.action is not Action.KEEP}

    def was_down(self, unit: str, since: float) -> None:
        """Take over from another machine's run since when a unit is down."""
        if course := self._courses.get(unit):
            course.falls(since)
            if not course.moved:
                course.turn(Phase.DOWN, course.since)

    def started(self, step: str, at: float) -> None:
        """Take note that a step began."""
        found = self._of(step, at)
        if found is None:
            return
        kind, course = found
        course.moved = True
        course.step, course.started, course.sent = kind, at, False
        if kind is StepKind.DEPLOY:
            course.turn(Phase.DEPLOYING, at)
        elif kind is StepKind.SETTLE and course.phase is not Phase.HEALTHY:
            course.turn(Phase.HEALTHY, at)

    def sent(self, step: str, at: float) -> None:
        """Take note that a step is about to change something."""
        found = self._of(step, at)
        if found is None:
            return
        kind, course = found
        course.sent = True
        if kind is StepKind.REMOVE and course.phase is not Phase.DRAINING:
            was_up = course.phase is not Phase.DOWN
            course.turn(Phase.DRAINING, max(course.started, course.since))
            if was_up:
                course.falls(course.started)

    def done(self, step: str, at: float, words: str) -> None:
        """Take note that a step reached its end."""
        found = self._of(step, at)
        if found is None:
            return
        kind, course = found
        course.step = None
        if kind is StepKind.REMOVE:
            if course.phase in (Phase.UP, Phase.UNKNOWN):
                course.falls(course.started)
            course.turn(Phase.DOWN, at, words)
        elif kind is StepKind.DEPLOY:
            _say(course, words)
            course.turn(Phase.HEALTHY, at)
            course.stands(at, over=True)
        elif kind is StepKind.SETTLE:
            course.turn(Phase.STABLE, at, words)

    def failed(self, step: str, at: float, words: str) -> None:
        """Take note that a step failed; `words` says why."""
        found = self._of(step, at)
        if found is None:
            return
        kind, course = found
        course.step = None
        if kind is StepKind.REMOVE and not course.sent:
            before = course.phase
            course.turn(Phase.WAITING, max(course.started, course.since), words)
            course.turn(before, at)
        elif kind is StepKind.DEPLOY and not course.sent and course.down_since is not None:
            course.turn(Phase.DOWN, at, words)
        else:
            course.turn(Phase.FAILED, at, words)

    def left(self, at: float, step: str = "") -> None:
        """Take note that a step was left in the middle; without one, that all under way were."""
        for course in self._courses.values():
            if course.step is None or (step and step != f"{course.step.value} {course.unit}"):
                continue
            if course.step is not StepKind.REMOVE or course.sent:
                course.turn(Phase.UNKNOWN, at)
            course.step = None

    def close(self, at: float) -> Iterator[tuple[Track, tuple[Outage, ...]]]:
        """End everything, and yield each unit that the run had to do with."""
        for name, course in self._courses.items():
            course.stands(at, over=False)
            if at > course.since or not course.bars:
                last = Bar(phase=course.phase, begin=course.since, end=at, words=course.words)
                course.bars.append(last)
            if course.moved or name in self._shown:
                track = Track(unit=course.unit, bars=tuple(course.bars))
                yield track, tuple(course.outages)

    def _of(self, step: str, at: float) -> tuple[StepKind, _Course] | None:
        """Return the kind of a step and its unit's course; None for one that is of a site."""
        word, _, name = step.partition(" ")
        stack, of_unit, site = name.partition("@")
        if not of_unit or word not in _KINDS:
            return None
        if name not in self._courses:
            # A way back may act on units that the run itself left alone.
            unit = Unit(stack=stack, site=site)
            self._courses[name] = _Course(unit=unit, phase=Phase.UNKNOWN, since=at)
        return StepKind(word), self._courses[name]


_KINDS = frozenset(kind.value for kind in (StepKind.REMOVE, StepKind.DEPLOY, StepKind.SETTLE))


def _say(course: _Course, words: str) -> None:
    if words and not course.words:
        course.words = words
