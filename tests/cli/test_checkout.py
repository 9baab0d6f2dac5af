"""Reading what ran before, from real git repositories."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.cli.checkout import GitCheckout, MadeUpCheckout
from orchestrator.errors import ExitCode, SourceError
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory, UnitSpec
from orchestrator.sources.model import Sourced
from tests.simulated import simulated
from tests.sources.origin import Origin

SERVER, DAEMONS = Unit("datatrail", "chime"), Unit("datatrail-daemons", "chime")
PATHS = {SERVER: "stacks/server.yaml", DAEMONS: "stacks/daemons.yaml"}


def compose(image: str) -> str:
    return f'version: "3.9"\nservices: {{app: {{image: "{image}"}}}}\n'


def files(image: str) -> dict[str, str | bytes]:
    return {path: compose(image) for path in PATHS.values()}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A Person",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A Person",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }


@pytest.fixture
def origin(tmp_path: Path, environment: Mapping[str, str]) -> Origin:
    return Origin(tmp_path / "app", environment)


@pytest.fixture
def checkout(origin: Origin, tmp_path: Path, environment: Mapping[str, str]) -> GitCheckout:
    inventory = Inventory(
        path="sites.yaml",
        managed_prefix="datatrail",
        coordinator="chime",
        repos=(origin.repo,),
        sites=(),
        units=tuple(
            UnitSpec(unit=unit, repo="app", compose=path, position="sites.yaml:1:1")
            for unit, path in PATHS.items()
        ),
    )
    return GitCheckout(inventory, tmp_path / "cache", environment)


def images(read: Mapping[Unit, Sourced]) -> dict[Unit, str]:
    return {unit: sourced.desired.services[0].image for unit, sourced in read.items()}


def test_each_unit_is_read_at_its_own_revision(origin: Origin, checkout: GitCheckout) -> None:
    old, new = origin.commit(files("img:1")), origin.commit(files("img:2"))
    read = checkout.read_at({SERVER: Revision("app", old), DAEMONS: Revision("app", new)})
    assert images(read) == {SERVER: "img:1", DAEMONS: "img:2"}
    assert read[SERVER].release.revision.sha == old


def test_a_commit_that_is_here_already_needs_no_remote(
    origin: Origin, checkout: GitCheckout
) -> None:
    old = Revision("app", origin.commit(files("img:1")))
    checkout.read_at({SERVER: old})
    shutil.rmtree(origin.folder)
    assert images(checkout.read_at({SERVER: old})) == {SERVER: "img:1"}


def test_a_commit_that_is_not_here_yet_is_fetched(origin: Origin, checkout: GitCheckout) -> None:
    checkout.read_at({SERVER: Revision("app", origin.commit(files("img:1")))})
    new = Revision("app", origin.commit(files("img:2")))
    assert images(checkout.read_at({SERVER: new})) == {SERVER: "img:2"}


def test_a_commit_that_is_nowhere_any_more_is_told_before_anything_is_read(
    origin: Origin, checkout: GitCheckout
) -> None:
    old = Revision("app", origin.commit(files("img:1")))
    lost = Revision("app", "ab" * 20)
    with pytest.raises(SourceError) as refused:
        checkout.read_at({SERVER: old, DAEMONS: lost})
    (problem,) = refused.value.problems
    assert (problem.code, problem.exit_code) == ("source.commit-gone", ExitCode.SOURCE_FAILED)
    assert lost.sha in problem.what


def test_a_remote_that_is_away_is_told_in_gits_own_words(
    origin: Origin, checkout: GitCheckout
) -> None:
    lost = Revision("app", origin.commit(files("img:1")))
    shutil.rmtree(origin.folder)
    with pytest.raises(SourceError) as refused:
        checkout.read_at({SERVER: lost})
    assert refused.value.problems[0].code == "source.fetch-failed"


def test_a_release_that_a_manager_holds_says_what_its_commit_says(
    origin: Origin, checkout: GitCheckout
) -> None:
    old = Revision("app", origin.commit(files("img:1")))
    read = checkout.read_at({SERVER: old, DAEMONS: old})
    shutil.rmtree(origin.folder)
    held = [sourced.release for sourced in read.values()]
    assert checkout.read_released(held) == read


def test_what_is_wrong_with_a_release_is_told_as_of_a_commit(
    origin: Origin, checkout: GitCheckout
) -> None:
    release = checkout.read_at({SERVER: Revision("app", origin.commit(files("img:1")))})[
        SERVER
    ].release
    with pytest.raises(SourceError) as refused:
        checkout.read_released([replace(release, files=())])
    assert refused.value.problems[0].code == "source.compose-missing"


@pytest.mark.parametrize("needed", ["PASSWORD", "WORD=${PASSWORD}"])
def test_a_secret_that_only_the_environment_knows_is_asked_for_by_name(
    origin: Origin, tmp_path: Path, environment: Mapping[str, str], needed: str
) -> None:
    text = compose("img:1").replace("}}", f", environment: ['{needed}']}}}}")
    at = Revision("app", origin.commit({PATHS[SERVER]: text}))
    spec = UnitSpec(
        unit=SERVER,
        repo="app",
        compose=PATHS[SERVER],
        position="sites.yaml:1:1",
        secret_variables=("PASSWORD",),
    )
    inventory = Inventory(
        path="sites.yaml",
        managed_prefix="datatrail",
        coordinator="chime",
        repos=(origin.repo,),
        sites=(),
        units=(spec,),
    )
    known = GitCheckout(inventory, tmp_path / "cache", {**environment, "PASSWORD": "x"})
    held = known.read_at({SERVER: at})[SERVER].release
    unknown = GitCheckout(inventory, tmp_path / "none", environment)
    with pytest.raises(SourceError) as refused:
        unknown.read_released([held])
    (problem,) = refused.value.problems
    assert (problem.code, problem.exit_code) == ("source.secret-absent", ExitCode.USAGE)
    assert "PASSWORD" in problem.what


def test_nothing_is_fetched_where_nothing_is_to_be_read(
    origin: Origin, checkout: GitCheckout
) -> None:
    shutil.rmtree(origin.folder)
    assert checkout.read_at({}) == {}


def test_a_made_up_repository_knows_the_commits_that_ran_and_no_others() -> None:
    shared = simulated(generation=2)
    made_up = MadeUpCheckout(shared.inventory, shared.sources, shared.former)
    former = {u: s.release.revision for u, s in shared.former.items()}
    assert made_up.read_at(former) == shared.former
    with pytest.raises(SourceError):
        made_up.read_at({SERVER: Revision("datatrail", "ab" * 20)})


def test_repos_that_turn_out_to_be_needed_are_fetched_as_well(
    origin: Origin, tmp_path: Path, environment: Mapping[str, str]
) -> None:
    origin.commit(files("img:1"))
    checkout, other = two_repos(origin, tmp_path, environment)
    other.commit(files("img:2"))
    checkout.begin(["app"], {})
    checkout.begin(["app", "other"], {})
    assert set(checkout.pins()) == {"app", "other"}
    assert images(checkout.read([SERVER, DAEMONS])) == {SERVER: "img:1", DAEMONS: "img:2"}


def test_a_search_leaves_out_what_cannot_be_fetched_or_read(
    origin: Origin, tmp_path: Path, environment: Mapping[str, str]
) -> None:
    origin.commit(files("img:1"))
    checkout, other = two_repos(origin, tmp_path, environment)
    checkout.begin(["app"], {})
    assert set(checkout.search([DAEMONS, SERVER, DAEMONS])) == {SERVER}
    # A file that is none is passed over; a repo that failed is asked again.
    other.commit({PATHS[DAEMONS]: "services: [oops"})
    assert checkout.search([DAEMONS]) == {}
    assert set(checkout.pins()) == {"app", "other"}


def two_repos(
    origin: Origin, tmp_path: Path, environment: Mapping[str, str]
) -> tuple[GitCheckout, Origin]:
    """Give a checkout of two repositories, of which the second one may have no commit yet."""
    other = Origin(tmp_path / "other", environment)
    inventory = Inventory(
        path="sites.yaml",
        managed_prefix="datatrail",
        coordinator="chime",
        repos=(origin.repo, other.repo),
        sites=(),
        units=tuple(
            UnitSpec(unit=unit, repo=repo, compose=PATHS[unit], position="sites.yaml:1:1")
            for unit, repo in ((SERVER, origin.repo.name), (DAEMONS, other.repo.name))
        ),
    )
    return GitCheckout(inventory, tmp_path / "cache", environment), other
