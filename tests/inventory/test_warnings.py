from pathlib import Path

from orchestrator.inventory.load import load_inventory
from tests.inventory.rendering import rendered
from tests.inventory.writing import APP, SITES, write


def warned(path: Path) -> str:
    return rendered(load_inventory(path).warnings, path.parent)


def test_nothing_to_warn_about(tmp_path: Path) -> None:
    assert not warned(write(tmp_path))


def test_stack_file_that_no_site_lists(tmp_path: Path) -> None:
    assert warned(write(tmp_path, app=APP, app_spare=APP)).startswith(
        "stacks/app-spare.yaml:1:1 inventory.unused-stack: no site lists `app-spare`\n"
    )


def test_repository_that_no_stack_comes_from(tmp_path: Path) -> None:
    sites = SITES.replace("sites:", "  spare: {url: git@git.example:spare}\nsites:")

    assert warned(write(tmp_path, sites)).startswith("sites.yaml:6:3 inventory.unused-repo: ")


def test_file_with_another_ending(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "stacks" / "app-jobs.yml").write_text(APP)
    (tmp_path / "stacks" / "README.md").write_text("no stack\n")
    (tmp_path / "stacks" / ".app.yaml").write_text("an editor's\n")

    assert warned(path) == (
        "stacks/app-jobs.yml:1:1 inventory.ignored-file: app-jobs.yml is ignored: stack files "
        "end in .yaml\n    fix: rename it to app-jobs.yaml, or delete it\n"
    )


def test_secret_in_plain_text(tmp_path: Path) -> None:
    stacks = "stacks: {app: {variables: {DB_PASSWORD: hunter2, PASSWORD_FILE: /run/x}}}"
    told = warned(write(tmp_path, SITES.replace("stacks: [app]", stacks)))

    assert told.startswith("sites.yaml:9:32 inventory.plain-secret: `DB_PASSWORD` looks like")
    assert "hunter2" not in told
    assert "PASSWORD_FILE" not in told
