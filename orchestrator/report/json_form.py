"""A run's report as a JSON value: what the file holds, and what the other forms are made of.

    schema (its version), run, outcome, exit_code (null if no end was written), unfinished (its
    lock was left), whole (false: it began on another machine), state_left, next [..]
    who, why, words, command, selection, created, began, ended, seconds
    plan {sha256, saved (id, or null), inventory (fingerprint), coordinator, revisions {repo: sha},
        units [unit, stack, site, action, reason, from, to, compose, services, commands],
        steps (how many), dangers, left_out [unit, reason], override {freeze, guards, because},
        notice {needed, announced (where and by whom, or null), minutes}}
    lives [how (begun, resumed, broken), by, began, ended, exit_code, kept, because]
    timeline [unit, stack, site, bars [phase, begin, end, seconds, words]]
    outages [unit, stack, site, services, begin, end, seconds, over]
    problems [at, step, code, what, where, evidence, fix, state_left, runbook, exit_code,
              last_words]
    skipped [step, because], owed [unit, reason]
    effects [at, step, what, on, details, result (null: not told), words, seconds]
    reproduce [..]

Times are seconds since 1970. Text of others is cleaned as everywhere. Keys are added, never
renamed or taken away; `docs/schema/report.schema.json` is the schema.
"""

from typing import Any

from orchestrator.command_line import AS_IT_IS, Manner
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import UnitPlan
from orchestrator.report.next_steps import next_steps, state_left, to_reproduce
from orchestrator.report.plan_parts import notice_json, override_json
from orchestrator.report.timeline import Bar, Deed, Life, Outage, Timeline, Track, Trouble
from orchestrator.words.foreign import clean, clean_lines

SCHEMA = "1.0"
Json = dict[str, Any]


def report_json(run: Timeline, manner: Manner = AS_IT_IS) -> Json:
    """Return all that is known of a run; `manner` is how commands have to be typed."""
    record, plan = run.record, run.record.plan
    services = {item.unit: item.services or item.before.services for item in plan.units}
    told = {
        "schema": SCHEMA,
        "run": record.run,
        "outcome": run.outcome.value,
        "exit_code": run.exit,
        "unfinished": run.unfinished,
        "whole": run.whole,
        "state_left": clean(state_left(run)),
        "next": [clean(words) for words in next_steps(run)],
        "who": clean(run.lives[0].by or record.owner),
        "why": clean(record.because) or None,
        "words": clean(record.words),
        "command": plan.command.value,
        "selection": clean(plan.selection),
        "created": _time(record.created),
        "began": _time(run.began),
        "ended": _time(run.ended),
        "seconds": _time(run.seconds),
        "plan": _plan(run),
        "lives": [_life(life) for life in run.lives],
        "timeline": [_track(track) for track in run.tracks],
        "outages": [_outage(outage, services.get(outage.unit, ())) for outage in run.outages],
        "problems": [_trouble(trouble) for trouble in run.troubles],
        "skipped": [{"step": step, "because": clean(why)} for step, why in run.skipped],
        "owed": [{"unit": unit, "reason": clean(why)} for unit, why in run.owed],
        "effects": [_deed(deed) for deed in run.deeds],
        "reproduce": [clean(words) for words in to_reproduce(run)],
    }
    return manner.within(told)


def _time(seconds: float) -> float:
    return round(seconds, 3)


def _of(unit: Unit) -> Json:
    return {"unit": str(unit), "stack": unit.stack, "site": unit.site}


def _plan(run: Timeline) -> Json:
    record, plan = run.record, run.record.plan
    return {
        "sha256": run.plan_sha256,
        "saved": record.saved_plan or None,
        "inventory": record.inventory,
        "coordinator": plan.coordinator,
        "revisions": {revision.repo: revision.sha for revision in plan.revisions},
        "units": [_unit_plan(item) for item in plan.units],
        "steps": len(plan.steps),
        "dangers": [clean(words) for words in plan.dangers],
        "left_out": [
            {"unit": str(item.unit), "reason": clean(item.reason)} for item in plan.left_out
        ],
        "override": override_json(plan),
        "notice": notice_json(plan),
    }


def _unit_plan(item: UnitPlan) -> Json:
    return {
        **_of(item.unit),
        "action": item.action.value,
        "reason": clean(item.reason),
        "from": item.before.revision or None,
        "to": item.after.sha if item.after else None,
        "compose": item.compose or None,
        "services": list(item.services),
        "commands": [clean(words) for words in item.commands],
    }


def _life(life: Life) -> Json:
    return {
        "how": life.how.value,
        "by": clean(life.by),
        "began": _time(life.began),
        "ended": _time(life.ended),
        "exit_code": life.exit,
        "kept": life.kept,
        "because": clean(life.because) or None,
    }


def _track(track: Track) -> Json:
    return {**_of(track.unit), "bars": [_bar(bar) for bar in track.bars]}


def _bar(bar: Bar) -> Json:
    return {
        "phase": bar.phase.value,
        "begin": _time(bar.begin),
        "end": _time(bar.end),
        "seconds": _time(bar.seconds),
        "words": clean(bar.words),
    }


def _outage(outage: Outage, services: tuple[str, ...]) -> Json:
    return {
        **_of(outage.unit),
        "services": list(services),
        "begin": _time(outage.begin),
        "end": _time(outage.end),
        "seconds": _time(outage.seconds),
        "over": outage.over,
    }


def _trouble(trouble: Trouble) -> Json:
    problem = trouble.problem
    return {
        "at": _time(trouble.at),
        "step": trouble.step or None,
        "code": problem.code,
        "what": clean(problem.what),
        "where": clean(str(problem.where)),
        "evidence": [line for words in problem.evidence for line in clean_lines(words)],
        "fix": "\n".join(clean_lines(problem.fix)),
        "state_left": clean(problem.state_left),
        "runbook": problem.runbook,
        "exit_code": problem.exit_code.value,
        "last_words": [clean(line) for line in problem.last_words],
    }


def _deed(deed: Deed) -> Json:
    return {
        "at": _time(deed.at),
        "step": deed.step or None,
        "what": clean(deed.what),
        "on": clean(deed.on),
        "details": {name: clean(value) for name, value in deed.details},
        "result": deed.result or None,
        "words": clean(deed.words),
        "seconds": None if deed.seconds is None else _time(deed.seconds),
    }
