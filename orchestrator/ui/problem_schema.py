"""What a problem is in the JSON that has a schema; see `problem_json` in `json_values`."""

from pydantic import BaseModel


class WhereShape(BaseModel):
    """Where a problem is; what does not say anything is left out."""

    site: str | None = None
    stack: str | None = None
    service: str | None = None
    task: str | None = None
    node: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None


class ProblemShape(BaseModel):
    """One finding, with what to do."""

    code: str
    what: str
    exit_code: int
    where: WhereShape
    evidence: list[str]
    fix: str
    state_left: str
    runbook: str
    last_words: list[str]
