"""A plan as Markdown, for a comment on a pull request or a job's summary: the worst first."""

from collections.abc import Sequence

from orchestrator.errors import Problem
from orchestrator.fleet.unit import Unit
from orchestrator.planning.history import goes_down
from orchestrator.planning.plan import Action, Plan, StepKind, UnitPlan
from orchestrator.ui.change_rows import change_rows, span_rows
from orchestrator.ui.docker_words import commands_once
from orchestrator.ui.plan_mermaid import plan_mermaid
from orchestrator.ui.plan_rows import (
    danger_rows,
    down_words,
    gap_rows,
    image_rows,
    now_words,
    order_rows,
    refusal_words,
    then_words,
    why_rows,
)
from orchestrator.ui.risk_words import risk_words
from orchestrator.ui.saved_view import SavedHead
from orchestrator.ui.weather_words import weather_rows
from orchestrator.words.foreign import clean, shorten
from orchestrator.words.markdown import code, fenced, folded, prose, table
from orchestrator.words.phrases import asked, count, limit, named

MARKER = "<!-- dtdeploy plan -->"
"""The first line: by it a job finds its own comment, to write it anew."""
_MOST_ROWS = 100
_MOST_DANGERS = 50
_LONGEST = 60_000
"""Characters. GitHub takes 65,536 in a comment; what does not fit is left out from the end."""


def plan_markdown(
    plan: Plan, saved: SavedHead | None = None, refused: Sequence[Problem] = ()
) -> list[str]:
    """Return the lines of a plan as GitHub and GitLab show it; all foreign text is escaped.

    `saved` is its file, if it was saved: the hash by which it can be applied stands first.
    `refused` is what a run of it would be refused for.
    """
    no = _some("REFUSED", [refusal_words(problem) for problem in refused])
    lines = [MARKER, f"### {_title(plan)}", "", *_saved(saved), *no, *_risks(plan)]
    left = _LONGEST - sum(len(line) + 1 for line in lines)
    missing = 0
    for part in (
        _units(plan),
        _changes(plan),
        _order(plan),
        _images(plan),
        _why(plan),
        _docker(plan),
        _graph(plan),
    ):
        size = sum(len(line) + 1 for line in part)
        if size > left:
            missing += 1
            continue
        lines += part
        left -= size
    more = count(missing, "part")
    return [*lines, f"*{more} of the plan would not fit; see the log.*"] if missing else lines


def _saved(saved: SavedHead | None) -> list[str]:
    if saved is None:
        return []
    good = f"good until {saved.expires:%Y-%m-%d %H:%M} UTC"
    return [f"- **PLAN** {code(saved.sha256)}, {good}", f"- **APPLY** {code(saved.apply)}"]


def _title(plan: Plan) -> str:
    acted = [item for item in plan.units if item.action is not Action.KEEP]
    sites = {item.unit.site for item in acted}
    size = f"{count(len(acted), 'unit')} at {count(len(sites), 'site')}"
    title = code(f"dtdeploy {asked(plan.command.value, clean(plan.selection))}")
    return f"{title}: {size if acted else 'nothing to do'}"


def _risks(plan: Plan) -> list[str]:
    lines = [f"- **RISK** {prose(risk_words(plan.risk))}"] if plan.risk.down else []
    down = any(goes_down(item) for item in plan.units)
    lines += [f"- **GOES DOWN** {code(down_words(plan)) if down else down_words(plan)}"]
    lines += [f"- **{label}** {prose(words)}" for label, words in weather_rows(plan)]
    lines += _some("GAP", gap_rows(plan))
    lines += _some("DANGER", danger_rows(plan))
    lines += _some("WARNING", plan.warnings)
    lines += _some("NO WAY BACK", plan.no_way_back)
    left: dict[str, list[Unit]] = {}
    for item in plan.left_out:
        left.setdefault(item.reason, []).append(item.unit)
    lines += [f"- **LEFT OUT** {code(named(units))} {prose(why)}" for why, units in left.items()]
    lines += [f"- **UNSEEN** {prose(words)}" for words in plan.unseen]
    if plan.revisions:
        lines.append(f"- **REVISIONS** {code(', '.join(str(r) for r in plan.revisions))}")
    return [*lines, ""]


def _some(label: str, said: Sequence[str]) -> list[str]:
    lines = [f"- **{label}** {prose(shorten(words, 300))}" for words in said[:_MOST_DANGERS]]
    more = len(said) - _MOST_DANGERS
    return [*lines, f"- **{label}** and {more} more"] if more > 0 else lines


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


def _changes(plan: Plan) -> list[str]:
    """Return what differs of what runs, and the commits that come."""
    lines: list[str] = []
    for row in (*change_rows(plan, _MOST_ROWS), *span_rows(plan.spans, _MOST_ROWS)):
        lines += [f"- {prose(row.who)}", *(f"    - {prose(line)}" for line in row.lines)]
        lines += [f"    - and {row.more} more"] if row.more else []
    return folded("What differs, and which commits come", lines) if lines else []


def _order(plan: Plan) -> list[str]:
    rows = [
        (str(number), row.verb, _who(row.kind, row.who), f"at most {limit(row.seconds)}")
        for number, wave in enumerate(order_rows(plan), start=1)
        for row in wave
    ]
    return folded("Order", table(("", "what", "where", ""), rows)) if rows else []


def _who(kind: StepKind, words: str) -> str:
    return prose(words) if kind is StepKind.SETTLE else code(words)


def _images(plan: Plan) -> list[str]:
    rows = [(code(image), code(digest)) for image, digest in image_rows(plan)]
    return folded("Images", table(("image", "digest"), rows)) if rows else []


def _why(plan: Plan) -> list[str]:
    rows = [f"- {label}: {prose(words)}" for label, words in why_rows(plan)]
    return folded("Why", rows) if rows else []


def _docker(plan: Plan) -> list[str]:
    words = [clean(line) for line in commands_once(plan.units)]
    return folded("In Docker's words", fenced(words)) if words else []


def _graph(plan: Plan) -> list[str]:
    return folded("Graph", fenced(plan_mermaid(plan), "mermaid")) if plan.steps else []
