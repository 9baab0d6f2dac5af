"""A run's report as one HTML page that needs nothing but itself."""

import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from orchestrator.command_line import AS_IT_IS, Manner
from orchestrator.planning.plan import Action
from orchestrator.report.chart import WORDS, draw, offset
from orchestrator.report.json_form import report_json
from orchestrator.report.outages import headline, longest_other
from orchestrator.report.timeline import Outcome, Timeline
from orchestrator.words.phrases import elapsed, short

_ID = re.compile(r"([0-9a-z]{12})[0-9a-z]{13}")
_INNER_CAPITAL = re.compile(r"(?<=[a-z])([A-Z])")
_PAGE = Path(__file__).parent / "page"
_TONES = {Outcome.DONE: "good", Outcome.FAILED: "bad", Outcome.NO_END: "bad"}


def report_html(run: Timeline, manner: Manner = AS_IT_IS) -> str:
    """Return the page. Its policy forbids every request and every script but its own."""
    style, script = _text("report.css"), _text("report.js")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            r=report_json(run, manner),
            chart=draw(run),
            headline=headline(run),
            others=longest_other(run),
            acted=sum(item.action is not Action.KEEP for item in run.record.plan.units),
            tone="warn" if run.unfinished else _TONES.get(run.outcome, "warn"),
            phase_words={phase.value: words for phase, words in WORDS.items()},
            style=Markup(style),  # noqa: S704 - this package's own file
            script=Markup(script),  # noqa: S704 - this package's own file
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "clock": clock,
        "day": _day,
        "elapsed": elapsed,
        "offset": offset,
        "short": short,
        "details": details,
        "deed": deed_words,
    }
    return made


def clock(seconds: float) -> str:
    """Say a time of day in UTC: `12:30:05.1`."""
    return f"{datetime.fromtimestamp(round(seconds, 1), UTC):%H:%M:%S.%f}"[:-5]


def details(deed: Mapping[str, Any]) -> str:
    """Say all that is known of an effect in one line."""
    parts = [f"{name}: {_brief(value)}" for name, value in deed["details"].items()]
    return "; ".join([*parts, *([deed["words"]] if deed["words"] else [])])


def deed_words(what: str) -> str:
    """Say an effect's name as words: `RemoveServices` is `remove services`."""
    return _INNER_CAPITAL.sub(r" \1", what).lower()


def _brief(value: str) -> str:
    """Shorten ids, as Docker does where it lists them; the JSON beside has them whole."""
    return ", ".join(_ID.sub(r"\1", part) for part in value.split(","))


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def _text(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()
