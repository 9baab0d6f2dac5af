"""Problems, steps, plans and fleets as JSON values: plain dicts with stable keys.

    problem  code, what, exit_code, where {site, stack, service, task, node, file, line,
             column: those known}, evidence [..], fix, state_left, runbook, last_words [..]
             (what the failing tasks wrote last)
    step     step, kind, site, unit, stack (null where a step is about a site)
    plan     command, selection, coordinator, changes, revisions {repo: sha}, units [..],
             waves [[step id, ..], ..], steps [step + needs, reason, wait_seconds],
             untouched [{name, reason}], dangers [..], unseen [..],
             left_out [unit + reason, accepted], because, lock (or null), no_way_back [..],
             spans [..], risk {down [..], without [..], comes_back, outage, others, unreadable};
             outage and others: {median_seconds, worst_seconds, runs}, or null without a history;
             schema (its version), saved {file, sha256, id, creator, created, expires, apply} (or
             null); frozen [reason, ends (seconds since 1970, or null), until], guards [name, asked,
             agrees (null if not asked), words, reason], override {freeze, guards, because},
             notice {needed, announced (where and by whom, or null), minutes},
             lost [node, state, tasks [unit, task], accepted], warnings [..],
             refused [problem] (what its run would be refused for at once)
    unit     unit, stack, site, action, reason, before {presence, verdict, running, expected,
             revision, services, words}, after {repo, sha}, compose, services, dependencies,
             dependents, commands, remove_seconds, healthy_seconds, dangers, drift [change],
             images {service: image, pinned to the digest that is deployed}, gaps [service]
             (without any task for a moment)
    change   service (null for the stack's own), kind, item, how (missing, not declared, differs,
             moved), now, declared (null where hidden or nothing is to say), hidden, words
    span     repo, old, new, commits [sha, subject, author, date], more (how many are not listed),
             back (they are taken back), told (the repository knows)
    drift    differs, units [unit, stack, site, presence, differs, revision, pinned {repo, sha},
             drift [change]], spans [span], unreachable [problem]
    fleet    units [unit, stack, site, site_state, presence, verdict, running, expected,
             revision, newer_commits, since_seconds, differing, words], undeclared [..],
             unreachable [problem], planned [..], owed [unit, stack, site, run, since, reason],
             lock (or null), mirrors [repo, fetched, age_seconds], missing [repo], unfetched and
             unread [problem], detours [site, manager], nodes [..], now; status.schema.json has
             all of it
    lock     run, command, owner, host, pid, life, phase, goal, touched, started, beat,
             beat_age_seconds, down [unit, stack, site, since, seconds], next (what to type, or
             null), look_again_seconds (while somebody is at it: after so long a run that died
             is known to be silent), record (its digest, as --expect takes it), vouched_for_by
             (signed, ours or unknown), signature (holds, created, missing, wrong or unchecked),
             refused (problem, or null). Of `dtdeploy lock` also: units [unit, stack, site, mark,
             words], steps_done, steps, because, remarks [..], still_to_do [[step id, ..], ..],
             away [..] and choice [..] (in words)

Keys are added, never renamed or taken away. Absent values are null; times are seconds. Text of
others is cleaned as everywhere (`foreign.clean`), but not shortened.
"""

from dataclasses import asdict, fields
from typing import Any

from orchestrator.errors import Problem, Where
from orchestrator.fleet.guard import GuardAnswer
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import Use
from orchestrator.planning.plan import Before, Plan, Step, UnitPlan
from orchestrator.planning.risk import Risk
from orchestrator.planning.steps import step_waves
from orchestrator.procedures.owed import Owed
from orchestrator.report.plan_parts import notice_json, override_json
from orchestrator.ui.holding import HeldRun, next_for
from orchestrator.ui.json_changes import change_json, span_json
from orchestrator.ui.lock_view import RunState
from orchestrator.ui.status_view import Fleet, StatusRow
from orchestrator.words.foreign import clean, clean_lines

Json = dict[str, Any]


def problem_json(problem: Problem) -> Json:
    """Return a problem."""
    return {
        "code": problem.code,
        "what": clean(problem.what),
        "exit_code": problem.exit_code.value,
        "where": _where(problem.where),
        "evidence": [line for words in problem.evidence for line in clean_lines(words)],
        "fix": "\n".join(clean_lines(problem.fix)),
        "state_left": clean(problem.state_left),
        "runbook": problem.runbook,
        "last_words": [clean(line) for line in problem.last_words],
    }


def step_json(step: Step) -> Json:
    """Return which step it is, and about what."""
    return {
        "step": step.id,
        "kind": step.kind.value,
        "site": step.site,
        "unit": str(step.unit) if step.unit else None,
        "stack": step.unit.stack if step.unit else None,
    }


def use_json(use: Use) -> Json:
    """Return what a unit uses of another one."""
    return {
        "user": str(use.user),
        "maker": str(use.maker),
        "kind": use.kind,
        "name": clean(use.name),
        "at": clean(use.at) or None,
        "words": clean(str(use)),
    }


def plan_json(plan: Plan) -> Json:
    """Return a plan."""
    return {
        "command": plan.command.value,
        "selection": clean(plan.selection),
        "coordinator": plan.coordinator,
        "changes": plan.changes,
        "revisions": {revision.repo: revision.sha for revision in plan.revisions},
        "units": [_unit_plan(item) for item in plan.units],
        "waves": [[step.id for step in wave] for wave in step_waves(plan.steps)],
        "steps": [_planned_step(step) for step in plan.steps],
        "uses": [use_json(use) for use in plan.uses],
        "untouched": [{"name": u.name, "reason": clean(u.reason)} for u in plan.untouched],
        "dangers": [clean(danger) for danger in plan.dangers],
        "unseen": [clean(words) for words in plan.unseen],
        "left_out": [
            {**unit_json(item.unit), "reason": clean(item.reason), "accepted": item.accepted}
            for item in plan.left_out
        ],
        "because": clean(plan.because) or None,
        "spans": [span_json(span) for span in plan.spans],
        "risk": _risk(plan.risk),
        "no_way_back": [clean(words) for words in plan.no_way_back],
        "frozen": [
            {"reason": clean(held.reason), "ends": held.ends, "until": held.until}
            for held in plan.frozen
        ],
        "guards": [_guard(answer) for answer in plan.guards],
        "override": override_json(plan),
        "notice": notice_json(plan),
        "lost": [
            {
                "node": clean(node.name),
                "state": node.state,
                "tasks": [{"unit": str(t.unit), "task": clean(t.name)} for t in node.tasks],
                "accepted": node.accepted,
            }
            for node in plan.lost
        ],
        "warnings": [clean(words) for words in plan.warnings],
    }


def _guard(answer: GuardAnswer) -> Json:
    return {
        "name": answer.name,
        "asked": answer.asked,
        "agrees": answer.agrees if answer.asked else None,
        "words": clean(answer.words),
        "reason": clean(answer.reason),
    }


def _risk(risk: Risk) -> Json:
    return {
        "down": [str(unit) for unit in risk.down],
        "without": [str(unit) for unit in risk.without],
        "comes_back": risk.comes_back,
        "outage": asdict(risk.outage) if risk.outage else None,
        "others": asdict(risk.others) if risk.others else None,
        "unreadable": risk.unreadable,
    }


def fleet_json(fleet: Fleet) -> Json:
    """Return the fleet's status."""
    return {
        "units": [_status_row(row) for row in fleet.rows],
        "undeclared": [str(unit) for unit in fleet.undeclared],
        "beside": [str(unit) for unit in fleet.beside],
        "unreachable": [problem_json(problem) for problem in fleet.unreachable],
        "planned": list(fleet.planned),
        "owed": [owed_json(item) for item in fleet.owed],
        "lock": holding_json(fleet.holding) if fleet.holding else None,
        "mirrors": [
            {"repo": repo, "fetched": at, "age_seconds": None if at is None else fleet.now - at}
            for repo, at in fleet.mirrors
        ],
        "missing": list(fleet.missing),
        "unfetched": [problem_json(problem) for problem in fleet.unfetched],
        "unread": [problem_json(problem) for problem in fleet.unread],
        "detours": [{"site": site, "manager": host} for site, host in fleet.detours],
        "nodes": [clean(words) for words in fleet.nodes],
        "now": fleet.now,
    }


def owed_json(item: Owed) -> Json:
    """Return a unit that is owed."""
    told = {"run": clean(item.run), "since": item.since, "reason": clean(item.reason)}
    return {**unit_json(item.unit), **told}


def holding_json(holding: HeldRun) -> Json:
    """Return who holds the lock."""
    hold, now = holding.hold, holding.now
    return {
        "run": clean(hold.run),
        "command": clean(hold.words),
        "owner": clean(hold.holder.owner),
        "host": clean(hold.holder.host),
        "pid": hold.holder.pid,
        "life": holding.life.name.lower(),
        "phase": hold.phase.value,
        "goal": hold.goal.value,
        "touched": hold.touched,
        "started": hold.started,
        "beat": hold.beat,
        "beat_age_seconds": round(now - hold.beat, 3),
        "down": [
            {**unit_json(unit), "since": since, "seconds": round(now - since, 3)}
            for unit, since in hold.down
        ],
        "next": next_for(holding) or None,
        "look_again_seconds": holding.look_again_seconds,
        "record": holding.record or None,
        "vouched_for_by": holding.origin.name.lower(),
        "signature": holding.signature.name.lower(),
        "refused": problem_json(holding.refused) if holding.refused else None,
    }


def state_json(state: RunState) -> Json:
    """Return how far a run has come."""
    rest = state.rest.steps if state.rest else ()
    return {
        "units": [
            {**unit_json(item.unit), "mark": item.mark.value, "words": clean(item.words)}
            for item in state.units
        ],
        "steps_done": state.done,
        "steps": state.steps,
        "because": clean(state.because) or None,
        "remarks": [clean(words) for words in state.remarks],
        "still_to_do": [[step.id for step in wave] for wave in step_waves(rest)],
        "away": [clean(words) for words in state.away],
        "choice": [clean(words) for words in state.choice],
    }


def unit_json(unit: Unit) -> Json:
    """Return a unit's names."""
    return {"unit": str(unit), "stack": unit.stack, "site": unit.site}


def _where(where: Where) -> Json:
    values = {item.name: getattr(where, item.name) for item in fields(where)}
    return {name: clean(v) if isinstance(v, str) else v for name, v in values.items() if v}


def _planned_step(step: Step) -> Json:
    more = {"needs": list(step.needs), "reason": clean(step.reason)}
    return {**step_json(step), **more, "wait_seconds": step.wait_seconds}


def _unit_plan(item: UnitPlan) -> Json:
    after = item.after
    return {
        **unit_json(item.unit),
        "action": item.action.value,
        "reason": clean(item.reason),
        "before": _before(item.before),
        "after": {"repo": after.repo, "sha": after.sha} if after else None,
        "compose": item.compose,
        "services": list(item.services),
        "dependencies": [str(unit) for unit in item.dependencies],
        "dependents": [str(unit) for unit in item.dependents],
        "commands": [clean(command) for command in item.commands],
        "remove_seconds": item.remove_seconds,
        "healthy_seconds": item.healthy_seconds,
        "dangers": [clean(danger) for danger in item.dangers],
        "drift": [change_json(change) for change in item.drift],
        "images": {service: clean(image) for service, image in item.images},
        "gaps": list(item.gaps),
    }


def _before(before: Before) -> Json:
    return {
        "presence": before.presence.value,
        "verdict": before.verdict.value if before.verdict else None,
        "running": before.running,
        "expected": before.expected,
        "revision": before.revision or None,
        "services": list(before.services),
        "finished": list(before.finished),
        "words": [clean(words) for words in before.words],
    }


def _status_row(row: StatusRow) -> Json:
    return {
        **unit_json(row.unit),
        "site_state": row.site_state.value,
        "presence": row.presence.value,
        "verdict": row.verdict.value if row.verdict else None,
        "running": row.running,
        "expected": row.expected,
        "revision": row.revision or None,
        "newer_commits": row.newer_commits,
        "since_seconds": row.since_seconds,
        "differing": row.differing,
        "finished": list(row.finished),
        "probes": [
            {
                "name": clean(answer.name),
                "ok": answer.ok,
                "words": clean(answer.words),
                "seconds": round(answer.seconds, 3),
            }
            for answer in row.probes
        ],
        "words": [clean(words) for words in row.words],
    }
