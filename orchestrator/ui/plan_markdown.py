"""A plan as Markdown, for a comment on a pull request or a job's summary: the worst first."""

from orchestrator.fleet.unit import Unit
from orchestrator.planning.history import goes_down
from orchestrator.planning.plan import Action, Plan, StepKind, UnitPlan
from orchestrator.ui.docker_words import commands_once
from orchestrator.ui.foreign import clean
from orchestrator.ui.markdown import code, fenced, folded, prose, table
from orchestrator.ui.phrases import asked, count, limit, named
from orchestrator.ui.plan_mermaid import plan_mermaid
from orchestrator.ui.plan_rows import danger_rows, now_words, order_rows, then_words, why_rows
from orchestrator.ui.risk_words import few, risk_words
from orchestrator.ui.weather_words import weather_rows

MARKER = "<!-- dtdeploy plan -->"
"""The first line: by it a job finds its own comment, to write it anew."""
_MOST_ROWS = 100
_LONGEST_LINES = 400


def plan_markdown(plan: Plan) -> list[str]:
    """Return the lines of a plan as GitHub and GitLab show it; all foreign text is escaped."""
    return [
        MARKER,
        f"### {_title(plan)}",
        "",
        *_risks(plan),
        *_units(plan),
        *_order(plan),
        *_why(plan),
        *_docker(plan),
        *_graph(plan),
    ]


def _title(plan: Plan) -> str:
    acted = [item for item in plan.units if item.action is not Action.KEEP]
    sites = {item.unit.site for item in acted}
    size = f"{count(len(acted), 'unit')} at {count(len(sites), 'site')}"
    title = code(f"dtdeploy {asked(plan.command.value, clean(plan.selection))}")
    return f"{title}: {size if acted else 'nothing to do'}"


def _risks(plan: Plan) -> list[str]:
    down = tuple(item.unit for item in plan.units if goes_down(item))
    lines = [f"- **RISK** {prose(risk_words(plan.risk))}"] if plan.risk.down else []
    lines += [f"- **GOES DOWN** {code(few(down)) or 'nothing'}"]
    lines += [f"- **{label}** {prose(words)}" for label, words in weather_rows(plan)]
    lines += [f"- **DANGER** {prose(danger)}" for danger in danger_rows(plan)]
    lines += [f"- **NO WAY BACK** {prose(words)}" for words in plan.no_way_back]
    left: dict[str, list[Unit]] = {}
    for item in plan.left_out:
        left.setdefault(item.reason, []).append(item.unit)
    lines += [f"- **LEFT OUT** {code(named(units))} {prose(why)}" for why, units in left.items()]
    lines += [f"- **UNSEEN** {prose(words)}" for words in plan.unseen]
    if plan.revisions:
        lines.append(f"- **REVISIONS** {code(', '.join(str(r) for r in plan.revisions))}")
    return [*lines, ""]


def _units(plan: Plan) -> list[str]:
    groups: dict[tuple[str, str, str], list[UnitPlan]] = {}
    for item in plan.units:
        key = (item.unit.stack, now_words(item.before), then_words(item))
        groups.setdefault(key, []).append(item)
    rows = [
        (code(named(item.unit for item in items)), prose(now), prose(then))
        for (_, now, then), items in groups.items()
    ]
    if not rows:
        return []
    return [*table(("unit", "now", "then"), rows[:_MOST_ROWS]), *_more(len(rows)), ""]


def _more(rows: int) -> list[str]:
    return [f"| and {rows - _MOST_ROWS} more rows | | |"] if rows > _MOST_ROWS else []


def _order(plan: Plan) -> list[str]:
    rows = [
        (str(number), row.verb, _who(row.kind, row.who), f"at most {limit(row.seconds)}")
        for number, wave in enumerate(order_rows(plan), start=1)
        for row in wave
    ]
    return folded("Order", table(("", "what", "where", ""), rows)) if rows else []


def _who(kind: StepKind, words: str) -> str:
    return prose(words) if kind is StepKind.SETTLE else code(words)


def _why(plan: Plan) -> list[str]:
    rows = [f"- {label}: {prose(words)}" for label, words in why_rows(plan)]
    return folded("Why", rows) if rows else []


def _docker(plan: Plan) -> list[str]:
    words = [clean(line) for line in commands_once(plan.units)]
    return folded("In Docker's words", fenced(words[:_LONGEST_LINES])) if words else []


def _graph(plan: Plan) -> list[str]:
    return folded("Graph", fenced(plan_mermaid(plan), "mermaid")) if plan.steps else []
