"""The JSON Schema of the fleet as `dtdeploy --json status` writes it; see `json_values`.

Keys may be added within a major version: whoever reads passes over those that they do not know.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field

from orchestrator.fleet.health import Verdict
from orchestrator.fleet.presence import Presence
from orchestrator.inventory.model import SiteState
from orchestrator.procedures.hold import Goal, Phase
from orchestrator.ui.problem_schema import ProblemShape


class _Unit(BaseModel):
    unit: str
    stack: str
    site: str


class _Probe(BaseModel):
    """What a probe was answered, with --probes, and after how many seconds."""

    name: str
    ok: bool
    words: str
    seconds: float


class _Row(_Unit):
    """One unit. `running` and `expected` count tasks, `differing` what is not as declared.

    `finished` are services that have done what they are for; none of their tasks is expected.
    """

    site_state: SiteState
    presence: Presence
    verdict: Verdict | None
    running: int
    expected: int
    revision: str | None
    newer_commits: int | None
    since_seconds: float | None
    differing: int | None
    finished: list[str]
    probes: list[_Probe]
    words: list[str]


class _Owed(_Unit):
    run: str
    since: float
    reason: str


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


class _Detour(BaseModel):
    site: str
    manager: str


class _Mirror(BaseModel):
    repo: str
    fetched: float | None
    age_seconds: float | None


class _Fleet(BaseModel):
    """The fleet: what runs where, how well, and at which revision."""

    event: Literal["fleet"]
    version: str = Field(alias="schema")
    units: list[_Row]
    undeclared: list[str]
    beside: list[str]
    unreachable: list[ProblemShape]
    planned: list[str]
    owed: list[_Owed]
    lock: _Lock | None
    mirrors: list[_Mirror]
    missing: list[str]
    unfetched: list[ProblemShape]
    unread: list[ProblemShape]
    detours: list[_Detour]
    nodes: list[str]
    now: float


def status_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the line."""
    made = _Fleet.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | made
