"""Logins that may only look, on the simulated fleet: nothing is begun that cannot be ended."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestrator.cli.main import cli, run
from orchestrator.cli.meeting import find_run
from orchestrator.cli.wiring import World
from orchestrator.errors import ExitCode
from orchestrator.swarm import dtdeploy_look
from tests.cli.desk import Desk
from tests.cli.test_simulated_lock import killed_half_way
from tests.operators import Operators
from tests.simulated import Simulated, simulated

pytestmark = pytest.mark.usefixtures("signals")
COORDINATOR = "chime"


@pytest.fixture
def shared() -> Simulated:
    return simulated(generation=2)


@pytest.fixture
def desk(shared: Simulated) -> Desk:
    return Desk(shared=shared)


@pytest.fixture
def turns(shared: Simulated) -> Iterator[Operators]:
    operators = Operators(shared.fleet)
    yield operators
    operators.close()


def typed(desk: Desk, *words: str, looks_only: str = "kko") -> int:
    """Type a command at a desk whose login at one site may only look."""

    def world() -> World:
        return replace(desk.world(), looks_only=lambda site: site == looks_only)

    return run([*words], world)


def standing(shared: Simulated) -> list[tuple[str, int]]:
    """Return all that stands in the Swarms, with its versions."""
    swarms = [site.swarm for site in shared.fleet.sites.values()]
    services = [(one.id, one.version) for swarm in swarms for one in swarm.services.values()]
    return services + [(one.id, one.version) for swarm in swarms for one in swarm.configs.values()]


@pytest.mark.parametrize("looks_only", [COORDINATOR, "kko"])
@pytest.mark.parametrize(
    "words", ["restart --all", "deploy --all", "down --all", "restart --site kko"]
)
def test_a_run_is_refused_before_the_lock_is_taken(
    capsys: pytest.CaptureFixture[str], shared: Simulated, desk: Desk, words: str, looks_only: str
) -> None:
    before = standing(shared)
    code = typed(desk, *words.split(), "--yes", looks_only=looks_only)
    assert code == ExitCode.LOGIN_REFUSED
    said = capsys.readouterr().err
    assert f"the login at {looks_only} may only look" in said
    assert "ssh.look-only" in said
    assert "REFUSED" not in desk.said()
    assert standing(shared) == before
    assert find_run(desk.world()) is None


def test_a_run_elsewhere_is_not_refused(desk: Desk) -> None:
    assert typed(desk, "restart", "datatrail-client@gbo", "--yes") == ExitCode.DONE


@pytest.mark.parametrize(
    "words", ["plan --all", "restart --all --dry-run", "status", "drift --all"]
)
def test_what_only_looks_works_and_refuses_nothing(desk: Desk, words: str) -> None:
    assert typed(desk, *words.split(), looks_only=COORDINATOR) in (ExitCode.DONE, ExitCode.CHANGES)
    assert "ssh.look-only" not in desk.said()


def test_a_plan_that_was_saved_is_shown_and_not_applied(
    capsys: pytest.CaptureFixture[str], shared: Simulated, desk: Desk, tmp_path: Path
) -> None:
    file = str(tmp_path / "it.plan")
    assert typed(desk, "plan", "--all", "--out", file) == ExitCode.DONE
    before = standing(shared)
    assert typed(desk, "apply", file, "--expect", hash_of(file)) == ExitCode.LOGIN_REFUSED
    assert "ssh.look-only" in capsys.readouterr().err
    assert standing(shared) == before
    assert typed(desk, "apply", file, "--expect", hash_of(file), looks_only="") == ExitCode.DONE


def hash_of(file: str) -> str:
    return Path(file).read_text().split('"sha256": "')[1][:64]


@pytest.mark.parametrize("looks_only", [COORDINATOR, "kko"])
@pytest.mark.parametrize("words", ["resume {} --yes", "rollback {} --yes"])
def test_an_unfinished_run_is_left_as_it_is(
    capsys: pytest.CaptureFixture[str],
    shared: Simulated,
    desk: Desk,
    turns: Operators,
    *,
    words: str,
    looks_only: str,
) -> None:
    unfinished = killed_half_way(turns, desk)
    before = standing(shared)
    code = typed(desk, *words.format(unfinished).split(), looks_only=looks_only)
    assert code == ExitCode.LOGIN_REFUSED
    assert "ssh.look-only" in capsys.readouterr().err
    assert standing(shared) == before


def test_a_lock_is_not_broken(
    capsys: pytest.CaptureFixture[str], shared: Simulated, desk: Desk, turns: Operators
) -> None:
    unfinished = killed_half_way(turns, desk)
    before = standing(shared)
    words = ("lock", "break", unfinished, "--because", "why not")
    assert typed(desk, *words, looks_only=COORDINATOR) == ExitCode.LOGIN_REFUSED
    assert "ssh.look-only" in capsys.readouterr().err
    assert standing(shared) == before


def test_the_lock_of_a_broken_run_is_not_put_back(
    shared: Simulated, desk: Desk, turns: Operators
) -> None:
    broken = killed_half_way(turns, desk)
    assert typed(desk, "lock", "break", broken, "--because", "why not", looks_only="") == 0
    before = standing(shared)
    assert typed(desk, "resume", broken, "--yes") == ExitCode.LOGIN_REFUSED
    assert standing(shared) == before
    assert find_run(desk.world()) is None


def test_a_run_that_ended_is_not_undone(
    capsys: pytest.CaptureFixture[str], shared: Simulated, desk: Desk
) -> None:
    assert typed(desk, "deploy", "--all", "--yes", looks_only="") == ExitCode.DONE
    (ended,) = desk.journals.runs()
    before = standing(shared)
    assert typed(desk, "rollback", ended, "--yes") == ExitCode.LOGIN_REFUSED
    assert "ssh.look-only" in capsys.readouterr().err
    assert standing(shared) == before


def test_a_way_back_is_refused_before_it_is_looked_for(
    capsys: pytest.CaptureFixture[str], desk: Desk
) -> None:
    words = ("rollback", "20261201T000000-abcdef", "--yes")
    assert typed(desk, *words, looks_only=COORDINATOR) == ExitCode.LOGIN_REFUSED
    assert "ssh.look-only" in capsys.readouterr().err
    assert typed(desk, *words, looks_only="") == ExitCode.SAFETY_REFUSED


def test_the_program_is_printed_as_it_is_and_is_in_the_package() -> None:
    done = CliRunner().invoke(cli, ["look-script"], prog_name="dtdeploy", standalone_mode=False)
    assert done.return_value == ExitCode.DONE
    assert done.output == Path(dtdeploy_look.__file__).read_text("utf-8")
    assert done.output.startswith("#!/usr/bin/python3 -I\n")
