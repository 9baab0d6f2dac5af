import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.ui.ci import (
    MOST_ANNOTATIONS,
    Ci,
    CiKind,
    annotations,
    append_file,
    ci_of,
    defused,
    group_lines,
    outputs,
)
from tests.ui.hostile import HOSTILE

GITHUB = Ci(kind=CiKind.GITHUB, workspace="/w/repo", folder="/w/repo/deploy")
NOW = datetime(2026, 11, 22, 3, 0, 0, tzinfo=UTC)
COMMAND = re.compile(r"^\s*::|##\[", re.MULTILINE)


def problem(code: str = "inventory.bad-cron", where: Where | None = None, **other: str) -> Problem:
    return Problem(
        code=code,
        what=other.get("what", "no cron"),
        exit_code=ExitCode.INVENTORY_INVALID,
        where=where or Where(file="sites.yaml", line=7, column=3),
        fix=other.get("fix", ""),
    )


def told(*problems: Problem, ci: Ci = GITHUB) -> list[str]:
    return list(annotations(ci, problems))


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({}, CiKind.NONE),
        ({"CI": "false"}, CiKind.NONE),
        ({"CI": "true"}, CiKind.OTHER),
        ({"CI": "true", "GITLAB_CI": "true"}, CiKind.GITLAB),
        ({"CI": "true", "GITHUB_ACTIONS": "true"}, CiKind.GITHUB),
    ],
)
def test_who_runs_the_job_is_read_from_its_variables(environ: dict[str, str], kind: CiKind) -> None:
    assert ci_of(environ, "/here").kind is kind


def test_github_says_where_it_wants_what() -> None:
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": "/o",
        "GITHUB_STEP_SUMMARY": "/s",
        "GITHUB_WORKSPACE": "/w",
    }
    assert ci_of(environ, "/w/x") == Ci(
        kind=CiKind.GITHUB, outputs="/o", summary="/s", workspace="/w", folder="/w/x"
    )


def test_an_annotation_names_file_line_and_column_from_the_workspace() -> None:
    assert told(problem(fix="write five fields")) == [
        "::error file=deploy/sites.yaml,line=7,col=3,title=dtdeploy inventory.bad-cron"
        "::no cron%0Anext%3A write five fields\n".replace("%3A", ":")
    ]


def test_a_file_outside_of_the_workspace_is_named_as_it_was_typed() -> None:
    where = Where(file="/etc/sites.yaml", line=1, column=1)
    assert "file=/etc/sites.yaml," in told(problem(where=where))[0]
    nowhere = Ci(kind=CiKind.GITHUB)
    assert "file=sites.yaml," in told(problem(), ci=nowhere)[0]


def test_a_file_without_a_line_is_annotated_at_its_first() -> None:
    assert (
        "file=deploy/sites.yaml,line=1,col=1," in told(problem(where=Where(file="sites.yaml")))[0]
    )


def test_a_file_of_another_repository_is_named_in_words_only() -> None:
    """GitHub would show it at whatever file of this repository has that name."""
    where = Where(file="datatrail:stacks/x.yaml", line=7, column=3)
    assert told(problem("source.compose-invalid", where)) == [
        "::error title=dtdeploy source.compose-invalid::datatrail:stacks/x.yaml:7:3: no cron\n"
    ]


def test_a_problem_at_a_site_says_which() -> None:
    assert told(problem("site.unreachable", Where(site="kko"))) == [
        "::error title=dtdeploy site.unreachable::kko: no cron\n"
    ]


@pytest.mark.parametrize(("number", "shown"), [(1, 1), (10, 10), (11, 10), (500, 10)])
def test_there_are_ten_at_most(number: int, shown: int) -> None:
    lines = told(*(problem(what=f"p{n}") for n in range(number)))
    assert len(lines) == shown <= MOST_ANNOTATIONS
    assert ("more problems" in lines[-1]) == (number > MOST_ANNOTATIONS)


@pytest.mark.parametrize("kind", [CiKind.NONE, CiKind.OTHER, CiKind.GITLAB])
def test_nobody_else_gets_annotations(kind: CiKind) -> None:
    assert told(problem(), ci=Ci(kind=kind)) == []


@given(HOSTILE, HOSTILE)
def test_an_annotation_stays_one_command_whatever_it_quotes(one: str, two: str) -> None:
    [line] = told(problem(where=Where(file=f"x{one}"), what=two, fix=one))
    assert line.count("\n") == 1
    assert line.startswith("::error file=")
    properties = line.removeprefix("::error ").partition("::")[0]
    assert [part.partition("=")[0] for part in properties.split(",")] == [
        "file",
        "line",
        "col",
        "title",
    ]


@given(st.one_of(HOSTILE, st.text(alphabet=":#[] \nerro", max_size=40)))
def test_no_foreign_line_is_a_command(text: str) -> None:
    assert not COMMAND.search(defused(text))
    assert defused(text).replace("\u200b", "") == text.replace("\u200b", "")


@pytest.mark.parametrize(
    "text", ["::error::x", "  ::add-mask::x", "a\n::stop-commands::x", "said ##[group]x ##[error]"]
)
def test_what_githubs_runner_would_obey_is_broken(text: str) -> None:
    assert COMMAND.search(text)
    assert not COMMAND.search(defused(text))


def test_parts_of_a_log_fold_as_each_ci_wants_it() -> None:
    assert group_lines(CiKind.GITHUB, 1, "50 %", NOW) == ("::group::50 %25\n", "::endgroup::\n")
    start, end = group_lines(CiKind.GITLAB, 2, "Check", NOW)
    assert start == "\x1b[0Ksection_start:1795316400:dtdeploy_2\r\x1b[0KCheck\n"
    assert end == "\x1b[0Ksection_end:1795316400:dtdeploy_2\r\x1b[0K\n"
    assert group_lines(CiKind.OTHER, 1, "Check", NOW) == ("", "")


def test_outputs_are_a_line_each() -> None:
    assert outputs({"changes": "true", "hash": "a\nb=c"}) == "changes=true\nhash=a b=c\n"


def test_what_a_ci_named_is_appended_to_and_never_ends_a_run(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("a=b\n")
    append_file(str(path), "c=d\n")
    assert path.read_text() == "a=b\nc=d\n"
    append_file("", "lost")
    append_file(str(tmp_path), "a folder")
