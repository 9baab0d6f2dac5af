"""The end of a run on a few lines: what was done, what stands now, what to type next."""

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.text import Text

from orchestrator.command_line import (
    AS_IT_IS,
    Manner,
    options_in,
    reason_for,
    selected_in,
    typed,
    words_of,
)
from orchestrator.engine.report import RunReport
from orchestrator.engine.schedule import State
from orchestrator.errors import ExitCode
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Command, Plan, StepKind
from orchestrator.ui.consoles import labelled, plain, show, stack_up
from orchestrator.ui.next_line import next_line
from orchestrator.ui.standing import Standing, UnitEnd, unit_ends
from orchestrator.words.again import ways_again
from orchestrator.words.foreign import clean
from orchestrator.words.phrases import asked, count, elapsed, named

_STYLES = {
    Standing.DEPLOYED: "green",
    Standing.UNWATCHED: "yellow",
    Standing.UNSTABLE: "bold red",
    Standing.UNHEALTHY: "bold red",
    Standing.HALF_DEPLOYED: "bold red",
    Standing.HALF_REMOVED: "bold red",
    Standing.GONE: "bold",
    Standing.UNTOUCHED: "dim",
}


def render_summary(plan: Plan, report: RunReport, width: int = 80) -> list[str]:
    """Return the summary as plain lines."""
    return plain(summary_view(plan, report), width)


def print_summary(
    plan: Plan,
    report: RunReport,
    console: Console,
    manner: Manner = AS_IT_IS,
    again: str = "",
) -> None:
    """Print the summary; problems are printed apart from it, see `problems`."""
    show(console, summary_view(plan, report, manner, again))


def summary_view(
    plan: Plan, report: RunReport, manner: Manner = AS_IT_IS, again: str = ""
) -> RenderableType:
    """Return the summary to show; `again` as in `ways_on`."""
    parts = [how_it_went(plan, report), what_stands(plan, report)]
    if commands := ways_on(plan, report, again):
        parts.append(next_line(commands, mended=bool(report.problems), manner=manner))
    return stack_up(parts)


def ways_on(plan: Plan, report: RunReport, again: str = "") -> tuple[str, ...]:
    """Return what to type next, the way on first; nothing where all is done.

    `again` is the command that the plan is only the preflight of: it is what is to be done.
    """
    command = next_command(plan, report) or (again if report.problems else "")
    return ways_again(command, report.problems) if command else ()


def how_it_went(plan: Plan, report: RunReport, but: str | None = None) -> RenderableType:
    """Return how it ended, how long it took, and what was down meanwhile.

    `but` says what is wrong although every step is done, in words to add; None where nothing is.
    """
    outages = _outages(plan, unit_ends(plan, report))
    return stack_up([_headline(plan, report, but), *(Text(line) for line in outages)])


def what_stands(plan: Plan, report: RunReport) -> RenderableType:
    """Return where each unit was left; nothing where all went well."""
    if _succeeded(report):
        return stack_up(())
    if not _may_change(plan):
        return Text("        nothing was touched")
    stands = labelled(_standings(unit_ends(plan, report)))
    words = "WHAT STOOD WHEN THE LOCK WAS LOST" if report.beyond else "WHAT STANDS NOW"
    return stack_up([Text(words, style="bold"), stands])


def next_command(plan: Plan, report: RunReport, words: str = "") -> str:
    """Return what to type next, "" when all is done or nothing was to be done.

    `words` is the command as it was typed: what it asked for is asked for again.

    A unit not reached, or left in the middle of its removal, needs the whole command again;
    units that are merely owed need to be brought up and nothing else disturbed; where only
    the watching was cut short, looking again is enough.
    """
    if _succeeded(report) or not _may_change(plan):
        return ""
    line = words or asked(plan.command.value, plan.selection)
    kept = options_in(line, "--ref", "--on-failure")
    if any(problem.code == "announce.unknown" for problem in report.problems):
        # The error says it: it depends on what stands in the channel.
        return ""
    if {problem.code for problem in report.problems} == {"deploy.over-running"}:
        # The same again would be refused again.
        return typed("restart", *_refused(report), *kept)
    ends = unit_ends(plan, report)
    acted = [end for end in ends if any(step.unit == end.unit for step in plan.steps)]
    owed = [end.unit for end in acted if end.owed]
    standings = {end.standing for end in acted}
    if plan.command is Command.DOWN or standings & {Standing.HALF_REMOVED, Standing.UNTOUCHED}:
        return typed(*words_of(line), *_reasons(plan, line))
    if not owed:
        return typed("verify", *selected_in(line), *options_in(line, "--ref"))
    everything = plan.selection == "--all" and len(owed) == len(acted)
    return typed("up", *(("--all",) if everything else owed), *kept)


def _refused(report: RunReport) -> tuple[Unit, ...]:
    """Return the units whose deploy was refused, in the order of the steps."""
    failed = (item.step for item in report.steps if item.problems)
    return tuple(dict.fromkeys(step.unit for step in failed if step.unit is not None))


def _reasons(plan: Plan, line: str) -> tuple[str, ...]:
    """Return what a command cannot be given again without, and its words do not keep."""
    because, notice = plan.because or plan.override.because, plan.notice
    said = ("--announced", notice.announced) if notice.announced else ()
    minutes = ("--announce-in", f"{notice.minutes:g}") if notice.minutes else ()
    return (*reason_for(line, because), *said, *minutes)


def _may_change(plan: Plan) -> bool:
    """Whether carrying out all of the plan would change anything; a preflight alone does not."""
    return any(step.kind in (StepKind.REMOVE, StepKind.DEPLOY) for step in plan.steps)


def _succeeded(report: RunReport) -> bool:
    return report.exit_code is ExitCode.DONE


def _headline(plan: Plan, report: RunReport, but: str | None) -> Text:
    steps = [step for step in report.steps if step.step.kind is not StepKind.GATE]
    done = sum(step.state is State.DONE for step in steps)
    if _succeeded(report) and but is None:
        words, style = "DONE", "bold green"
    elif report.beyond:
        words, style = "LOCK LOST", "bold red"
    elif report.interrupted:
        words, style = "INTERRUPTED", "bold yellow"
    else:
        words, style = "FAILED", "bold red"
    checks = all(step.step.kind is StepKind.EXAMINE for step in steps)
    preflight = "preflight of " if checks else ""
    what = f"{preflight}{asked(plan.command.value, clean(plan.selection))}"
    how_long = elapsed(report.ended - report.began)
    size = count(len(steps), "step")
    progress = size if done == len(steps) else f"{done} of {size} done"
    return Text.assemble((words, style), f"  {what} in {how_long}, {progress}{but or ''}")


def _outages(plan: Plan, ends: tuple[UnitEnd, ...]) -> Iterator[str]:
    """Say how long those were down that others depend on; of the rest, the longest."""
    needed = [end for end in ends if end.outage_seconds is not None and _needed(plan, end.unit)]
    for end in needed:
        seconds = elapsed(end.outage_seconds or 0.0)
        tense = "has been down for" if end.still_down else "was down for"
        also = " and still is" if end.still_down else ""
        yield f"      {end.unit} {tense} {seconds}{also}"
    others = [end for end in ends if end.outage_seconds is not None and end not in needed]
    if others:
        longest = max(others, key=lambda end: end.outage_seconds or 0.0)
        seconds = elapsed(longest.outage_seconds or 0.0)
        who = "the others for" if needed else "units were down for"
        yield f"      {who} at most {seconds} ({longest.unit})"


def _needed(plan: Plan, unit: Unit) -> bool:
    return bool(plan.unit(unit).dependents)


def _standings(ends: tuple[UnitEnd, ...]) -> Iterator[tuple[Text, str]]:
    if all(end.standing is Standing.UNTOUCHED for end in ends):
        yield Text("nothing was touched"), ""
        return
    for standing in Standing:
        units = [end.unit for end in ends if end.standing is standing]
        if units:
            yield Text(standing.value, style=_STYLES[standing]), named(units)
