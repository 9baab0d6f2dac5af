"""What a report's JSON holds, against its published schema."""

import json
from pathlib import Path

import jsonschema
import pytest

from orchestrator.report.json_form import SCHEMA, report_json
from orchestrator.report.schema import report_schema
from orchestrator.report.timeline import Timeline
from tests.report.journals import (
    closed,
    failed,
    killed_and_resumed,
    opened,
    read,
    simulated_failure,
    simulated_restart,
    whole_restart,
)
from tests.ui.test_plan_schema import strict

COMMITTED = Path(__file__).parents[2] / "docs" / "schema" / "report.schema.json"
RUNS = {
    "whole": read(*whole_restart()),
    "resumed": killed_and_resumed(),
    "not-begun": read(opened(1.0), closed(2.0, 10)),
    "failed": read(opened(1.0), failed(2.0, "deploy app@home"), closed(3.0, 21)),
    "simulated": simulated_restart(),
    "simulated-failure": simulated_failure(),
}


def test_the_committed_schema_is_that_of_the_models() -> None:
    """After a change of the models: `dtdeploy inventory schema report`."""
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == report_schema()
    jsonschema.Draft202012Validator.check_schema(report_schema())


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_every_report_is_as_its_schema_says_and_the_schema_names_every_key(run: Timeline) -> None:
    value = json.loads(json.dumps(report_json(run)))
    jsonschema.validate(value, strict(report_schema()))
    assert value["schema"] == SCHEMA


def test_words_of_others_cannot_move_a_cursor() -> None:
    run = read(opened(1.0, because="x\x1b[2Jy"), closed(2.0, 10))
    assert report_json(run)["lives"][0]["because"] == "xy"
