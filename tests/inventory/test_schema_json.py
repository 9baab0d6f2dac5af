import json
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from orchestrator.inventory import schema
from orchestrator.inventory.schema import MODELS, Text
from orchestrator.inventory.schema_json import Which, json_schema, schema_text

COMMITTED = Path(__file__).parents[2] / "docs" / "schema"


@pytest.mark.parametrize("which", get_args(Which))
def test_committed_schema_is_that_of_the_models(which: Which) -> None:
    """After a change of the models: `dtdeploy inventory schema sites` and `… stack`."""
    committed = (COMMITTED / f"{which}.schema.json").read_text(encoding="utf-8")

    assert committed == schema_text(which)
    assert json.loads(committed) == json_schema(which)
    jsonschema.Draft202012Validator.check_schema(json_schema(which))


def test_every_model_has_a_place_where_its_keys_are_known() -> None:
    models = {
        model
        for model in vars(schema).values()
        if isinstance(model, type) and issubclass(model, Text) and model.__name__[0] != "_"
    }

    assert models - {Text} == {model for _, _, model in MODELS}


@pytest.mark.parametrize("which", get_args(Which))
def test_defaults_obey_their_own_rules(which: Which) -> None:
    for part in _parts(json_schema(which)):
        if "default" in part:
            jsonschema.validate(part["default"], {k: v for k, v in part.items() if k != "$ref"})


def _parts(part: Any) -> list[dict[str, Any]]:
    if isinstance(part, list):
        return [found for item in part for found in _parts(item)]
    if not isinstance(part, dict):
        return []
    return [part, *(found for item in part.values() for found in _parts(item))]
