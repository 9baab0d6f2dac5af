import re
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from ruamel.yaml import YAML

from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.observed import Unseen
from orchestrator.inventory.load import load_inventory
from orchestrator.inventory.model import SiteState
from orchestrator.inventory.schema import (
    CommandGuardText,
    FreezeText,
    GuardText,
    HttpGuardText,
    HttpText,
    ManagerText,
    OnceText,
    PolicyText,
    PostgresText,
    ProbeText,
    RecurringText,
    RepoText,
    SitesText,
    SiteText,
    StackText,
    TcpText,
    UnitText,
)
from orchestrator.planning.planner import healthy_seconds, remove_seconds
from orchestrator.simulation.synthetic import synthetic_sources
from tests.docs.pages import DOCS, ROOT, blocks, first_codes, rows, sections

PAGE = (DOCS / "inventory.md").read_text(encoding="utf-8")
SECTIONS = sections(PAGE)
PROBES = HttpText.model_fields | TcpText.model_fields | PostgresText.model_fields
FREEZES = RecurringText.model_fields | {
    info.alias or name: info for name, info in OnceText.model_fields.items()
}
GUARDS = CommandGuardText.model_fields | HttpGuardText.model_fields
ALTERNATIVES = ("Keys of a probe", "Keys of a freeze", "Keys of a guard")
"""Keys of several kinds stand in one table: what must be given of one, the other has not."""
KEYS: dict[str, Mapping[str, FieldInfo]] = {
    "Keys of sites.yaml": SitesText.model_fields,
    "Keys of a repository": RepoText.model_fields,
    "Keys of a site": SiteText.model_fields,
    "Keys of a manager": ManagerText.model_fields,
    "Keys of a stack at a site": UnitText.model_fields,
    "Keys of stacks/STACK.yaml": StackText.model_fields,
    "Keys of a probe": PROBES,
    "Keys of a freeze": FREEZES,
    "Keys of a guard": GUARDS,
    "Keys of a policy": PolicyText.model_fields,
}
SHAPES: dict[str, TypeAdapter[Any]] = {
    "yaml site": TypeAdapter(SiteText),
    "yaml probe": TypeAdapter(ProbeText),
    "yaml freeze": TypeAdapter(FreezeText),
    "yaml guard": TypeAdapter(GuardText),
}
INVENTORY = load_inventory(ROOT / "sites.yaml")


@pytest.mark.parametrize("section", KEYS)
def test_every_key_is_explained_and_no_other(section: str) -> None:
    assert sorted(first_codes(SECTIONS[section])) == sorted(KEYS[section])


@pytest.mark.parametrize("section", KEYS)
def test_what_must_be_given_is_said_to_be(section: str) -> None:
    for row in rows(SECTIONS[section]):
        said = row[-1].startswith("must be given")
        info = KEYS[section][row[0].strip("`")]
        assert said == (info.default is PydanticUndefined) or section in ALTERNATIVES, row


def test_states_are_those_there_are() -> None:
    said = first_codes(SECTIONS["Site states"])
    assert sorted(said) == sorted(state.value for state in SiteState)


def test_defaults_of_the_policy_are_said_as_they_are() -> None:
    said = {row[0].strip("`"): row[-1] for row in rows(SECTIONS["Keys of a policy"])}
    given = {key: said[key] for key in ("stable", "poll", "no_node")}
    assert PolicyText.model_validate(given | {"failures": int(said["failures"])}) == PolicyText()


@pytest.mark.parametrize("block", blocks(PAGE), ids=lambda block: block.info)
def test_an_example_is_as_it_may_be_written(block: Any) -> None:
    data = YAML(typ="safe").load(block.body)
    SHAPES[block.info].validate_python(data)


@pytest.mark.parametrize("file", ["docs/inventory.md", "stacks/datatrail.yaml"])
def test_what_is_waited_for_without_a_policy_is_said_as_it_is(file: str) -> None:
    """The page and the comment where operators edit it both name the two margins, in seconds."""
    text = (ROOT / file).read_text(encoding="utf-8").replace("\n# ", " ")
    spec = next(spec for spec in INVENTORY.units if not spec.policy.remove_seconds)
    problem = Problem(code="site.unreachable", what="", exit_code=ExitCode.SITE_UNREACHABLE)
    look = Unseen(site=spec.unit.site, at=0.0, problem=problem)
    sourced = synthetic_sources(INVENTORY, [spec.unit])[spec.unit]
    docker_default = 10.0
    remove = remove_seconds(spec, look) - docker_default
    healthy = healthy_seconds(spec, sourced) - sourced.desired.start_seconds
    assert re.search(rf"grace period of what runs \+ {remove:g} ?s\b", text)
    assert re.search(rf"health checks may\s+take \+ {healthy:g} ?s\b", text)
