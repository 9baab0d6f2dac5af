"""Where a plan that was made anew differs from the one that was saved."""

from collections.abc import Iterable, Iterator

from orchestrator.planning.plan import Plan, UnitPlan

_OF_UNIT = (
    "after",
    "compose",
    "services",
    "dependents",
    "dependencies",
    "commands",
    "remove_seconds",
    "healthy_seconds",
)
"""What a plan says of a unit that has to be the same; `before` is judged by `seen.moved`."""


def differences(was: Plan, now: Plan) -> tuple[str, ...]:
    """Say where `now` would do, or risks, something else than `was`; a line for each."""
    return tuple(_all(was, now))


def _all(was: Plan, now: Plan) -> Iterator[str]:
    yield from _units(was, now)
    yield from _dangers(_told(was), _told(now))
    yield from _left_out(was, now)
    yield from _steps(was, now)


def _units(was: Plan, now: Plan) -> Iterator[str]:
    before = {item.unit: item for item in was.units}
    after = {item.unit: item for item in now.units}
    for unit in sorted(before.keys() | after.keys()):
        old, new = before.get(unit), after.get(unit)
        if old is None or new is None:
            yield f"{unit} is {'now' if old is None else 'no longer'} part of the plan"
        elif old.action is not new.action:
            yield f"{unit}: to {new.action.value} now, was to {old.action.value}"
        elif parts := _parts(old, new):
            yield f"{unit}: not the same {', '.join(parts)}"


def _parts(old: UnitPlan, new: UnitPlan) -> list[str]:
    names = [name for name in _OF_UNIT if getattr(old, name) != getattr(new, name)]
    return [name.replace("_", " ") for name in names]


def _told(plan: Plan) -> list[str]:
    of_units = [f"{item.unit}: {danger}" for item in plan.units for danger in item.dangers]
    return [*plan.dangers, *of_units]


def _dangers(was: Iterable[str], now: Iterable[str]) -> Iterator[str]:
    old, new = dict.fromkeys(was), dict.fromkeys(now)
    yield from (f"new danger: {words}" for words in new if words not in old)
    yield from (f"no danger any more: {words}" for words in old if words not in new)


def _left_out(was: Plan, now: Plan) -> Iterator[str]:
    old = {item.unit: item.accepted for item in was.left_out}
    new = {item.unit: item.accepted for item in now.left_out}
    for unit in sorted(old.keys() | new.keys()):
        if old.get(unit) != new.get(unit):
            yield f"{unit}: left out in another way"


def _steps(was: Plan, now: Plan) -> Iterator[str]:
    old = {step.id: step for step in was.steps}
    new = {step.id: step for step in now.steps}
    yield from (f"new step: {step}" for step in new if step not in old)
    yield from (f"no step any more: {step}" for step in old if step not in new)
    yield from (
        f"not the same step: {step}" for step in new if step in old and new[step] != old[step]
    )
