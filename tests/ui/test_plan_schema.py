"""What `dtdeploy plan --json` writes, held against its published schema."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from orchestrator.fleet.drift import Change, How
from orchestrator.fleet.freeze import Frozen
from orchestrator.fleet.guard import GuardAnswer
from orchestrator.fleet.unit import Revision
from orchestrator.planning.plan import LeftOut, Override, Plan
from orchestrator.sources.span import Commit, Span
from orchestrator.ui.json_lines import SCHEMA, plan_line
from orchestrator.ui.plan_schema import plan_schema
from orchestrator.ui.saved_view import SavedHead
from tests.ui.runs import HELD
from tests.ui.test_plan_view import PLANS
from tests.ui.values import OLD, SERVER, SHA

COMMITTED = Path(__file__).parents[2] / "docs" / "schema" / "plan.schema.json"
AT = datetime(2026, 11, 22, tzinfo=UTC)
HEAD = SavedHead(
    file="a b.plan", sha256="a" * 64, id="i", creator="ann@desk", created=AT, expires=AT
)


def strict(schema: Any) -> Any:
    """Return the schema without room for keys that it does not name: none is forgotten in it."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {key: strict(part) for key, part in schema.items()}
    return parts | {"additionalProperties": False} if "properties" in parts else parts


def test_committed_schema_is_that_of_the_models() -> None:
    """After a change of the models: `dtdeploy inventory schema plan`."""
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == plan_schema()
    jsonschema.Draft202012Validator.check_schema(plan_schema())


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_every_plan_is_as_its_schema_says_and_the_schema_names_every_key(plan: Plan) -> None:
    line = json.loads(json.dumps(plan_line(plan, None, HEAD)))
    jsonschema.validate(line, strict(plan_schema()))
    assert line["schema"] == SCHEMA


@pytest.mark.parametrize("name", HELD)
def test_who_holds_the_lock_is_in_the_schema_too(name: str) -> None:
    line = json.loads(json.dumps(plan_line(PLANS["restart-all"], HELD[name])))
    jsonschema.validate(line, strict(plan_schema()))


def test_what_a_plan_differs_in_and_what_holds_it_off_is_in_the_schema_too() -> None:
    plan = PLANS["restart-all"]
    changed = Change(service="web", kind="replicas", how=How.CHANGED, now="1", declared="2")
    commit = Commit(sha=SHA, subject="Add", author="Ann", date="2026-11-22T00:00:00Z")
    span = Span(old=Revision("app", OLD), new=Revision("app", SHA), commits=(commit,))
    full = replace(
        plan,
        units=tuple(replace(item, drift=(changed,)) for item in plan.units),
        spans=(span,),
        frozen=(Frozen(reason="night", ends=1.0, until="tomorrow"),),
        guards=(GuardAnswer(name="sky", asked=True, agrees=False, words="no", reason="why"),),
        override=Override(freeze=True, guards=("sky",), because="fire"),
        left_out=(LeftOut(unit=SERVER, reason="cut"),),
    )
    jsonschema.validate(json.loads(json.dumps(plan_line(full))), strict(plan_schema()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plan_line(full) | {"dangers": [1]}, plan_schema())
