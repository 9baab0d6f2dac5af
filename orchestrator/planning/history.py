"""Past runs as values, and what they say about the next one like them. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil
from statistics import median
from types import MappingProxyType

from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Command, Plan, UnitPlan
from orchestrator.planning.risk import Risk, Typical


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A run that ended: how long each unit was down that it took down and brought up again.

    `stacks` are those that it was to take down. `steps` tells how long each step took that was
    done, by its id; `seconds` how long all of it took, None if not every step was done. Seconds,
    by the clock of who ran it.
    """

    run: str
    command: Command
    stacks: frozenset[str]
    outages: tuple[tuple[Unit, float], ...]
    steps: tuple[tuple[str, float], ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The runs that are remembered here, and how many cannot be read."""

    runs: tuple[PastRun, ...] = ()
    unreadable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How long things took before, the median of what is remembered: seconds.

    `steps` by id, `outages` of the units that were taken down and up again, `whole` of all of it.
    What never happened is missing.
    """

    steps: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    outages: Mapping[Unit, float] = field(default_factory=lambda: MappingProxyType({}))
    whole: float | None = None


NOTHING_KNOWN = Expected()


def expect(plan: Plan, history: History) -> Expected:
    """Say how long the steps of `plan` took before, its outages, and all of it.

    A step counts for itself in whatever run it was done; one that never was is like those of the
    same kind and stack at other sites. All of it is like runs of the same kind, see `assess`.
    """
    falls = tuple(item for item in plan.units if goes_down(item))
    alike = [run for run in history.runs if _alike(run, plan.command, falls)]
    own: dict[str, list[float]] = {}
    like: dict[tuple[str, str], list[float]] = {}
    for step, seconds in (item for run in history.runs for item in run.steps):
        own.setdefault(step, []).append(seconds)
        like.setdefault(_kind_and_stack(step), []).append(seconds)
    found = {s.id: own.get(s.id) or like.get(_kind_and_stack(s.id)) for s in plan.steps}
    outages: dict[Unit, list[float]] = {}
    for unit, seconds in (item for run in alike for item in run.outages):
        outages.setdefault(unit, []).append(seconds)
    whole = [run.seconds for run in alike if run.seconds is not None]
    return Expected(
        steps={step: median(seconds) for step, seconds in found.items() if seconds},
        outages={unit: median(seconds) for unit, seconds in outages.items()},
        whole=median(whole) if whole else None,
    )


def _kind_and_stack(step: str) -> tuple[str, str]:
    """Take apart `deploy stack@site`; a step about a site is like those about other sites."""
    kind, _, name = step.partition(" ")
    stack, at, _ = name.rpartition("@")
    return kind, stack if at else ""


def assess(plan: Plan, history: History) -> Risk:
    """Say what carrying `plan` out costs, by past runs of the same kind.

    Of the same kind is a run of the same command that took the same stacks down, at whatever
    sites.
    """
    falls = tuple(item for item in plan.units if goes_down(item))
    heads = _heads(falls)
    alike = [run for run in history.runs if _alike(run, plan.command, falls)]
    down = frozenset(item.unit for item in heads)
    rest = frozenset(item.unit for item in falls) - down
    return Risk(
        down=tuple(item.unit for item in heads),
        without=tuple(sorted({unit for item in heads for unit in item.dependents})),
        comes_back=all(item.action is Action.RESTART for item in heads),
        outage=_typical(_longest(alike, down)),
        others=_typical(_longest(alike, rest)),
        unreadable=history.unreadable,
    )


def goes_down(item: UnitPlan) -> bool:
    """Whether the plan takes a unit down that may be up now."""
    return item.action.removes and item.before.presence is not Presence.GONE


def stacks_down(plan: Plan) -> frozenset[str]:
    """Return the stacks that a plan takes down, wherever they run."""
    return frozenset(item.unit.stack for item in plan.units if goes_down(item))


def _heads(falls: tuple[UnitPlan, ...]) -> tuple[UnitPlan, ...]:
    """Return those of which nothing that they need goes down as well."""
    falling = {item.unit for item in falls}
    return tuple(item for item in falls if not falling & set(item.dependencies))


def _alike(run: PastRun, command: Command, falls: tuple[UnitPlan, ...]) -> bool:
    return run.command is command and run.stacks == frozenset(item.unit.stack for item in falls)


def _longest(runs: Iterable[PastRun], units: frozenset[Unit]) -> list[float]:
    """Return, for each run that took any of `units` down and up again, the longest outage."""
    outages = [[seconds for unit, seconds in run.outages if unit in units] for run in runs]
    return [max(seconds) for seconds in outages if seconds]


def _typical(seconds: list[float]) -> Typical | None:
    if not seconds:
        return None
    ranked = sorted(seconds)
    return Typical(
        median_seconds=median(ranked),
        worst_seconds=ranked[ceil(0.9 * len(ranked)) - 1],
        runs=len(ranked),
    )
