"""The workflows to copy: of the shape that GitHub and GitLab publish, and with real commands."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from orchestrator.cli.main import cli as dtdeploy
from tests.docs.pages import DOCS, ROOT, name
from tests.docs.typed import parse

GITHUB = tuple(sorted((DOCS / "ci" / "github").glob("*.yaml")))
GITLAB = tuple(sorted((DOCS / "ci" / "gitlab").glob("*.yml")))
PLAN = DOCS / "ci" / "github" / "dtdeploy-plan.yaml"
_PINNED = re.compile(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
_OF_SITES = {11, 20}
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


@pytest.mark.parametrize("path", GITHUB, ids=name)
def test_every_action_is_pinned_to_a_commit(path: Path) -> None:
    used = re.findall(r"uses: .*", path.read_text(encoding="utf-8"))
    assert used
    assert [line for line in used if not _PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("path", GITHUB, ids=name)
def test_a_job_may_do_what_it_needs_alone(path: Path) -> None:
    workflow = loaded(path)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        if "environment" in job:
            assert job["permissions"] == {"contents": "read"}
        else:
            assert job["permissions"] == {"pull-requests": "write"}


@pytest.mark.parametrize("path", GITHUB, ids=name)
def test_a_secret_is_in_a_job_of_an_environment_alone(path: Path) -> None:
    for job in loaded(path)["jobs"].values():
        assert ("environment" in job) == ("secrets." in json.dumps(job))


def test_requests_and_what_is_applied_have_runners_apart() -> None:
    labels: dict[str, set[str]] = {"request": set(), "apply": set()}
    for path in GITHUB:
        for job in loaded(path)["jobs"].values():
            if isinstance(job["runs-on"], list):
                labels["request" if path == PLAN else "apply"].add(job["runs-on"][-1])
    assert labels == {"request": {"dtdeploy-request"}, "apply": {"dtdeploy-apply"}}
    pipeline = loaded(GITLAB[0])
    tags = {name: job.get("tags") for name, job in pipeline.items() if name.startswith("dtdeploy:")}
    assert tags.pop("dtdeploy:review") == ["dtdeploy-request"]
    assert set(map(str, tags.values())) == {"None"}
    assert pipeline[".dtdeploy"]["tags"] == ["dtdeploy-apply"]


def test_a_requests_own_workflow_is_not_run_and_a_fork_gets_none() -> None:
    workflow = loaded(PLAN)
    assert list(workflow["on"]) == ["pull_request_target"]
    assert workflow["jobs"]["plan"]["if"].endswith("head.repo.full_name == github.repository")


def test_of_a_request_the_inventory_is_read_and_nothing_is_run() -> None:
    steps = loaded(PLAN)["jobs"]["plan"]["steps"]
    ours, theirs = (step["with"] for step in steps if "checkout@" in step.get("uses", ""))
    assert ours["ref"] == "${{ github.event.repository.default_branch }}"
    assert theirs["ref"] == "${{ github.event.pull_request.head.sha }}"
    assert theirs["sparse-checkout"].split() == ["/sites.yaml", "/stacks/"]
    assert theirs["persist-credentials"] is False
    told = [line for script in scripts(steps) for line in script.splitlines()]
    about = [line.strip() for line in told if re.search(r"\brequest/|\brequest\b(?= -path)", line)]
    assert len(about) == 3
    for line in about:
        assert line.startswith(("links=$(find request ", "dtdeploy -i request/sites.yaml "))


def test_a_pipeline_installs_the_default_branch_and_imports_nothing_of_the_folder() -> None:
    before = loaded(GITLAB[0])[".dtdeploy"]["before_script"]
    text = "\n".join(before)
    assert 'git fetch --quiet --depth 1 origin "$CI_DEFAULT_BRANCH"' in text
    installs = [line for line in before if line.startswith("pip install")]
    assert len(installs) == 2
    assert all('"$tool' in line for line in installs)
    for script in scripts(loaded(GITLAB[0])):
        assert not re.search(r"python3? (?!-I)", script)


def reviewed(
    script: str, folder: Path, *options: str, inventory: Path = ROOT / "sites.yaml"
) -> Any:
    """Run lines of shell of a review as its job does, with dtdeploy on a simulated fleet."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "dtdeploy"
    words = shlex.join([sys.executable, "-m", "orchestrator", *options])
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    program.chmod(0o755)
    for place in (folder, folder / "request"):
        place.mkdir(exist_ok=True)
        (place / "sites.yaml").write_bytes(inventory.read_bytes())
        (place / "stacks").mkdir()
        for stack in (ROOT / "stacks").iterdir():
            (place / "stacks" / stack.name).write_bytes(stack.read_bytes())
    environment = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "CI": "true",
        "PYTHONPATH": str(ROOT),
        "GITHUB_OUTPUT": str(folder / "outputs"),
    }
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def github_review() -> str:
    (step,) = (step for step in loaded(PLAN)["jobs"]["plan"]["steps"] if step.get("id") == "plan")
    script = step["run"]
    assert isinstance(script, str)
    return script


def gitlab_review() -> str:
    return "\n".join(loaded(GITLAB[0])["dtdeploy:review"]["script"])


CUT = ("--simulate", str(ROOT / "scenarios" / "cut-site.yaml"))
WELL = ("--simulate", str(ROOT / "scenarios" / "datatrail.yaml"))


@pytest.mark.parametrize(("fleet", "code", "warned"), [(WELL, 0, False), (CUT, 11, True)])
def test_a_review_says_plainly_that_a_site_refuses_and_passes(
    tmp_path: Path, fleet: tuple[str, ...], code: int, *, warned: bool
) -> None:
    (tmp_path / "github").mkdir()
    (tmp_path / "gitlab").mkdir()
    github = reviewed(github_review(), tmp_path / "github", *fleet)
    assert github.returncode == 0, github.stderr
    assert ("::warning title=REFUSED as things are::" in github.stdout) is warned
    assert "told=true\n" in (tmp_path / "github" / "outputs").read_text()
    gitlab = reviewed(gitlab_review(), tmp_path / "gitlab", *fleet)
    assert gitlab.returncode == code, gitlab.stderr
    assert ("REFUSED as things are" in gitlab.stdout) is warned
    for folder in ("github", "gitlab"):
        plan = (tmp_path / folder / "plan.md").read_text()
        assert ("**REFUSED**" in plan) is warned
    allowed = loaded(GITLAB[0])["dtdeploy:review"]["allow_failure"]["exit_codes"]
    assert set(allowed) == _OF_SITES


@pytest.mark.parametrize("which", [github_review, gitlab_review])
def test_a_review_fails_where_the_request_is_wrong(tmp_path: Path, which: Any) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((ROOT / "sites.yaml").read_text().replace("sites:", "cites:"))
    done = reviewed(which(), tmp_path, *WELL, inventory=wrong)
    assert done.returncode not in {0, *_OF_SITES}
    assert "REFUSED" not in done.stdout


def test_a_review_reads_no_links(tmp_path: Path) -> None:
    (step,) = (
        step
        for step in loaded(PLAN)["jobs"]["plan"]["steps"]
        if step.get("name") == "Take files alone"
    )
    assert reviewed(step["run"], tmp_path).returncode == 0
    (tmp_path / "request" / "stacks" / "own.yaml").symlink_to("/proc/self/environ")
    (tmp_path / "stacks" / "own.yaml").symlink_to("/proc/self/environ")
    ran = subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, check=False)
    assert ran.returncode == 1
    script = gitlab_review()
    ran = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, check=False)
    assert ran.returncode == 1
    assert not (tmp_path / "plan.md").exists()
