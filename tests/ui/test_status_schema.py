"""What `dtdeploy status --json` writes, held against its published schema."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from orchestrator.ui.json_lines import STATUS_SCHEMA, fleet_line
from orchestrator.ui.status_schema import status_schema
from tests.ui.runs import HELD
from tests.ui.test_plan_schema import strict
from tests.ui.test_status_view import FLEETS, UNWELL

COMMITTED = Path(__file__).parents[2] / "docs" / "schema" / "status.schema.json"


def test_committed_schema_is_that_of_the_models() -> None:
    """After a change of the models: `dtdeploy inventory schema status`."""
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == status_schema()
    jsonschema.Draft202012Validator.check_schema(status_schema())


@pytest.mark.parametrize("name", FLEETS)
def test_every_fleet_is_as_its_schema_says_and_the_schema_names_every_key(name: str) -> None:
    line = json.loads(json.dumps(fleet_line(FLEETS[name])))
    jsonschema.validate(line, strict(status_schema()))
    assert line["schema"] == STATUS_SCHEMA
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(line | {"units": 1}, status_schema())


@pytest.mark.parametrize("name", HELD)
def test_who_holds_the_lock_is_in_the_schema_too(name: str) -> None:
    line = json.loads(json.dumps(fleet_line(replace(UNWELL, holding=HELD[name]))))
    jsonschema.validate(line, strict(status_schema()))
