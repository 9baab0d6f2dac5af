"""What every form of a plan says in the same words: its order, from what to what, and why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.errors import Problem
from orchestrator.fleet.facts import digest_of, tagged
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.planning.history import goes_down
from orchestrator.planning.plan import Action, Before, Plan, Step, StepKind, UnitPlan
from orchestrator.planning.steps import step_waves
from orchestrator.ui.risk_words import few
from orchestrator.words.foreign import clean, shorten
from orchestrator.words.phrases import limit, named, running_at, short

_LOOSE = "no digest known"

_VERBS = {
    StepKind.EXAMINE: "check",
    StepKind.PREPARE: "prepare",
    StepKind.ANNOUNCE: "announce",
    StepKind.REMOVE: "down",
    StepKind.DEPLOY: "up",
    StepKind.SETTLE: "watch",
}
_NOTES = {
    StepKind.EXAMINE: "changes nothing",
    StepKind.PREPARE: "ship files, pull images",
    StepKind.ANNOUNCE: "nothing is touched without a receipt",
}
_MOST_SITES = 10
"""More sites than this are counted where each of them is named further down anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """Steps of a wave that are of one kind and may wait equally long."""

    kind: StepKind
    verb: str
    who: str
    seconds: float


def order_rows(plan: Plan) -> tuple[tuple[OrderRow, ...], ...]:
    """Return the waves of a plan, the watching afterwards as one last: nothing waits for it."""
    return tuple(
        tuple(
            OrderRow(kind=kind, verb=_VERBS[kind], who=_who(kind, steps), seconds=seconds)
            for kind, seconds, steps in _alike(wave)
        )
        for wave in _shown_waves(plan)
    )


def _shown_waves(plan: Plan) -> Iterator[tuple[Step, ...]]:
    watched: list[Step] = []
    for wave in step_waves(plan.steps):
        watched += [step for step in wave if step.kind is StepKind.SETTLE]
        if shown := tuple(step for step in wave if step.kind is not StepKind.SETTLE):
            yield shown
    if watched:
        yield tuple(watched)


def _alike(wave: tuple[Step, ...]) -> list[tuple[StepKind, float, list[Step]]]:
    groups: dict[tuple[StepKind, float], list[Step]] = {}
    for step in wave:
        groups.setdefault((step.kind, step.wait_seconds), []).append(step)
    return [(kind, seconds, steps) for (kind, seconds), steps in groups.items()]


def _who(kind: StepKind, steps: list[Step]) -> str:
    if kind is StepKind.SETTLE:
        return "each from when it is up: " + ", ".join(dict.fromkeys(s.reason for s in steps))
    if kind is StepKind.ANNOUNCE:
        return f"{steps[0].reason} ({_NOTES[kind]})"
    units = [step.unit for step in steps if step.unit is not None]
    sites = ", ".join(step.site for step in steps)
    places = named(units) or (sites if len(steps) <= _MOST_SITES else f"{len(steps)} sites")
    return f"{places} ({_NOTES[kind]})" if kind in _NOTES else places


def notice_words(plan: Plan) -> str:
    """Say how the downtime is announced, "" where there is none that has to be."""
    if not plan.announces:
        return ""
    notice = plan.notice
    if notice.announced:
        return f"by hand, {notice.announced}"
    if notice.minutes:
        return f"{limit(notice.minutes * 60)} before anything goes down"
    return "right before anything goes down"


def danger_rows(plan: Plan) -> tuple[str, ...]:
    """Return every danger, those of many units that are alike said once."""
    alike: dict[str, list[Unit]] = {}
    for item in plan.units:
        for danger in item.dangers:
            alike.setdefault(danger, []).append(item.unit)
    return (*plan.dangers, *(f"{few(units)}: {danger}" for danger, units in alike.items()))


def gap_rows(plan: Plan) -> tuple[str, ...]:
    """Say which services are without a task for a moment, and what would avoid it."""
    alike: dict[tuple[str, ...], list[Unit]] = {}
    for item in plan.units:
        if item.gaps:
            alike.setdefault(item.gaps, []).append(item.unit)
    return tuple(
        f"{few(units)}: no task of {', '.join(names)} runs from when the old one stops until the"
        " new one is up (nobody measured how long); `order: start-first` under"
        " deploy.update_config, or a second replica, avoids it"
        for names, units in alike.items()
    )


def down_words(plan: Plan) -> str:
    """Say what goes down, and that something does for a moment where that is all."""
    down = few(item.unit for item in plan.units if goes_down(item))
    return down or ("nothing, but see GAP" if any(item.gaps for item in plan.units) else "nothing")


def image_rows(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Return each image that is deployed, and the digest that all sites get it by."""
    images = {image for item in plan.units for _, image in item.images}
    return tuple((clean(tagged(i)), clean(digest_of(i) or _LOOSE)) for i in sorted(images))


def state_words(before: Before) -> str:
    """Say whether a unit is there, how well it is, and why it is not."""
    if before.presence is Presence.GONE:
        return "gone"
    if before.presence is Presence.UNKNOWN or before.verdict is None:
        return "unknown"
    state = f"{before.running}/{before.expected} {before.verdict.value}"
    if before.verdict is Verdict.HEALTHY and before.finished and not before.expected:
        return "finished"
    if before.verdict is not Verdict.HEALTHY and before.words:
        more = f" (+{len(before.words) - 1} more)" if len(before.words) > 1 else ""
        state += f": {shorten(clean(before.words[0]), 120)}{more}"
    return state


def revision_words(before: Before) -> str:
    """Say at which revision a unit runs, "" where nothing is known to run."""
    there = before.presence is Presence.PRESENT and before.verdict is not None
    return f", {running_at(before.revision)}" if there else ""


def now_words(before: Before) -> str:
    """Say what there is of a unit now."""
    return state_words(before) + revision_words(before)


def then_words(item: UnitPlan) -> str:
    """Say what there will be of a unit."""
    if item.action is Action.KEEP:
        return "stays as it is"
    if item.action is Action.DOWN:
        return "gone"
    how = "updated in place to " if item.action is Action.UPDATE else ""
    return f"{how}{short(item.after.sha)}" if item.after else "deployed"


def why_rows(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield why units are in the plan, or are not, and the order that nobody declared."""
    reasons: dict[str, list[Unit]] = {}
    for item in plan.units:
        reasons.setdefault(clean(item.reason), []).append(item.unit)
    for reason, units in reasons.items():
        everything = len(reasons) == 1 and len(units) > 1
        yield "in", f"{'all of them' if everything else named(units)}: {reason}"
    shared: dict[str, list[Unit]] = {}
    for use in plan.uses:
        shared.setdefault(clean(str(use)), []).append(use.user)
    for words, users in shared.items():
        yield "order", f"{named(dict.fromkeys(users))}: {words}"
    left: dict[str, list[str]] = {}
    for untouched in plan.untouched:
        left.setdefault(clean(untouched.reason), []).append(untouched.name)
    for reason, names in left.items():
        yield "not", f"{_compact(names)}: {reason}"


def _compact(names: Iterable[str]) -> str:
    """List names, those of the form stack@site as units."""
    units, others = [], []
    for name in names:
        stack, at, site = name.partition("@")
        if at:
            units.append(Unit(stack=stack, site=site))
        else:
            others.append(name)
    return ", ".join(part for part in (named(units), *others) if part)


def refusal_words(problem: Problem) -> str:
    """Return why a run would be refused, in one line."""
    place = str(problem.where)
    told = not place or place in problem.what
    return f"{'' if told else f'{place}: '}{problem.what} [{problem.code}]"
