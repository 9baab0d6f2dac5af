"""A run's report in Markdown, for a merge request, a ticket or a terminal."""

from collections.abc import Iterator

from orchestrator.command_line import AS_IT_IS, Manner
from orchestrator.report.chart import WORDS, offset
from orchestrator.report.html_form import clock, deed_words, details
from orchestrator.report.json_form import Json, report_json
from orchestrator.report.timeline import Phase, Timeline
from orchestrator.words.markdown import code, fenced, folded, prose, table
from orchestrator.words.phrases import elapsed, short


def report_markdown(run: Timeline, manner: Manner = AS_IT_IS) -> str:
    """Return the report; nothing that others wrote can mean anything in it."""
    r = report_json(run, manner)
    return "\n".join([*_head(r), *_wrong(r), *_times(r), *_plan(r), *_trail(r)]) + "\n"


def _head(r: Json) -> Iterator[str]:
    unfinished = ", unfinished" if r["unfinished"] else ""
    words = f"dtdeploy {r['words']}"
    yield from (f"# {code(words)}: {r['outcome']}{unfinished}", "")
    span = f"{clock(r['began'])} to {clock(r['ended'])} UTC ({elapsed(r['seconds'])})"
    ended = "no exit code" if r["exit_code"] is None else f"exit code {r['exit_code']}"
    yield f"Run {code(r['run'])} by {prose(r['who'])}, {span}, {ended}."
    if r["why"]:
        yield f"Because: {prose(r['why'])}."
    yield from ("", "## State left", "", f"{_sentence(r['state_left'])}.", "")
    for owed in r["owed"]:
        yield from (f"- {code(owed['unit'])} is owed: {prose(owed['reason'])}", "")
    if r["next"]:
        yield from ("Next:", "", *fenced(r["next"]), "")


def _sentence(words: str) -> str:
    return prose(words[:1].upper() + words[1:])


def _wrong(r: Json) -> Iterator[str]:
    if not (r["problems"] or r["skipped"]):
        return
    yield from ("## What went wrong", "")
    for problem in r["problems"]:
        where = f"{code(problem['where'])}: " if problem["where"] else ""
        yield f"- {where}{prose(problem['what'])} ({code(problem['code'])})"
        if problem["fix"]:
            yield f"  Try {code(problem['fix'])}."
        if problem["evidence"]:
            yield from ("", *(f"  {line}" for line in fenced(problem["evidence"])), "")
        if problem["last_words"]:
            said = fenced(problem["last_words"])
            yield from ("  The task wrote last:", "", *(f"  {line}" for line in said), "")
    for item in r["skipped"]:
        yield f"- {code(item['step'])} was not done: it needs {code(item['because'])}"
    yield ""


def _times(r: Json) -> Iterator[str]:
    if r["outages"]:
        head = ("Unit", "Down for", "From (UTC)", "To (UTC)", "Services")
        yield from ("## Outage", "", *table(head, [_outage(item) for item in r["outages"]]), "")
    if r["timeline"]:
        rows = [_bar(r, track, bar) for track in r["timeline"] for bar in track["bars"]]
        columns = ("Unit", "Was", "From", "To", "For", "Remark")
        yield from ("## Timeline", "", *folded(f"{len(rows)} phases", table(columns, rows)))


def _outage(item: Json) -> tuple[str, ...]:
    seconds = elapsed(item["seconds"])
    return (
        code(item["unit"]),
        seconds if item["over"] else f"{seconds} and still",
        clock(item["begin"]),
        clock(item["end"]) if item["over"] else "not told",
        ", ".join(code(name) for name in item["services"]),
    )


def _bar(r: Json, track: Json, bar: Json) -> tuple[str, ...]:
    return (
        code(track["unit"]),
        WORDS[Phase(bar["phase"])],
        offset(bar["begin"] - r["began"]),
        offset(bar["end"] - r["began"]),
        elapsed(bar["seconds"]),
        prose(bar["words"]),
    )


def _plan(r: Json) -> Iterator[str]:
    plan = r["plan"]
    rows = [
        (
            code(unit["unit"]),
            unit["action"],
            code(short(unit["from"] or "")),
            code(short(unit["to"] or "")),
            prose(unit["reason"]),
        )
        for unit in plan["units"]
    ]
    yield from ("## Plan", "", f"- plan {code(plan['sha256'])}, {plan['steps']} steps")
    yield f"- inventory {code(plan['inventory'])}"
    yield from (f"- {code(repo)} at {code(sha)}" for repo, sha in plan["revisions"].items())
    yield from (f"- danger: {prose(words)}" for words in plan["dangers"])
    yield from (f"- left out: {code(i['unit'])}: {prose(i['reason'])}" for i in plan["left_out"])
    yield from ("", *table(("Unit", "Action", "From", "To", "Because"), rows), "")
    yield from ("## To do the same again", "", *fenced(r["reproduce"]), "")


def _trail(r: Json) -> Iterator[str]:
    yield from ("## Audit trail", "")
    for life in r["lives"]:
        code_ = "no end written" if life["exit_code"] is None else f"exit code {life['exit_code']}"
        span = f"{clock(life['began'])} to {clock(life['ended'])}"
        yield f"- {span} UTC: {life['how']} by {prose(life['by'])}, {code_}"
    rows = [
        (
            clock(d["at"]),
            prose(deed_words(d["what"])),
            code(d["on"]),
            d["result"] or "",
            prose(details(d)),
        )
        for d in r["effects"]
    ]
    listed = table(("UTC", "What", "Where", "Result", "Details"), rows)
    yield from ("", *folded(f"{len(rows)} effects", listed))
