"""The JSON Schemas that editors use, made from the models."""

import json
from typing import Any, Literal

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from orchestrator.inventory.schema import SitesText, StackText, Text

Which = Literal["sites", "stack"]
_MODELS: dict[Which, type[Text]] = {"sites": SitesText, "stack": StackText}


class _Generator(GenerateJsonSchema):
    """Says as text what stands as text in the file, and forbids names that break their rule."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Drop defaults that stand for "not given", and write seconds as durations."""
        made = super().default_schema(schema)
        if made.get("default") in ("", 0.0):
            del made["default"]
        elif made.get("type") == "string" and isinstance(made["default"], float):
            made["default"] = _duration(made["default"])
        return made

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Allow no key but those that match the key's pattern."""
        made = super().dict_schema(schema)
        return made | {"additionalProperties": False} if "patternProperties" in made else made


def _duration(seconds: float) -> str:
    return f"{seconds:g}s" if seconds.is_integer() else f"{seconds * 1000:g}ms"


def json_schema(which: Which) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of sites.yaml ("sites") or of stacks/*.yaml ("stack")."""
    made = _MODELS[which].model_json_schema(schema_generator=_Generator)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | made


def schema_text(which: Which) -> str:
    """Return the JSON Schema as it is committed in docs/schema/."""
    return json.dumps(json_schema(which), indent=2) + "\n"
