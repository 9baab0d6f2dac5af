"""Whether a run has to wait: for the end of a freeze, or for a guard that says no. Pure."""

from dataclasses import dataclass, replace

from orchestrator.errors import ExitCode, Problem, Retry
from orchestrator.fleet.freeze import Frozen
from orchestrator.fleet.guard import GuardAnswer
from orchestrator.inventory.model import Inventory
from orchestrator.planning.plan import Command, Override, Plan

_NEVER_HELD = (Command.VERIFY, Command.ROLLBACK)
"""Looking disturbs nobody; and going back repairs what is broken now, whatever the hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What speaks against a run now: freezes that hold, and what the guards answered."""

    frozen: tuple[Frozen, ...] = ()
    guards: tuple[GuardAnswer, ...] = ()


def disruptive(plan: Plan) -> bool:
    """Whether freezes and guards concern this plan at all."""
    return plan.changes and plan.command not in _NEVER_HELD


def under(plan: Plan, weather: Weather, override: Override) -> Plan:
    """Return the plan with what speaks against it, and what was overridden and why."""
    if not disruptive(plan):
        return plan
    return replace(plan, frozen=weather.frozen, guards=weather.guards, override=override)


def objections(plan: Plan) -> tuple[Problem, ...]:
    """Return why `plan` may not be carried out now: nothing, when all of it was overridden."""
    over = plan.override
    return (
        *(_frozen(held) for held in plan.frozen if not over.freeze),
        *(
            _refused(answer)
            for answer in plan.guards
            if answer.asked and not answer.agrees and answer.name not in over.guards
        ),
    )


def override_problems(inventory: Inventory, override: Override) -> tuple[Problem, ...]:
    """Say what is wrong with how an override was typed."""
    known = [guard.name for guard in inventory.guards]
    problems = [
        _usage(
            "selection.unknown-guard",
            f"there is no guard called {name!r}",
            f"known are: {', '.join(known) or 'none, sites.yaml has no guard'}",
        )
        for name in override.guards
        if name not in known
    ]
    if (override.freeze or override.guards) and not override.because.strip():
        option = "--override-freeze" if override.freeze else "--override-guard"
        fix = "say why: --because TEXT"
        problems.append(_usage("selection.no-reason", f"{option} needs a reason", fix))
    return tuple(problems)


def _frozen(held: Frozen) -> Problem:
    return Problem(
        code="freeze.holds",
        what=f"frozen until {held.until}: {held.reason}",
        exit_code=ExitCode.SAFETY_REFUSED,
        fix="wait until then; if it cannot wait, add --override-freeze --because TEXT",
        state_left="nothing was touched",
        runbook="not-now",
        retry=Retry(adds=(("--override-freeze",),)),
    )


def _refused(answer: GuardAnswer) -> Problem:
    why = f" ({answer.reason})" if answer.reason else ""
    return Problem(
        code="guard.objects",
        what=f"guard {answer.name} does not agree{why}",
        exit_code=ExitCode.SAFETY_REFUSED,
        evidence=(answer.words,) if answer.words else (),
        fix="wait until it agrees; if it cannot wait, add"
        f" --override-guard {answer.name} --because TEXT",
        state_left="nothing was touched",
        runbook="not-now",
        retry=Retry(adds=(("--override-guard", answer.name),)),
    )


def _usage(code: str, what: str, fix: str) -> Problem:
    return Problem(code=code, what=what, exit_code=ExitCode.USAGE, fix=fix)
