"""The JSON Schema of a report; see `json_form`.

Keys may be added within a major version: whoever reads passes over those that they do not know.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.planning.plan import Action, Command
from orchestrator.report.timeline import How, Outcome, Phase


class _Unit(BaseModel):
    unit: str
    stack: str
    site: str


class _UnitPlan(_Unit):
    action: Action
    reason: str
    was: str | None = Field(alias="from")
    to: str | None
    compose: str | None
    services: list[str]
    commands: list[str]


class _Reason(BaseModel):
    unit: str
    reason: str


class _Notice(BaseModel):
    needed: bool
    announced: str | None
    minutes: float


class _Override(BaseModel):
    freeze: bool
    guards: list[str]
    because: str | None


class _Plan(BaseModel):
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    saved: str | None
    inventory: str
    coordinator: str
    revisions: dict[str, str]
    units: list[_UnitPlan]
    steps: int
    dangers: list[str]
    left_out: list[_Reason]
    override: _Override
    notice: _Notice


class _Life(BaseModel):
    how: How
    by: str
    began: float
    ended: float
    exit_code: int | None
    kept: bool
    because: str | None


class _Bar(BaseModel):
    phase: Phase
    begin: float
    end: float
    seconds: float
    words: str


class _Track(_Unit):
    bars: list[_Bar]


class _Outage(_Unit):
    services: list[str]
    begin: float
    end: float
    seconds: float
    over: bool


class _Problem(BaseModel):
    at: float
    step: str | None
    code: str
    what: str
    where: str
    evidence: list[str]
    fix: str
    state_left: str
    runbook: str
    exit_code: int
    last_words: list[str]


class _Skipped(BaseModel):
    step: str
    because: str


class _Effect(BaseModel):
    at: float
    step: str | None
    what: str
    on: str
    details: dict[str, str]
    result: str | None
    words: str
    seconds: float | None


class _Report(BaseModel):
    """All that is known of a run. Times are seconds since 1970."""

    model_config = ConfigDict(title="Report")

    version: str = Field(alias="schema")
    run: str
    outcome: Outcome
    exit_code: int | None
    unfinished: bool
    whole: bool
    state_left: str
    next: list[str]
    who: str
    why: str | None
    words: str
    command: Command
    selection: str
    created: float
    began: float
    ended: float
    seconds: float
    plan: _Plan
    lives: list[_Life]
    timeline: list[_Track]
    outages: list[_Outage]
    problems: list[_Problem]
    skipped: list[_Skipped]
    owed: list[_Reason]
    effects: list[_Effect]
    reproduce: list[str]


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a report."""
    made = _Report.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | made
