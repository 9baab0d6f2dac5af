"""The JSON Schema of a plan as `dtdeploy --json plan` writes it; see `json_values`.

Keys may be added within a major version: whoever reads passes over those that they do not know.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field

from orchestrator.fleet.drift import How
from orchestrator.fleet.health import Verdict
from orchestrator.fleet.presence import Presence
from orchestrator.planning.plan import Action, Command, StepKind
from orchestrator.procedures.hold import Goal, Phase
from orchestrator.ui.problem_schema import ProblemShape


class _Unit(BaseModel):
    unit: str
    stack: str
    site: str


class _Revision(BaseModel):
    repo: str
    sha: str


class _Before(BaseModel):
    presence: Presence
    verdict: Verdict | None
    running: int
    expected: int
    revision: str | None
    services: list[str]
    finished: list[str]
    words: list[str]


class _Change(BaseModel):
    service: str | None
    kind: str
    item: str | None
    how: How
    now: str | None
    declared: str | None
    hidden: bool
    words: str


class _UnitPlan(_Unit):
    action: Action
    reason: str
    before: _Before
    after: _Revision | None
    compose: str
    services: list[str]
    dependencies: list[str]
    dependents: list[str]
    commands: list[str]
    remove_seconds: float
    healthy_seconds: float
    dangers: list[str]
    drift: list[_Change]
    images: dict[str, str]
    gaps: list[str]


class _Step(BaseModel):
    step: str
    kind: StepKind
    site: str
    unit: str | None
    stack: str | None
    needs: list[str]
    reason: str
    wait_seconds: float


class _Use(BaseModel):
    user: str
    maker: str
    kind: str
    name: str
    at: str | None
    words: str


class _Named(BaseModel):
    name: str
    reason: str


class _LostTask(BaseModel):
    unit: str
    task: str


class _LostNode(BaseModel):
    """A node that nobody can see, and what last ran there of all that has to be gone first."""

    node: str
    state: str
    tasks: list[_LostTask]
    accepted: bool


class _LeftOut(_Unit):
    reason: str
    accepted: bool


class _Commit(BaseModel):
    sha: str
    subject: str
    author: str
    date: str


class _Span(BaseModel):
    repo: str
    old: str
    new: str
    commits: list[_Commit]
    more: int
    back: bool
    told: bool


class _Typical(BaseModel):
    median_seconds: float
    worst_seconds: float
    runs: int


class _Risk(BaseModel):
    down: list[str]
    without: list[str]
    comes_back: bool
    outage: _Typical | None
    others: _Typical | None
    unreadable: int


class _Frozen(BaseModel):
    reason: str
    ends: float | None
    until: str


class _Guard(BaseModel):
    name: str
    asked: bool
    agrees: bool | None
    words: str
    reason: str


class _Override(BaseModel):
    freeze: bool
    guards: list[str]
    because: str | None


class _Notice(BaseModel):
    needed: bool
    announced: str | None
    minutes: float


class _Down(_Unit):
    since: float
    seconds: float


class _Lock(BaseModel):
    run: str
    command: str
    owner: str
    host: str
    pid: int
    life: str
    phase: Phase
    goal: Goal
    touched: bool
    started: float
    beat: float
    beat_age_seconds: float
    down: list[_Down]
    next: str | None
    look_again_seconds: float | None = None
    record: str | None = None
    vouched_for_by: str = ""
    signature: str = ""
    refused: ProblemShape | None = None


class _Saved(BaseModel):
    file: str
    sha256: str
    id: str
    creator: str
    created: str
    expires: str
    apply: str


class _Plan(BaseModel):
    """A plan: what will be done, in which order and why."""

    event: Literal["plan"]
    version: str = Field(alias="schema")
    command: Command
    selection: str
    coordinator: str
    changes: bool
    revisions: dict[str, str]
    units: list[_UnitPlan]
    waves: list[list[str]]
    steps: list[_Step]
    uses: list[_Use]
    untouched: list[_Named]
    dangers: list[str]
    unseen: list[str]
    left_out: list[_LeftOut]
    because: str | None
    spans: list[_Span]
    risk: _Risk
    no_way_back: list[str]
    frozen: list[_Frozen]
    guards: list[_Guard]
    override: _Override
    notice: _Notice
    lost: list[_LostNode]
    warnings: list[str]
    refused: list[ProblemShape]
    lock: _Lock | None
    saved: _Saved | None


def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the line."""
    made = _Plan.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | made
