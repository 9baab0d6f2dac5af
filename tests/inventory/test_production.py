import json
import shutil
import time
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from orchestrator.fleet.desired import HttpProbe, JsonExpectation, PostgresProbe, Via
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.load import load_inventory
from orchestrator.inventory.model import Inventory, Manager, SiteState

ROOT = Path(__file__).parents[2]
SERVER = Unit("datatrail", "chime")


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return load_inventory(ROOT / "sites.yaml")


def test_has_nothing_to_warn_about(inventory: Inventory) -> None:
    assert inventory.warnings == ()


def test_sites_are_those_of_the_handbook(inventory: Inventory) -> None:
    assert {site.name: site.manager for site in inventory.sites} == {
        "chime": Manager(host="frb-vsop.chime"),
        "outrigger-buffer": Manager(host="outrigger_buffer.chime"),
        "kko": Manager(host="aux.kko"),
        "gbo": Manager(host="aux.gbo"),
        "hco": Manager(host="ha1.hco"),
    }
    assert inventory.site("hco").state is SiteState.PLANNED
    assert inventory.state(Unit("datatrail-client", "kko")) is SiteState.ACTIVE


def test_units_their_files_and_what_they_depend_on(inventory: Inventory) -> None:
    assert {
        str(spec.unit): (spec.repo, spec.compose, spec.depends_on) for spec in inventory.units
    } == {
        "datatrail@chime": ("datatrail", "stacks/server-compose.yaml", ()),
        "datatrail-daemons@chime": ("datatrail", "stacks/daemon-compose.yaml", (SERVER,)),
        **{
            f"datatrail-client@{site}": (
                "datatrail-admin",
                f"stacks/{site}-client.yaml",
                (SERVER,),
            )
            for site in ("chime", "outrigger-buffer", "kko", "gbo", "hco")
        },
    }


def test_nothing_is_expected_of_a_planned_site(inventory: Inventory) -> None:
    server = inventory.spec(SERVER)

    assert server.must_have == ("server", "postgres_exporter", "autossh_kko", "autossh_gbo")


def test_an_active_site_joins_the_lists(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    text = (ROOT / "sites.yaml").read_text(encoding="utf-8")
    (tmp_path / "sites.yaml").write_text(text.replace("state: planned", "state: active"))

    inventory = load_inventory(tmp_path / "sites.yaml")

    assert "autossh_hco" in inventory.spec(SERVER).must_have
    daemons = inventory.spec(Unit("datatrail-daemons", "chime")).must_have
    assert "deletion_stager_hco" in daemons
    assert "replication_stager_chime" in daemons


def test_server_is_probed_and_announced(inventory: Inventory) -> None:
    server = inventory.spec(SERVER)

    assert server.announce
    assert server.probes == (
        HttpProbe(
            name="server health",
            host="127.0.0.1",
            port=8001,
            path="/health/check",
            expect=(
                JsonExpectation(path="status", equals="ok"),
                JsonExpectation(path="checks.database.status", equals="ok"),
                JsonExpectation(path="checks.api.status", equals="ok"),
            ),
            via=Via.MANAGER,
        ),
    )
    assert server.requires == (
        PostgresProbe(name="Datatrail's database", host="frb-l4.chime", port=5432),
    )


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        ("sites.yaml", "sites"),
        ("stacks/datatrail.yaml", "stack"),
        ("stacks/datatrail-daemons.yaml", "stack"),
        ("stacks/datatrail-client.yaml", "stack"),
    ],
)
def test_files_fit_the_schema_that_editors_use(file: str, schema: str) -> None:
    path = ROOT / file
    named = path.read_text(encoding="utf-8").splitlines()[0].partition("$schema=")[2]
    committed = (path.parent / named).resolve()
    assert committed == ROOT / "docs" / "schema" / f"{schema}.schema.json"

    jsonschema.validate(
        YAML(typ="safe", pure=True).load(path),
        json.loads(committed.read_text(encoding="utf-8")),
        cls=jsonschema.Draft202012Validator,
    )


def fastest(path: Path, times: int) -> float:
    """Return the CPU seconds of the quickest of several loads: the machine may be busy."""
    seconds = []
    for _ in range(times):
        started = time.process_time()
        load_inventory(path)
        seconds.append(time.process_time() - started)
    return min(seconds)


def test_loads_in_no_time() -> None:
    assert fastest(ROOT / "sites.yaml", 5) < 0.15


def test_a_thousand_sites_with_five_thousand_units_load_quickly(tmp_path: Path) -> None:
    stacks = [f"app-{letter}" for letter in "abcde"]
    (tmp_path / "stacks").mkdir()
    for stack in stacks:
        needs = "" if stack == "app-a" else "depends_on: ['app-a@{site}', 'app-a@{coordinator}']\n"
        text = f"repo: code\ncompose: '{{site}}/{stack}.yaml'\nservices: ['link_{{far}}']\n{needs}"
        (tmp_path / "stacks" / f"{stack}.yaml").write_text(text)
    head = "version: 1\nmanaged_prefix: app\ncoordinator: site-0\n"
    head += "repos: {code: {url: ssh://git@git.example/code}}\nsites:\n"
    sites = (
        f"  site-{n}:\n    manager: host-{n}.example\n    groups: [far]\n"
        f"    stacks: [{', '.join(stacks)}]\n"
        for n in range(1000)
    )
    (tmp_path / "sites.yaml").write_text(head + "".join(sites))

    assert len(load_inventory(tmp_path / "sites.yaml").units) == 5000
    assert fastest(tmp_path / "sites.yaml", 2) < 2
