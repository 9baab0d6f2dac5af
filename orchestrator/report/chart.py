"""Where each bar of a timeline is drawn, in per cent of its width. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.report.timeline import Bar, How, Life, Phase, Timeline, Track
from orchestrator.words.foreign import clean
from orchestrator.words.phrases import elapsed, limit

_SHORTEST = 0.4
"""Of a bar, in per cent: what took a moment is to be seen as well."""
_ROOMY = 8.0
"""From this width on a bar has room for its duration, at the narrowest that a chart is drawn."""
_LONG_PAUSE_SECONDS = 10.0
_PAUSE_SHARE = 0.08
_MOST_TICKS = 8
_LAST_TICK = 96.0
"""Per cent: beyond it a tick's label would not fit in."""
_MARK = 12.0
"""Per cent that the label of a life takes, at the narrowest that a chart is drawn."""
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
WORDS = {
    Phase.UP: "running as before",
    Phase.WAITING: "removal refused",
    Phase.DRAINING: "draining",
    Phase.DOWN: "down",
    Phase.DEPLOYING: "deploying",
    Phase.HEALTHY: "healthy, watched",
    Phase.STABLE: "stable",
    Phase.FAILED: "failed",
    Phase.UNKNOWN: "not known",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBar:
    """A bar: `x` and `width` in per cent, `label` says all of it, `inside` is written on it."""

    x: float
    width: float
    phase: str
    label: str
    inside: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The bars of one unit."""

    stack: str
    site: str
    bars: tuple[DrawnBar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A line across all rows at `x` per cent. `width` is 0, or that of a shortened pause."""

    x: float
    label: str
    width: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A timeline, drawn. `legend` are the phases that occur."""

    rows: tuple[Row, ...]
    ticks: tuple[Mark, ...]
    pauses: tuple[Mark, ...]
    lives: tuple[Mark, ...]
    legend: tuple[tuple[str, str], ...]


def draw(run: Timeline) -> Chart:
    """Draw a run; long pauses between its lives are shortened."""
    scale = Scale(run)
    phases = {bar.phase for track in run.tracks for bar in track.bars}
    return Chart(
        rows=tuple(_row(run, scale, track) for track in run.tracks),
        ticks=tuple(_ticks(run, scale)),
        pauses=tuple(
            Mark(
                x=scale(begin), width=scale(end) - scale(begin), label=f"{limit(end - begin)} idle"
            )
            for begin, end in scale.pauses
        ),
        lives=tuple(Mark(x=scale(life.began), label=_life(life)) for life in run.lives[1:]),
        legend=tuple((phase.value, WORDS[phase]) for phase in Phase if phase in phases),
    )


class Scale:
    """From seconds since 1970 to per cent of the chart's width."""

    def __init__(self, run: Timeline) -> None:
        self._began, self._ended = run.began, run.ended
        active = sum(life.ended - life.began for life in run.lives) or 1.0
        self._pause = active * _PAUSE_SHARE
        longest = max(_LONG_PAUSE_SECONDS, self._pause)
        ends = [(a.ended, b.began) for a, b in zip(run.lives, run.lives[1:], strict=False)]
        self.pauses = tuple((a, b) for a, b in ends if b - a > longest)
        self._width = self._drawn(run.ended) or 1.0

    def __call__(self, at: float) -> float:
        """Return where a time is drawn."""
        return round(100 * self._drawn(at) / self._width, 3)

    def _drawn(self, at: float) -> float:
        drawn = at - self._began
        for begin, end in self.pauses:
            inside = min(max(at - begin, 0.0), end - begin)
            drawn -= inside * (1 - self._pause / (end - begin))
        return drawn


def _row(run: Timeline, scale: Scale, track: Track) -> Row:
    unit = track.unit
    return Row(
        stack=clean(unit.stack),
        site=clean(unit.site),
        bars=tuple(_bar(run, scale, str(unit), bar) for bar in track.bars),
    )


def _bar(run: Timeline, scale: Scale, unit: str, bar: Bar) -> DrawnBar:
    x, end = scale(bar.begin), scale(bar.end)
    width = min(max(end - x, _SHORTEST), 100.0 - x)
    since, until = offset(bar.begin - run.began), offset(bar.end - run.began)
    words = f". {clean(bar.words)}" if bar.words else ""
    return DrawnBar(
        x=x,
        width=round(width, 3),
        phase=bar.phase.value,
        label=f"{clean(unit)}: {WORDS[bar.phase]} for {elapsed(bar.seconds)},"
        f" {since} to {until}{words}",
        inside=elapsed(bar.seconds) if width >= _ROOMY else "",
    )


def offset(seconds: float) -> str:
    """Say how long after a run's begin: `+3.4 s`, `+2 min 5 s`."""
    return f"+{elapsed(seconds)}"


def _ticks(run: Timeline, scale: Scale) -> Iterator[Mark]:
    """Yield round times; after a pause that is shortened, they count from its end."""
    drawn = sum(life.ended - life.began for life in run.lives)
    step = next((size for size in _STEPS if drawn / size <= _MOST_TICKS), _STEPS[-1])
    begins = {run.began, *(end for _, end in scale.pauses)}
    marks = [scale(life.began) for life in run.lives[1:]]
    for origin in sorted(begins):
        until = min((begin for begin, _ in scale.pauses if begin >= origin), default=run.ended)
        for number in range(int((until - origin) // step) + 1):
            x = scale(origin + number * step)
            if x <= _LAST_TICK and not any(-_MARK / 3 < x - mark < _MARK for mark in marks):
                plus = "" if origin == run.began else "+"
                yield Mark(x=x, label=f"{plus}{limit(number * step)}")


def _life(life: Life) -> str:
    return {How.BEGUN: "begun again", How.RESUMED: "resumed", How.BROKEN: "lock broken"}[life.how]
