"""From an inventory and a scenario file to a fleet, and the made-up compose files."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import ExitCode, UsageError
from orchestrator.fleet.desired import HttpProbe, JsonExpectation, PostgresProbe, Probe
from orchestrator.fleet.observed import Look, Sight, Unseen
from orchestrator.fleet.running import origin
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, Manager, Repo, Site, SiteState, UnitSpec
from orchestrator.procedures.effects import Examination, Examine, Observe, ProbeResult, RunProbe
from orchestrator.simulation.backend import SimulatedBackend
from orchestrator.simulation.build import build_fleet
from orchestrator.simulation.fleet import SimulatedFleet
from orchestrator.simulation.scenario import Scenario, load_scenario
from orchestrator.simulation.synthetic import made_up_revision, synthetic_sources
from orchestrator.sources.compose import compose
from orchestrator.sources.declared_facts import with_facts
from orchestrator.sources.interpolate import Variables

SERVER = Unit("shop", "home")
CLIENT = Unit("shop-client", "far")
DATABASE = PostgresProbe(name="db", host="db.example", port=5432)
HEALTH = HttpProbe(
    name="health",
    host="127.0.0.1",
    port=8001,
    expect=(JsonExpectation(path="status", equals="ok"),),
)


def _site(name: str, state: SiteState = SiteState.ACTIVE) -> Site:
    return Site(name=name, manager=Manager(host=f"{name}.example"), state=state)


INVENTORY = Inventory(
    path="sites.yaml",
    managed_prefix="shop",
    coordinator="home",
    repos=(Repo(name="repo", url="ssh://git@example/repo", ref="main"),),
    sites=(_site("home"), _site("far"), _site("later", SiteState.PLANNED)),
    units=(
        UnitSpec(
            unit=SERVER,
            repo="repo",
            compose="stacks/server.yaml",
            must_have=("server", "exporter"),
            probes=(HEALTH,),
            requires=(DATABASE,),
        ),
        UnitSpec(
            unit=CLIENT, repo="repo", compose="stacks/far.yaml", depends_on=(SERVER,),
            must_have=("worker",),
        ),
    ),
)  # fmt: skip


def _fleet(**said: object) -> SimulatedFleet:
    return build_fleet(INVENTORY, Scenario.model_validate(said), seed=1)


def _look(fleet: SimulatedFleet, site: str) -> Look:
    backend = SimulatedBackend(fleet)
    backend.submit(1, Observe(site=site))
    happened = backend.wait(None)
    assert happened is not None
    assert isinstance(happened[1], Sight | Unseen)
    return happened[1]


def _examine(fleet: SimulatedFleet, site: str) -> Examination:
    backend = SimulatedBackend(fleet)
    backend.submit(1, Examine(site=site, images=("registry.example/shop:1",), ports=(8001,)))
    happened = backend.wait(None)
    assert happened is not None
    assert isinstance(happened[1], Examination)
    return happened[1]


def _stacks(fleet: SimulatedFleet, site: str) -> set[str]:
    return {c.stack for c in fleet.running_containers() if c.site == site}


def test_without_a_word_all_that_is_declared_runs_and_is_well() -> None:
    fleet = _fleet()
    assert sorted(fleet.sites) == ["far", "home"]
    assert {(c.site, c.stack, c.service) for c in fleet.running_containers()} == {
        ("home", "shop", "server"), ("home", "shop", "exporter"), ("far", "shop-client", "worker")
    }  # fmt: skip
    backend = SimulatedBackend(fleet)
    probes: tuple[Probe, ...] = (HEALTH, DATABASE)
    for token, probe in enumerate(probes):
        backend.submit(token, RunProbe(site="home", probe=probe))
    answers = [backend.wait(None) for _ in range(2)]
    results = [answer[1] for answer in answers if answer]
    assert [result.ok for result in results if isinstance(result, ProbeResult)] == [True, True]


def test_what_runs_tells_which_revision_it_is_of() -> None:
    look = _look(_fleet(), "far")
    assert isinstance(look, Sight)
    assert origin(CLIENT, look).revision == made_up_revision("repo").sha


@pytest.mark.parametrize(
    ("deployed", "there"), [("all", {"shop"}), ("none", set()), (["other"], set())]
)
def test_what_already_runs_is_up_to_the_scenario(deployed: object, there: set[str]) -> None:
    fleet = _fleet(sites={"home": {"deployed": deployed}})
    assert _stacks(fleet, "home") == there
    assert _stacks(fleet, "far") == {"shop-client"}


def test_conditions_of_a_site_are_found_by_an_examination() -> None:
    said = {
        "disk_free_gb": 0.5,
        "clock_offset_seconds": 40,
        "registry": "denied",
        "listening": [8001],
        "networks": ["shared"],
        "configs": ["c"],
        "secrets": ["s"],
    }
    found = _examine(_fleet(sites={"far": said}), "far")
    assert (found.disk_free_bytes, found.clock_offset_seconds) == (500_000_000, 40)
    assert (found.images[0].denied, found.listening) == (True, ((8001, "tcp"),))
    assert "shared" in found.all_networks
    assert "c" in found.all_configs
    assert "s" in found.all_secrets


def test_an_image_that_the_registry_lacks_is_missing() -> None:
    fleet = _fleet(sites={"far": {"missing_images": ["registry.example/shop:1"]}})
    assert _examine(fleet, "far").images[0].missing
    assert not _examine(fleet, "home").images[0].missing


def test_stacks_and_tasks_that_nobody_declared() -> None:
    said = {"undeclared": ["shop-extra"], "ghosts": ["shop-client"], "job_residue": ["shop-job"]}
    look = _look(_fleet(sites={"far": said}), "far")
    assert isinstance(look, Sight)
    assert {task.stack for task in look.tasks} == {"shop-client", "shop-extra", "shop-job"}
    assert {s.stack for s in look.services} == {"shop-client", "shop-extra"}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"link": "cut"}, "site.unreachable"),
        ({"link": "host_key"}, "ssh.host-key-changed"),
        ({"link": "login"}, "ssh.login-refused"),
        ({"swarm": "no_quorum"}, "swarm.no-quorum"),
        ({"swarm": "inactive"}, "swarm.inactive"),
        ({"swarm": "daemon_down"}, "docker.not-running"),
    ],
)
def test_sites_that_cannot_be_seen_from_the_start(said: object, code: str) -> None:
    look = _look(_fleet(sites={"far": said}), "far")
    assert isinstance(look, Unseen)
    assert look.problem.code == code


def test_a_worker_that_is_down_from_the_start() -> None:
    look = _look(_fleet(sites={"far": {"workers": ["w1", "w2"], "down": ["w2"]}}), "far")
    assert isinstance(look, Sight)
    assert {node.hostname: node.state.value for node in look.nodes} == {
        "far.example": "ready", "w1": "ready", "w2": "down"
    }  # fmt: skip


def test_faults_and_behaviours_come_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(
        "description: the client dies, and never comes back\n"
        "behaviours: [{stack: shop-client, kind: missing}]\n"
        "outside: {'db.example:5432': down}\n"
        "faults: [{at: 3, kind: kill, site: far, stack: shop-client}]\n"
    )
    fleet = build_fleet(INVENTORY, load_scenario(file), seed=1)
    fleet.clock.run_until(2.9)
    assert _stacks(fleet, "far") == {"shop-client"}
    fleet.clock.run_until(60)
    assert _stacks(fleet, "far") == set()
    assert fleet.answer("home", DATABASE) == (False, "db.example:5432: connection refused")
    assert not fleet.answer("home", HEALTH)[0], "the server cannot do without its database"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("faults: [{at: 3, kind: nonsense}]", "faults.0.kind"),
        ("sites: {far: {disk: 3}}", "sites.far.disk"),
        ("behaviours: [{kind: good, exit_code: x}]", "behaviours.0.exit_code"),
        ("outside: {nowhere: up}", "outside.nowhere"),
        ("sites: [", "scenario.yaml:"),
        ("description: a\ndescription: b", "scenario.yaml:2:1"),
        ("just words", "the file"),
    ],
)
def test_a_scenario_that_makes_no_sense_is_explained(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_scenario(file)
    assert words in str(caught.value)


def test_a_scenario_file_that_is_not_there_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_scenario(tmp_path / "none.yaml")
    assert [problem.exit_code for problem in caught.value.problems] == [ExitCode.USAGE]


def test_what_is_wrong_in_a_scenario_is_pointed_at(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text("description: x\nfaults:\n  - at: 3\n    kind: nonsense\n")
    with pytest.raises(UsageError) as caught:
        load_scenario(file)
    (problem,) = caught.value.problems
    assert (problem.where.line, problem.where.column) == (4, 5)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"sites": {"nowhere": {}}}, "no active site `nowhere`"),
        ({"sites": {"later": {}}}, "no active site `later`"),
        ({"faults": [{"at": 1, "kind": "link_cut", "site": "x"}]}, "no active site `x`"),
        ({"faults": [{"at": 1, "kind": "link_cut"}]}, "names no site"),
        ({"faults": [{"at": 1, "kind": "outside_down"}]}, "names no host:port"),
        (
            {"faults": [{"at": 1, "kind": "node_off", "site": "far", "node": "w"}]},
            "far has no node `w`",
        ),
        ({"sites": {"far": {"down": ["w"]}}}, "far has no node `w`"),
    ],
)
def test_a_scenario_of_another_fleet_is_refused(said: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        _fleet(**said)


def test_made_up_compose_files_say_what_is_made_up_of_them() -> None:
    """The project's own reader of compose files finds the same desired state in them."""
    for unit, sourced in synthetic_sources(INVENTORY, (SERVER, CLIENT)).items():
        (file,) = sourced.release.files
        read = compose(file.content, file=file.path, unit=unit, variables=Variables(), declared="")
        assert read.problems == ()
        found = with_facts(read.desired, read.root, env_files={}, plain={}, secrets={})
        wanted = sourced.desired
        assert replace(found, configs=wanted.configs, secrets=wanted.secrets) == wanted
        assert sourced.release.compose == file.path


def test_the_first_service_publishes_what_the_units_probes_ask_for() -> None:
    desired = synthetic_sources(INVENTORY, (SERVER,))[SERVER].desired
    assert [[port.port for port in s.ports] for s in desired.services] == [[8001], []]


def test_another_generation_is_another_revision_with_other_images() -> None:
    first, second = (synthetic_sources(INVENTORY, (SERVER,), generation=g)[SERVER] for g in (1, 2))
    assert first.release.revision != second.release.revision
    assert first.desired.images != second.desired.images
    assert first.release.digest != second.release.digest


def test_real_sources_may_take_the_place_of_made_up_ones() -> None:
    made_up = synthetic_sources(INVENTORY, (SERVER,))
    only = {SERVER: replace(made_up[SERVER], variable_names=("X",))}
    fleet = build_fleet(INVENTORY, Scenario(), 1, sources=only)
    assert {c.stack for c in fleet.running_containers()} == {"shop"}
