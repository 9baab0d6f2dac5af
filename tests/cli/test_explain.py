import json
import tomllib

import pytest
from click.testing import CliRunner, Result

from orchestrator.cli.explain import read_handbook
from orchestrator.cli.main import cli, run
from tests.docs.pages import DOCS, ROOT, RUNBOOKS, first_codes

CODES = first_codes((DOCS / "errors.md").read_text("utf-8"))
NO_RUNBOOK = {"selection.", "scenario.", "usage."}


def explained(*words: str) -> Result:
    return CliRunner().invoke(cli, ["explain", *words], standalone_mode=False)


def test_every_code_of_the_page_is_found_with_its_exit_codes() -> None:
    entries = {entry.code: entry for entry in read_handbook().entries}
    assert sorted(entries) == sorted(CODES)
    assert [code for code, entry in entries.items() if not entry.exits] == []


def test_every_code_names_runbooks_that_are_there_unless_none_is_needed() -> None:
    book = read_handbook()
    for entry in book.entries:
        assert set(entry.runbooks) <= set(book.pages)
        assert entry.runbooks or entry.code.startswith(tuple(NO_RUNBOOK)), entry.code


def test_a_code_is_explained_with_what_to_do_and_its_runbook() -> None:
    shown = explained("removal.unfinished").stdout
    lines = shown.splitlines()
    assert lines[0] == "removal.unfinished  (exit code 23)"
    assert lines[1].strip() == "Part of the unit is still there after the time it was given."
    assert lines[2].strip() == "do: See below."
    assert (RUNBOOKS / "stack-does-not-go-away.md").read_text("utf-8").strip() in shown


def test_the_brackets_of_an_error_may_be_typed_too() -> None:
    assert explained("[lock.held]", "--brief").stdout == explained("lock.held", "--brief").stdout


def test_brief_leaves_the_runbook_out() -> None:
    assert "## Type" not in explained("lock.held", "--brief").stdout


def test_an_exit_code_lists_all_that_ends_with_it() -> None:
    shown = explained("23", "--brief").stdout
    heads = [line.split()[0] for line in shown.splitlines() if line and not line.startswith(" ")]
    assert heads == ["removal.failed", "removal.unfinished"]


def test_a_runbook_is_printed_as_it_is() -> None:
    page = (RUNBOOKS / "lock-held.md").read_text("utf-8")
    assert explained("lock-held").stdout.strip() == page.strip()


def test_without_words_everything_is_listed() -> None:
    shown = explained().stdout
    assert all(f"{code}  (exit code " in shown for code in CODES)
    assert shown.endswith("    stack-does-not-go-away\n")


def test_json_is_a_line_a_code() -> None:
    done = CliRunner().invoke(cli, ["--json", "explain", "23"], standalone_mode=False)
    first = json.loads(done.stdout.splitlines()[0])
    assert first["code"] == "removal.failed"
    assert first["exit_codes"] == [23]
    assert first["runbooks"] == ["stack-does-not-go-away"]


def test_a_typo_is_told_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "depoly.unhealthy"]) == 64
    assert "dtdeploy explain deploy.unhealthy" in capsys.readouterr().err


def test_nonsense_is_told_how_to_see_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "@@"]) == 64
    said = capsys.readouterr().err
    assert "next:     dtdeploy explain\n" in said


def test_a_wheel_has_every_page_that_a_checkout_has() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = settings["tool"]["setuptools"]["data-files"]
    shipped = {path for found in patterns.values() for word in found for path in ROOT.glob(word)}
    assert {ROOT / "docs" / "errors.md", *(ROOT / "runbooks").glob("*.md")} <= shipped
