import pytest

from orchestrator.engine.journal import Json
from orchestrator.engine.journal_problems import problems_in, problems_told
from orchestrator.errors import ExitCode, Problem, Where

BROKEN = Problem(
    code="deploy.unhealthy",
    what="it did not get healthy",
    exit_code=ExitCode.UNHEALTHY,
    where=Where(site="kko", stack="app", service="web"),
    evidence=("task: non-zero exit (1)",),
    fix="dtdeploy logs app@kko",
    state_left="the rest runs",
    runbook="service-not-healthy",
)


def test_what_is_told_is_read_back_as_it_was() -> None:
    assert problems_in(problems_told([BROKEN, BROKEN])) == (BROKEN, BROKEN)


def test_the_codes_stand_where_older_journals_have_them() -> None:
    assert problems_told([BROKEN])["problems"] == ["deploy.unhealthy"]
    assert problems_told([]) == {"problems": []}


def test_evidence_is_kept_within_reason_and_without_secrets() -> None:
    long = Problem(
        code="x.y",
        what="it broke",
        exit_code=ExitCode.BUG,
        evidence=("x" * 9000 + "the cause", "DB_PASSWORD=hunter2", *(["more"] * 90)),
    )
    (read,) = problems_in(problems_told([long]))
    assert (len(read.evidence), len(read.evidence[0])) == (50, 4000)
    assert read.evidence[0].endswith("the cause")
    assert read.evidence[1] == "DB_PASSWORD=***"


@pytest.mark.parametrize("whole", [None, "words", 7, ["words"], [{"code": "x"}]])
def test_what_another_version_wrote_is_left_out(whole: Json) -> None:
    assert problems_in({"told": whole}) == ()
    assert problems_in({}) == ()


def test_what_tasks_wrote_last_is_kept_without_secrets() -> None:
    said = Problem(
        code="deploy.unhealthy",
        what="not well",
        exit_code=ExitCode.UNHEALTHY,
        last_words=("web.1: PASSWORD=hunter2 is wrong", *("web.1: x" for _ in range(90))),
    )
    (kept,) = problems_in(problems_told([said]))
    assert kept.last_words[0] == "web.1: PASSWORD=*** is wrong"
    assert len(kept.last_words) == 50
