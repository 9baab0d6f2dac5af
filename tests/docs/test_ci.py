"""The workflows to copy: of the shape that GitHub and GitLab publish, and with real commands."""

import json
import re
import shlex
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from orchestrator.cli.main import cli as dtdeploy
from tests.docs.pages import DOCS, name
from tests.docs.typed import parse

GITHUB = tuple(sorted((DOCS / "ci" / "github").glob("*.yaml")))
GITLAB = tuple(sorted((DOCS / "ci" / "gitlab").glob("*.yml")))
_VARIABLES = {
    "$COMMAND": "deploy",
    '"$COMMAND"': "deploy",
    '"${units[@]}"': "--all",
    '"$HASH"': "0" * 64,
    '"$PLAN_HASH"': "0" * 64,
}


def loaded(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def schema(which: str) -> Any:
    """Return a published schema, as check-jsonschema ships it."""
    folder = files("check_jsonschema") / "builtin_schemas" / "vendor"
    return json.loads((folder / f"{which}.json").read_text(encoding="utf-8"))


def scripts(part: Any) -> Iterator[str]:
    """Yield every piece of shell in a workflow."""
    if isinstance(part, list):
        for item in part:
            yield from scripts(item)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key == "run":
                yield value
            elif key in ("script", "before_script"):
                yield from value
            else:
                yield from scripts(value)


def typed(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield the words of each dtdeploy command, variables filled in."""
    for script in scripts(loaded(path)):
        for line in script.splitlines():
            command = re.match(r"\s*(?:exec )?dtdeploy (?P<words>[^>|]*)", line)
            if command:
                words = command["words"]
                for variable, value in _VARIABLES.items():
                    words = words.replace(variable, value)
                yield tuple(shlex.split(words))


def test_there_are_workflows() -> None:
    assert [path.stem for path in GITHUB] == ["dtdeploy-apply", "dtdeploy-drift", "dtdeploy-plan"]
    assert len(GITLAB) == 1


@pytest.mark.parametrize("path", GITHUB, ids=name)
def test_a_workflow_is_one_by_githubs_schema(path: Path) -> None:
    jsonschema.validate(loaded(path), schema("github-workflows"))


@pytest.mark.parametrize("path", GITLAB, ids=name)
def test_a_pipeline_is_one_by_gitlabs_schema(path: Path) -> None:
    jsonschema.validate(loaded(path), schema("gitlab-ci"))


def test_the_schemas_refuse_what_is_wrong() -> None:
    broken = loaded(GITHUB[0])
    broken["jobs"]["plan"]["runs_on"] = broken["jobs"]["plan"].pop("runs-on")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema("github-workflows"))


@pytest.mark.parametrize("path", [*GITHUB, *GITLAB], ids=name)
def test_every_command_in_it_can_be_typed(path: Path) -> None:
    commands = list(typed(path))
    assert commands
    for words in commands:
        parse(dtdeploy, words)


@pytest.mark.parametrize("path", GITHUB, ids=name)
def test_it_queues_and_never_cancels(path: Path) -> None:
    assert loaded(path)["concurrency"]["cancel-in-progress"] is False


@pytest.mark.parametrize("path", GITLAB, ids=name)
def test_a_pipeline_queues_and_never_cancels(path: Path) -> None:
    pipeline = loaded(path)
    assert pipeline[".dtdeploy"]["interruptible"] is False
    assert pipeline["dtdeploy:apply"]["resource_group"] == "dtdeploy"


@pytest.mark.parametrize("path", GITHUB, ids=name)
def test_nothing_foreign_is_put_into_a_shell(path: Path) -> None:
    """An expression inside `run` would be pasted before the shell reads it."""
    for script in scripts(loaded(path)):
        assert "${{" not in script


@pytest.mark.parametrize("path", [*GITHUB, *GITLAB], ids=name)
def test_no_key_goes_to_a_disk(path: Path) -> None:
    for script in scripts(loaded(path)):
        for line in script.splitlines():
            if "SSH_KEY" in line:
                assert line.strip().endswith("| ssh-add -")


def test_apply_is_bound_to_the_hash_and_to_an_approval() -> None:
    github = loaded(DOCS / "ci" / "github" / "dtdeploy-apply.yaml")["jobs"]
    assert github["apply"]["environment"] == "dtdeploy"
    assert github["plan"]["outputs"]["hash"] == "${{ steps.plan.outputs.hash }}"
    gitlab = loaded(GITLAB[0])["dtdeploy:apply"]
    assert gitlab["rules"][0]["when"] == "manual"
    for path in (GITHUB[0], GITLAB[0]):
        applied = [words for words in typed(path) if words[0] == "apply"]
        assert len(applied) == 1
        assert "--expect" in applied[0]
