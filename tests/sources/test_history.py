from pathlib import Path

import pytest

from orchestrator.errors import SourceError
from orchestrator.fleet.unit import Revision
from orchestrator.sources.history import log_between, span
from orchestrator.sources.mirror import fetch_all
from orchestrator.sources.span import Span
from tests.sources.origin import Origin


def revision(sha: str) -> Revision:
    return Revision(repo="datatrail", sha=sha)


@pytest.fixture
def mirrored(
    origin: Origin, cache: Path, environment: dict[str, str]
) -> tuple[Path, list[Revision]]:
    shas = [origin.commit(message=f"{word} \u00e4\n\nbody") for word in ("one", "two", "three")]
    [result] = fetch_all(
        [origin.repo], cache, deadline_seconds=20, environment=environment, workers=1
    )
    return result.mirror, [revision(sha) for sha in shas]


def test_lists_what_is_new_newest_first(mirrored: tuple[Path, list[Revision]]) -> None:
    mirror, [one, two, three] = mirrored

    commits = log_between(mirror, one, three, 10)

    assert [(c.sha, c.subject, c.author) for c in commits] == [
        (three.sha, "three \u00e4", "A Person"),
        (two.sha, "two \u00e4", "A Person"),
    ]
    assert commits[0].date[:2] == "20"


def test_lists_no_more_than_asked(mirrored: tuple[Path, list[Revision]]) -> None:
    mirror, [one, _, three] = mirrored

    assert [c.sha for c in log_between(mirror, one, three, 1)] == [three.sha]


def test_lists_nothing_between_a_commit_and_itself(mirrored: tuple[Path, list[Revision]]) -> None:
    mirror, [one, *_] = mirrored

    assert log_between(mirror, one, one, 5) == ()


def test_an_unknown_commit_is_told(mirrored: tuple[Path, list[Revision]]) -> None:
    mirror, [one, *_] = mirrored

    with pytest.raises(SourceError) as caught:
        log_between(mirror, revision("0123456789" * 4), one, 5)

    assert caught.value.problems[0].code == "source.no-history"


def test_a_span_counts_what_it_does_not_list(mirrored: tuple[Path, list[Revision]]) -> None:
    mirror, [one, two, three] = mirrored

    whole = span(mirror, one, three)
    cut = span(mirror, one, three, 1)

    assert [commit.sha for commit in whole.commits] == [three.sha, two.sha]
    assert (whole.old, whole.new, whole.more, whole.back, whole.told) == (
        one,
        three,
        0,
        False,
        True,
    )
    assert ([commit.sha for commit in cut.commits], cut.more) == ([three.sha], 1)


def test_a_span_back_lists_what_is_taken_back(mirrored: tuple[Path, list[Revision]]) -> None:
    mirror, [one, two, three] = mirrored

    back = span(mirror, three, one)

    assert ([commit.sha for commit in back.commits], back.back) == ([three.sha, two.sha], True)


def test_a_span_from_a_commit_that_nobody_knows_is_not_told(
    mirrored: tuple[Path, list[Revision]],
) -> None:
    mirror, [one, *_] = mirrored
    assert span(mirror, revision("9" * 40), one) == Span(
        old=revision("9" * 40), new=one, told=False
    )
    assert span(mirror, one, one) == Span(old=one, new=one)
