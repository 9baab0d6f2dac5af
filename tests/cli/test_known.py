"""What the mirrors of this machine tell without asking a git server."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.cli.checkout import GitCheckout
from orchestrator.cli.known import fetched, recall
from orchestrator.fleet.running import MIXED
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, UnitSpec
from tests.build import sight, unseen
from tests.sources.origin import Origin

UNIT, BROKEN = Unit("app", "far"), Unit("other", "far")
GOOD = 'version: "3.9"\nservices: {web: {image: "img:1"}}\n'


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
def inventory(origin: Origin) -> Inventory:
    return Inventory(
        path="sites.yaml",
        managed_prefix="app",
        coordinator="far",
        repos=(origin.repo,),
        sites=(),
        units=tuple(
            UnitSpec(unit=unit, repo="app", compose=f"{unit.stack}.yaml", position="sites.yaml:1:1")
            for unit in (UNIT, BROKEN)
        ),
    )


def checkout(inventory: Inventory, cache: Path, environment: Mapping[str, str]) -> GitCheckout:
    """Return a checkout as a new process has it."""
    return GitCheckout(inventory, cache, environment)


def fill(inventory: Inventory, cache: Path, environment: Mapping[str, str]) -> None:
    fetching = checkout(inventory, cache, environment)
    fetching.begin(["app"], {})
    fetching.pins()


def test_without_a_mirror_nothing_is_known(
    inventory: Inventory, tmp_path: Path, environment: Mapping[str, str]
) -> None:
    known = recall(inventory, checkout(inventory, tmp_path / "c", environment), [UNIT])
    assert (known.ages, known.missing, known.unread) == ({}, ("app",), ())
    assert known.newer(UNIT, "a" * 40) is None
    assert known.differing(UNIT, sight()) is None


def test_commits_and_drift_are_those_of_the_mirror_though_the_server_is_gone(
    inventory: Inventory, origin: Origin, tmp_path: Path, environment: Mapping[str, str]
) -> None:
    old = origin.commit({"app.yaml": GOOD, "other.yaml": "a: ["})
    new = origin.commit({"app.yaml": GOOD + "# newer\n"})
    fill(inventory, tmp_path / "c", environment)
    origin.commit({"app.yaml": GOOD + "# not fetched\n"})
    known = recall(inventory, checkout(inventory, tmp_path / "c", environment), [UNIT, BROKEN])
    assert known.ages["app"]
    assert [known.newer(UNIT, sha) for sha in (old, new, "", MIXED, "b" * 40)] == [
        *(1, 0, None, None, None)
    ]
    assert known.newer(UNIT, old) == 1
    assert len(known.unread) == 1
    assert known.differing(BROKEN, sight()) is None
    assert known.differing(UNIT, unseen(site="far")) == 0


def test_a_fetch_that_fails_is_told_and_leaves_what_is_here(
    inventory: Inventory, origin: Origin, tmp_path: Path, environment: Mapping[str, str]
) -> None:
    old = origin.commit({"app.yaml": GOOD})
    origin.commit({"app.yaml": GOOD + "# newer\n"})
    fill(inventory, tmp_path / "c", environment)
    asking = checkout(inventory, tmp_path / "c", environment)
    asking.begin(["app"], {})
    known, problems = fetched(inventory, asking, [UNIT], 7.0)
    assert (known.ages, problems) == ({"app": 7.0}, ())
    origin.folder.rename(tmp_path / "elsewhere")
    failing = checkout(inventory, tmp_path / "c", environment)
    failing.begin(["app"], {})
    known, problems = fetched(inventory, failing, [UNIT], 7.0)
    assert len(problems) == 1
    assert known.newer(UNIT, old) == 1
    assert known.ages["app"] != 7.0
