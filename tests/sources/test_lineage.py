from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.fleet.unit import Revision
from orchestrator.inventory.model import Repo
from orchestrator.sources.lineage import Descent, Lineage, lineage
from orchestrator.sources.mirror import fetch_all
from tests.sources.origin import Origin


@pytest.fixture
def shas(origin: Origin) -> dict[str, str]:
    """Commit one, two, and aside: another way on from one."""
    one = origin.commit({"a": "1"})
    two = origin.commit({"a": "2"})
    origin.git("checkout", "--quiet", "-b", "aside", one)
    aside = origin.commit({"a": "3"})
    return {"one": one, "two": two, "aside": aside}


@pytest.fixture
def mirror(origin: Origin, shas: dict[str, str], cache: Path, environment: dict[str, str]) -> Path:
    assert shas
    [result] = fetch_all(
        [origin.repo], cache, deadline_seconds=20, environment=environment, workers=1
    )
    return result.mirror


def asked(repo: Repo, mirror: Path, new: str, *running: str) -> Lineage:
    return lineage(repo, mirror, Revision(repo=repo.name, sha=new), running)


@pytest.mark.parametrize(
    ("way", "descent"),
    [
        ("one to two", Descent.FORWARD),
        ("two to two", Descent.SAME),
        ("two to one", Descent.BACK),
        ("two to aside", Descent.SIDEWAYS),
    ],
)
def test_a_revision_is_compared_with_what_runs(
    way: str, descent: Descent, origin: Origin, mirror: Path, shas: dict[str, str]
) -> None:
    old, _, new = way.split()
    found = asked(origin.repo, mirror, shas[new], shas[old], shas[old])
    assert found.descents == ((shas[old], descent),)


@pytest.mark.parametrize("new", ["one", "two", "aside"])
def test_it_is_looked_for_on_the_inventorys_branch(
    new: str, origin: Origin, mirror: Path, shas: dict[str, str]
) -> None:
    found = asked(origin.repo, mirror, shas[new])
    assert (found.ref, found.usual) == (origin.repo.ref, new != "aside")


def test_a_commit_that_is_gone_is_unknown(
    origin: Origin, mirror: Path, shas: dict[str, str]
) -> None:
    assert asked(origin.repo, mirror, shas["two"], "0" * 40).descents == (
        ("0" * 40, Descent.UNKNOWN),
    )


def test_without_the_inventorys_branch_nobody_can_tell(
    origin: Origin, mirror: Path, shas: dict[str, str]
) -> None:
    assert asked(replace(origin.repo, ref="gone"), mirror, shas["aside"]).usual
