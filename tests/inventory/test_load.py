"""What goldens cannot show: files that are not there, and what is allowed."""

from pathlib import Path

import pytest

from orchestrator.errors import ExitCode, InventoryError
from orchestrator.fleet.desired import HttpProbe, JsonExpectation, Policy, Prepull, TcpProbe, Via
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.load import load_inventory
from orchestrator.inventory.model import Manager
from tests.inventory.writing import APP, SITES, write


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InventoryError) as caught:
        load_inventory(tmp_path / "sites.yaml")

    (problem,) = caught.value.problems
    assert problem.code == "inventory.unreadable"
    assert problem.what == "there is no such file"
    assert str(problem.where) == str(tmp_path / "sites.yaml")
    assert caught.value.exit_code is ExitCode.INVENTORY_INVALID


def test_folder_instead_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="this is not a file"):
        load_inventory(tmp_path)


def test_stack_file_that_is_a_folder_is_told(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "stacks" / "app-more.yaml").mkdir()

    with pytest.raises(InventoryError, match="this is not a file"):
        load_inventory(path)


def test_dangling_link_is_told(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "stacks" / "app-more.yaml").symlink_to("nowhere")

    with pytest.raises(InventoryError, match="there is no such file"):
        load_inventory(path)


def test_smallest_inventory(tmp_path: Path) -> None:
    inventory = load_inventory(write(tmp_path))

    (spec,) = inventory.units
    assert spec.unit == Unit("app", "hub")
    assert spec.compose == "stacks/app.yaml"
    assert spec.policy == Policy()
    assert spec.position == f"{tmp_path}/sites.yaml:9:14"
    assert inventory.sites[0].position == f"{tmp_path}/sites.yaml:7:3"
    assert inventory.repo("code").ref == "main"


def test_stacks_may_live_in_another_folder(tmp_path: Path) -> None:
    write(tmp_path / "shared")
    sites = tmp_path / "sites.yaml"
    sites.write_text(SITES.replace("version: 1\n", "version: 1\nstacks: shared/stacks\n"))

    assert [str(spec.unit) for spec in load_inventory(sites).units] == ["app@hub"]


def test_a_site_may_say_more_about_its_manager_and_its_stacks(tmp_path: Path) -> None:
    sites = SITES.replace("hub.example", "{host: 'fd00::7', user: deploy, port: 2222}").replace(
        "stacks: [app]",
        "stacks:\n      app:\n        compose: own/{site}.yml\n"
        "        variables: {SITE: hub, TEMPLATE: '{\"a\": 1}'}\n"
        "        secret_variables: [DB_PASSWORD]\n      app-bare:\n",
    )
    inventory = load_inventory(write(tmp_path, sites, app=APP, app_bare=APP))

    spec = inventory.spec(Unit("app", "hub"))
    assert inventory.site("hub").manager == Manager(host="fd00::7", user="deploy", port=2222)
    assert spec.compose == "own/hub.yml"
    assert spec.variables == (("SITE", "hub"), ("TEMPLATE", '{"a": 1}'))
    assert spec.secret_variables == ("DB_PASSWORD",)
    assert inventory.spec(Unit("app-bare", "hub")).variables == ()


def test_probes_and_policy_become_seconds_and_numbers(tmp_path: Path) -> None:
    app = (
        APP + "probes:\n  - {kind: tcp, port: 80, via: here, timeout: 1m30s}\n"
        "  - {kind: http, port: 81, path: /x?y=1, status: 204,\n"
        "     expect: {a.b: 1, c: true, d: null}}\n"
        "policy: {remove: 2m, healthy: 1h, stable: 1500ms, poll: 100ms, failures: 5, no_node: 7s,\n"
        "  prepull: managers}\n"
    )
    (spec,) = load_inventory(write(tmp_path, app=app)).units

    assert spec.probes == (
        TcpProbe(
            name="tcp 127.0.0.1:80",
            host="127.0.0.1",
            port=80,
            via=Via.HERE,
            timeout_seconds=90.0,
        ),
        HttpProbe(
            name="http 127.0.0.1:81",
            host="127.0.0.1",
            port=81,
            path="/x?y=1",
            status=204,
            expect=(
                JsonExpectation(path="a.b", equals=1),
                JsonExpectation(path="c", equals=True),
                JsonExpectation(path="d", equals=None),
            ),
        ),
    )
    assert spec.policy == Policy(
        remove_seconds=120.0,
        healthy_seconds=3600.0,
        stable_seconds=1.5,
        poll_seconds=0.1,
        failures=5,
        no_node_seconds=7.0,
        prepull=Prepull.MANAGERS,
    )


@pytest.mark.parametrize(
    "url",
    [
        "ssh://git@github.com/chimefrb/datatrail",
        "ssh://git@git.example:2222/a/b.git",
        "ssh://git.example/~me/b",
        "git@github.com:chimefrb/datatrail.git",
        "https://git.example/a",
        "file:///srv/git/code.git",
    ],
)
def test_git_urls_that_are_fine(tmp_path: Path, url: str) -> None:
    sites = SITES.replace("ssh://git@git.example/team/code", f"'{url}'")

    assert load_inventory(write(tmp_path, sites)).repo("code").url == url


@pytest.mark.parametrize("ref", ["main", "v1.2.3", "release/2.0", "0a" * 20, "fix_x+1"])
def test_git_refs_that_are_fine(tmp_path: Path, ref: str) -> None:
    sites = SITES.replace("code}", f"code, ref: '{ref}'}}")

    assert load_inventory(write(tmp_path, sites)).repo("code").ref == ref


@pytest.mark.parametrize(
    "ref", ["", "a b", "a..b", "a//b", "a/", ".a", "a/.b", "a.lock", "a@{1}", "a~1", "a:b", "é"]
)
def test_git_refs_that_git_would_refuse(tmp_path: Path, ref: str) -> None:
    sites = SITES.replace("code}", f"code, ref: '{ref}'}}")

    with pytest.raises(InventoryError, match="is no git ref"):
        load_inventory(write(tmp_path, sites))


def test_watched_site_may_depend_and_be_depended_on(tmp_path: Path) -> None:
    sites = SITES + "  far:\n    manager: far.example\n    state: watched\n    stacks: [app-far]\n"
    far = APP + "depends_on: ['app@{coordinator}']\n"

    inventory = load_inventory(write(tmp_path, sites, app=APP, app_far=far))

    assert inventory.spec(Unit("app-far", "far")).depends_on == (Unit("app", "hub"),)


def test_planned_site_may_depend_on_an_active_one(tmp_path: Path) -> None:
    sites = SITES + "  far:\n    manager: far.example\n    state: planned\n    stacks: [app-far]\n"
    far = APP + "depends_on: [app@hub]\nservices: ['at_{site}']\n"

    inventory = load_inventory(write(tmp_path, sites, app=APP, app_far=far))

    assert inventory.spec(Unit("app-far", "far")).must_have == ("at_hub",)


def test_names_need_nothing_in_common(tmp_path: Path) -> None:
    sites = SITES.replace("managed_prefix: app\n", "").replace("[app]", "[app, moth]")
    loaded = load_inventory(write(tmp_path, sites, app=APP, moth=APP))

    assert loaded.managed_prefix == ""
    assert [spec.unit.stack for spec in loaded.units] == ["app", "moth"]
    assert not loaded.warnings
