from pathlib import Path

import pytest

from orchestrator.errors import ExitCode, Problem, SourceError
from orchestrator.fleet.unit import Revision
from orchestrator.sources.mirror import fetch_all
from orchestrator.sources.pin import pin
from tests.sources.origin import Origin


@pytest.fixture
def mirror(origin: Origin, cache: Path, environment: dict[str, str]) -> Path:
    """Mirror a repository with two commits, branches and tags of both kinds."""
    origin.commit({"a": "1"})
    origin.git("tag", "light")
    origin.git("tag", "--annotate", "--message", "one", "v1.0")
    origin.git("branch", "feature/x")
    origin.git("branch", "both")
    origin.commit({"a": "2"})
    origin.git("tag", "both")
    origin.git("tag", "tree", "HEAD^{tree}")
    [result] = fetch_all(
        [origin.repo], cache, deadline_seconds=20, environment=environment, workers=1
    )
    return result.mirror


def refusal(origin: Origin, mirror: Path, ref: str) -> Problem:
    with pytest.raises(SourceError) as caught:
        pin(origin.repo, mirror, ref)
    [problem] = caught.value.problems
    assert problem.exit_code is ExitCode.SOURCE_FAILED
    return problem


@pytest.mark.parametrize(
    ("ref", "commit"),
    [
        ("main", "HEAD"),
        ("feature/x", "HEAD~1"),
        ("light", "HEAD~1"),
        ("v1.0", "HEAD~1"),
        ("refs/heads/both", "HEAD~1"),
        ("refs/tags/both", "HEAD"),
        ("refs/tags/v1.0", "HEAD~1"),
    ],
)
def test_names_the_full_sha_of_the_commit(
    ref: str, commit: str, origin: Origin, mirror: Path
) -> None:
    sha = origin.git("rev-parse", commit)

    assert pin(origin.repo, mirror, ref) == Revision(repo="datatrail", sha=sha)


def test_takes_a_full_sha_that_no_branch_points_at(origin: Origin, mirror: Path) -> None:
    sha = origin.git("rev-parse", "HEAD~1")

    assert pin(origin.repo, mirror, sha).sha == sha


def test_refuses_a_name_that_is_a_branch_and_a_tag(origin: Origin, mirror: Path) -> None:
    problem = refusal(origin, mirror, "both")

    assert problem.code == "source.ambiguous-ref"
    assert problem.fix == "say which: refs/heads/both or refs/tags/both"


def test_an_unknown_name_brings_the_nearest(origin: Origin, mirror: Path) -> None:
    problem = refusal(origin, mirror, "mian")

    assert problem.code == "source.unknown-ref"
    assert "did you mean main" in problem.fix


def test_a_far_name_brings_what_there_is(origin: Origin, mirror: Path) -> None:
    assert "there are: both, feature/x, light, main" in refusal(origin, mirror, "QQQQQQ").fix


@pytest.mark.parametrize("ref", ["HEAD", "HEAD~1", "main~1", "main^{tree}", "@", "main@{1}", "a b"])
def test_knows_branches_tags_and_full_shas_only(ref: str, origin: Origin, mirror: Path) -> None:
    assert refusal(origin, mirror, ref).code == "source.unknown-ref"


def test_refuses_a_short_sha(origin: Origin, mirror: Path) -> None:
    """It would name another commit one day."""
    short = origin.git("rev-parse", "--short", "HEAD")

    assert refusal(origin, mirror, short).code == "source.unknown-ref"


def test_refuses_a_sha_that_the_mirror_lacks(origin: Origin, mirror: Path) -> None:
    problem = refusal(origin, mirror, "0123456789" * 4)

    assert problem.code == "source.unknown-ref"
    assert problem.evidence


def test_refuses_a_tag_of_something_else(origin: Origin, mirror: Path) -> None:
    assert refusal(origin, mirror, "tree").code == "source.unknown-ref"


@pytest.mark.parametrize("ref", ["-x", "--upload-pack=x", "", " ", "--output=/tmp/x"])
def test_refuses_what_git_could_take_for_an_option(ref: str, origin: Origin, mirror: Path) -> None:
    assert refusal(origin, mirror, ref).code == "source.bad-ref"


def test_a_mirror_that_is_none_is_told(origin: Origin, tmp_path: Path) -> None:
    assert refusal(origin, tmp_path, "main").code == "source.mirror-unreadable"
