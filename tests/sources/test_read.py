from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from orchestrator.errors import ExitCode, Problem, SourceError
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory, UnitSpec
from orchestrator.sources.mirror import fetch_all
from orchestrator.sources.model import Sourced
from orchestrator.sources.pin import pin
from orchestrator.sources.read import source_units
from orchestrator.sources.release import MAX_BYTES
from tests.sources.origin import Content, Origin

SERVER = Unit("datatrail", "chime")
CLIENT = Unit("datatrail-client", "kko")
COMPOSE = 'version: "3.9"\nservices: {server: {image: "img:1"}}\n'


def spec(
    unit: Unit = SERVER, compose: str = "stacks/server.yaml", repo: str = "datatrail"
) -> UnitSpec:
    return UnitSpec(unit=unit, repo=repo, compose=compose, position="/etc/sites.yaml:12:3")


@dataclass(frozen=True, slots=True)
class World:
    """Repositories, mirrored and pinned at main."""

    mirrors: Mapping[str, Path]
    pins: Mapping[str, Revision]

    def read(
        self, *specs: UnitSpec, environment: Mapping[str, str] | None = None
    ) -> dict[Unit, Sourced]:
        inventory = Inventory(
            path="/etc/sites.yaml",
            managed_prefix="datatrail",
            coordinator="chime",
            repos=(),
            sites=(),
            units=specs,
        )
        units = [spec.unit for spec in specs]
        return source_units(inventory, units, self.mirrors, self.pins, environment or {})

    def refusal(
        self, *specs: UnitSpec, environment: Mapping[str, str] | None = None
    ) -> SourceError:
        with pytest.raises(SourceError) as caught:
            self.read(*specs, environment=environment)
        return caught.value

    def problem(self, *specs: UnitSpec, environment: Mapping[str, str] | None = None) -> Problem:
        [problem] = self.refusal(*specs, environment=environment).problems
        return problem


Make = Callable[..., World]


@pytest.fixture
def make(origin: Origin, cache: Path, environment: dict[str, str]) -> Make:
    def world(*others: Origin, files: Mapping[str, Content] | None = None) -> World:
        if files:
            origin.commit(files)
        repos = [remote.repo for remote in (origin, *others)]
        results = fetch_all(repos, cache, deadline_seconds=20, environment=environment, workers=2)
        mirrors = {result.repo.name: result.mirror for result in results}
        pins = {repo.name: pin(repo, mirrors[repo.name], repo.ref) for repo in repos}
        return World(mirrors, pins)

    return world


def test_reads_desired_state_and_release_at_the_pinned_commit(origin: Origin, make: Make) -> None:
    world = make(files={"stacks/server.yaml": COMPOSE, "stacks/notes.txt": "n", "README.md": "r"})
    origin.write("stacks/server.yaml", "not committed")

    [(unit, sourced)] = world.read(spec()).items()

    assert unit == SERVER
    assert sourced.desired.images == ("img:1",)
    assert sourced.release.revision.sha == origin.git("rev-parse", "main")
    assert [(file.path, file.content) for file in sourced.release.files] == [
        ("stacks/notes.txt", b"n"),
        ("stacks/server.yaml", COMPOSE.encode()),
    ]


def test_reads_the_pinned_commit_though_the_branch_moved_on(origin: Origin, make: Make) -> None:
    world = make(files={"stacks/server.yaml": COMPOSE})
    origin.commit({"stacks/server.yaml": COMPOSE.replace("img:1", "img:2")})
    make()

    assert world.read(spec())[SERVER].desired.images == ("img:1",)


def test_reads_one_commit_for_all_units_of_a_repository(make: Make) -> None:
    world = make(files={"stacks/server.yaml": COMPOSE, "stacks/client.yaml": COMPOSE})

    read = world.read(spec(), spec(CLIENT, "stacks/client.yaml"))

    assert list(read) == [SERVER, CLIENT]
    assert len({sourced.release.revision for sourced in read.values()}) == 1


def test_reads_units_of_several_repositories(
    tmp_path: Path, environment: dict[str, str], make: Make
) -> None:
    admin = Origin(tmp_path / "admin", environment)
    admin.commit({"client.yaml": COMPOSE})
    world = make(admin, files={"stacks/server.yaml": COMPOSE})

    read = world.read(spec(CLIENT, "client.yaml", "admin"), spec())

    assert [sourced.release.revision.repo for sourced in read.values()] == ["admin", "datatrail"]


def test_the_same_commit_makes_the_same_release_twice(make: Make) -> None:
    world = make(files={"stacks/server.yaml": COMPOSE})

    assert world.read(spec()) == world.read(spec())


def test_ships_files_from_elsewhere_at_their_own_paths(make: Make) -> None:
    compose = COMPOSE + "configs: {c: {file: ../config/c.json}}\n"
    world = make(
        files={"stacks/server.yaml": compose, "config/c.json": "{}", "config/d.json": "no"}
    )

    release = world.read(spec())[SERVER].release

    assert [file.path for file in release.files] == ["config/c.json", "stacks/server.yaml"]
    assert release.compose == "stacks/server.yaml"


def test_reads_exact_bytes_modes_and_links(origin: Origin, make: Make) -> None:
    script = origin.write("stacks/run.sh", b"#!/bin/sh\r\n\x00\n\n")
    script.chmod(0o755)
    (origin.folder / "stacks" / "link.yaml").symlink_to("server.yaml")
    world = make(files={"stacks/server.yaml": COMPOSE})

    files = world.read(spec(compose="stacks/link.yaml"))[SERVER].release.files

    assert [(file.path, file.content, file.executable) for file in files] == [
        ("stacks/link.yaml", COMPOSE.encode(), False),
        ("stacks/run.sh", b"#!/bin/sh\r\n\x00\n\n", True),
        ("stacks/server.yaml", COMPOSE.encode(), False),
    ]


class TestAMissingComposeFile:
    def test_names_the_two_ways_out_and_what_there_is(self, make: Make) -> None:
        world = make(files={"stacks/kko.yaml": COMPOSE, "stacks/gbo.yaml": COMPOSE})

        problem = world.problem(spec(Unit("datatrail-client", "outrigger-buffer"), "stacks/x.yaml"))

        assert (problem.code, problem.exit_code) == (
            "source.compose-missing",
            ExitCode.SOURCE_FAILED,
        )
        assert problem.evidence == ("stacks holds: stacks/gbo.yaml, stacks/kko.yaml",)
        assert "set `compose:` of datatrail-client for site outrigger-buffer" in problem.fix
        assert "/etc/sites.yaml:12:3" in problem.fix
        assert "`state: watched`" in problem.fix

    def test_in_a_folder_that_is_missing_too(self, make: Make) -> None:
        world = make(files={"stacks/kko.yaml": COMPOSE})

        assert world.problem(spec(compose="gone/x.yaml")).evidence == ("gone holds: no files",)

    def test_behind_a_link_out_of_the_repository(self, origin: Origin, make: Make) -> None:
        origin.write("stacks/note", "x")
        (origin.folder / "stacks" / "server.yaml").symlink_to("/etc/passwd")
        world = make(files={"other": "x"})

        problem = world.problem(spec())

        assert problem.code == "source.compose-missing"
        assert "leads out of the repository" in problem.what

    def test_in_a_submodule(self, origin: Origin, make: Make) -> None:
        sha = origin.commit({"a": "x"})
        origin.git("update-index", "--add", "--cacheinfo", f"160000,{sha},stacks")
        origin.git("commit", "--quiet", "--message", "submodule")
        world = make()

        assert "lies in a submodule" in world.problem(spec()).what


@pytest.mark.parametrize(
    "compose",
    ["", "/stacks/server.yaml", "../server.yaml", "a/../../b", "-x", "stacks\\s", "stacks"],
)
def test_a_compose_path_that_cannot_be_is_the_inventorys_fault(compose: str, make: Make) -> None:
    world = make(files={"stacks/server.yaml": COMPOSE})

    problem = world.problem(spec(compose=compose))

    assert (problem.code, problem.exit_code) == (
        "source.compose-path",
        ExitCode.INVENTORY_INVALID,
    )
    assert str(problem.where) == "/etc/sites.yaml:12:3"


def test_a_missing_file_is_a_problem_at_its_line(make: Make) -> None:
    world = make(files={"stacks/server.yaml": COMPOSE + "configs:\n  c: {file: gone.json}\n"})

    problem = world.problem(spec())

    assert (problem.code, str(problem.where)) == (
        "source.file-missing",
        "datatrail:stacks/server.yaml:4:13",
    )


def test_a_link_out_of_the_repository_is_no_file_of_the_release(origin: Origin, make: Make) -> None:
    origin.write("stacks/x", "x")
    (origin.folder / "stacks" / "passwd").symlink_to("../../../../etc/passwd")
    world = make(files={"stacks/server.yaml": COMPOSE + "secrets: {s: {file: passwd}}\n"})

    assert "leads out of the repository" in world.problem(spec()).what


def test_a_release_has_its_limit(make: Make) -> None:
    world = make(files={"stacks/server.yaml": COMPOSE, "stacks/big.bin": b"x" * 20_000_001})

    problem = world.problem(spec())

    assert problem.code == "source.too-large"
    assert "20000000 is the limit: everything in stacks is shipped" in problem.what


def test_the_problems_of_all_units_are_told_together(make: Make) -> None:
    world = make(
        files={
            "stacks/server.yaml": COMPOSE.replace("img:1", "$IMG"),
            "stacks/client.yaml": COMPOSE + "configs: {c: {file: gone}}\nname: x\n",
        }
    )

    error = world.refusal(
        spec(), spec(CLIENT, "stacks/client.yaml"), spec(Unit("x", "gbo"), "stacks/x.yaml")
    )

    assert [(problem.code, problem.where.site) for problem in error.problems] == [
        ("source.unset-variable", "chime"),
        ("source.not-compose", "kko"),
        ("source.file-missing", "kko"),
        ("source.compose-missing", "gbo"),
    ]
    assert error.exit_code is ExitCode.SOURCE_FAILED


class TestSecretVariables:
    TEXT = 'version: "3.9"\nservices: {a: {image: b, environment: ["P=$PASS", "N=$NAME"]}}\n'

    @pytest.fixture
    def secretive(self) -> UnitSpec:
        return replace(spec(), variables=(("NAME", "n"),), secret_variables=("PASS", "UNUSED"))

    def test_are_named_and_nothing_more(self, make: Make, secretive: UnitSpec) -> None:
        world = make(files={"stacks/server.yaml": self.TEXT})

        sourced = world.read(secretive, environment={"PASS": "hunter2"})[SERVER]

        assert sourced.variable_names == ("PASS", "NAME")
        assert "hunter2" not in repr(sourced)
        assert all(b"hunter2" not in file.content for file in sourced.release.files)

    @pytest.mark.parametrize("given", [{}, {"PASS": ""}])
    def test_must_be_in_the_environment_if_they_are_used(
        self, make: Make, secretive: UnitSpec, given: dict[str, str]
    ) -> None:
        world = make(files={"stacks/server.yaml": self.TEXT})

        error = world.refusal(secretive, environment=given)

        assert [problem.code for problem in error.problems] == ["source.secret-absent"]
        assert error.exit_code is ExitCode.USAGE

    def test_do_not_come_from_the_environment_undeclared(self, make: Make) -> None:
        world = make(files={"stacks/server.yaml": self.TEXT})

        error = world.refusal(spec(), environment={"PASS": "hunter2", "NAME": "n"})

        assert {problem.code for problem in error.problems} == {"source.unset-variable"}


def test_a_mirror_without_the_commit_is_told(make: Make) -> None:
    world = make(files={"stacks/server.yaml": COMPOSE})
    lost = Revision(repo="datatrail", sha="0123456789" * 4)

    problem = replace(world, pins={"datatrail": lost}).problem(spec())

    assert (problem.code, problem.exit_code) == (
        "source.mirror-unreadable",
        ExitCode.SOURCE_FAILED,
    )
    assert problem.fix.startswith("rm -r ")


def test_a_mirror_that_is_gone_is_told(make: Make, tmp_path: Path) -> None:
    world = make(files={"stacks/server.yaml": COMPOSE})

    problem = replace(world, mirrors={"datatrail": tmp_path / "gone"}).problem(spec())

    assert problem.code == "source.mirror-unreadable"


def test_git_dir_of_a_hook_does_not_mislead(
    make: Make, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make(files={"stacks/server.yaml": COMPOSE})
    other = Origin(tmp_path / "other", environment)
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))

    assert world.read(spec())[SERVER].desired.images == ("img:1",)


def test_a_file_that_is_too_large_to_be_one_is_not_taken_into_memory(make: Make) -> None:
    world = make(files={"stacks/server.yaml": b"#" * (MAX_BYTES + 1)})
    problem = world.problem(spec())
    assert (problem.code, problem.exit_code) == ("source.too-large", ExitCode.SOURCE_FAILED)
    assert problem.what == f"stacks/server.yaml has {MAX_BYTES + 1} bytes, {MAX_BYTES} is the limit"
