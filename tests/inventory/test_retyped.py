"""Any value at any place of the production files: always an answer, in our own words."""

import json
import tempfile
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from orchestrator.inventory.document import Data, Trail
from orchestrator.inventory.schema_json import Which, json_schema
from tests.inventory.rendering import rendered, told

ROOT = Path(__file__).parents[2]
SCHEMAS = {which: jsonschema.Draft202012Validator(json_schema(which)) for which in get_args(Which)}
FILES: dict[str, Data] = {
    name: YAML(typ="safe", pure=True).load(ROOT / name)
    for name in ("sites.yaml", *(f"stacks/{p.name}" for p in (ROOT / "stacks").glob("*.yaml")))
}
SECRET = "hunter2"
VALUES: st.SearchStrategy[Data] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 70000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "kko", "10s", "x@y", "{site}", "-x", "/a", "datatrail@{site}", "é"])
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["host", "kind", "compose", "a", "", "1"]), inner)
    ),
    max_leaves=4,
)


def trails(data: Data, here: Trail = ()) -> list[Trail]:
    steps: list[tuple[str | int, Data]] = []
    if isinstance(data, dict):
        steps = list(data.items())
    elif isinstance(data, list):
        steps = list(enumerate(data))
    return [here, *(found for step, value in steps for found in trails(value, (*here, step)))]


def replaced(data: Data, trail: Trail, value: Data) -> Data:
    if not trail:
        return value
    if isinstance(data, dict):
        return {k: replaced(v, trail[1:], value) if k == trail[0] else v for k, v in data.items()}
    assert isinstance(data, list)
    return [
        replaced(item, trail[1:], value) if index == trail[0] else item
        for index, item in enumerate(data)
    ]


def words_about(files: dict[str, Data]) -> str:
    """Return the problems of an inventory written as JSON, which is YAML as well."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "stacks").mkdir()
        for name, data in files.items():
            (Path(folder) / name).write_text(json.dumps(data), encoding="utf-8")
        return rendered(told(Path(folder)), Path(folder))


@settings(max_examples=300)
@given(st.data())
def test_every_finding_has_words_of_our_own(data: st.DataObject) -> None:
    """`inventory.invalid` is what pydantic says untranslated: there must be none."""
    name = data.draw(st.sampled_from(sorted(FILES)))
    trail = data.draw(st.sampled_from(trails(FILES[name])))
    changed = replaced(FILES[name], trail, data.draw(VALUES))

    words = words_about(FILES | {name: changed})

    assert "inventory.invalid" not in words
    if not words:
        which: Which = "sites" if name == "sites.yaml" else "stack"
        assert list(SCHEMAS[which].iter_errors(changed)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        SECRET,
        f"-{SECRET}",
        f"https://me:{SECRET}@git.example/x",
        f"slack://{SECRET}/x y",
        [f"TOKEN={SECRET}"],
        {f"TOKEN={SECRET}": None},
        [[SECRET]],
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "trail",
    [
        ("announce",),
        ("announce", 0),
        ("repos", "datatrail", "url"),
        ("sites", "kko", "stacks", "datatrail-client", "secret_variables"),
        ("sites", "kko", "stacks", "datatrail-client", "secret_variables", 0),
        ("sites", "kko", "stacks", "datatrail-client", "variables", "TOKEN"),
    ],
    ids=str,
)
def test_what_may_be_a_secret_is_not_repeated(trail: Trail, wrong: Data) -> None:
    with_variables: Data = {"variables": {"TOKEN": "x"}, "secret_variables": ["PASSWORD"]}
    stacks = ("sites", "kko", "stacks")
    sites = replaced(FILES["sites.yaml"], stacks, {"datatrail-client": with_variables})

    assert SECRET not in words_about(FILES | {"sites.yaml": replaced(sites, trail, wrong)})
