"""The stand-ins hold what the handbook lists, at the paths that it names."""

from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.errors import LabError
from lab.standins.images import build_all, digest
from lab.standins.kinds import Kind
from lab.standins.repos import repositories, source, stack_file
from lab.standins.stacks import FEW
from lab.topology import Shape

DAEMONS = {
    "deletion_notification",
    "deletion_stager_chime",
    "deletion_stager_kko",
    "deletion_stager_gbo",
    "deletion_stager_hco",
    "healing_stager",
    "inventory",
    "metric_pusher",
    "replication_stager_chime",
    "replication_stager_kko",
    "replication_stager_gbo",
    "replication_stager_hco",
    "state_updater",
}
CLIENTS = {
    "deletion_healer",
    "event_registration",
    "reattempt_unregistered",
    "replication_healer",
    "replicator",
    "update_canfar_certificates",
}
SERVER = {"server", "postgres_exporter", "autossh_kko", "autossh_gbo", "autossh_hco"}


def services(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(text)["services"]
    return loaded


def test_repositories_have_the_handbooks_files() -> None:
    files = repositories(Shape())
    assert {"stacks/server-compose.yaml", "stacks/daemon-compose.yaml"} <= files["datatrail"].keys()
    assert "l4-terminus/postgres/compose.yml" in files["frb-devops"]
    for site in ("chime", "outrigger-buffer", "kko", "gbo", "hco"):
        assert f"stacks/{site}-client.yaml" in files["datatrail-admin"]


@pytest.mark.parametrize(
    ("repo", "path", "expected"),
    [
        ("datatrail", "stacks/server-compose.yaml", SERVER),
        ("datatrail", "stacks/daemon-compose.yaml", DAEMONS),
        ("datatrail-admin", "stacks/kko-client.yaml", CLIENTS),
        ("datatrail-admin", "stacks/chime-client.yaml", CLIENTS),
    ],
)
def test_each_stack_has_the_handbooks_services(repo: str, path: str, expected: set[str]) -> None:
    assert expected == services(repositories(Shape())[repo][path]).keys()


def test_few_services_are_one_or_two_of_each_kind() -> None:
    files = repositories(Shape(few=True))
    named = {
        name
        for repo in ("datatrail", "datatrail-admin")
        for path, text in files[repo].items()
        if path.endswith(".yaml")
        for name in services(text)
    }
    assert named == FEW
    assert named < SERVER | DAEMONS | CLIENTS


def test_only_all_services_have_virtual_addresses() -> None:
    for few, modes in ((True, {"dnsrr"}), (False, {None})):
        text = repositories(Shape(few=few))["datatrail"]["stacks/server-compose.yaml"]
        deployed = [service["deploy"] for service in services(text).values()]
        assert {deploy.get("endpoint_mode") for deploy in deployed} == modes


def test_files_that_compose_files_refer_to_are_there() -> None:
    files = repositories(Shape())
    for repo in ("datatrail", "datatrail-admin"):
        for path in [path for path in files[repo] if path.endswith(".yaml")]:
            loaded = YAML(typ="safe").load(files[repo][path])
            named = [service["env_file"] for service in loaded["services"].values()]
            named += [config["file"] for config in loaded["configs"].values()]
            assert {f"stacks/{name.removeprefix('./')}" for name in named} <= files[repo].keys()


def test_the_server_publishes_its_port_on_the_host() -> None:
    place = source("datatrail", "chime")
    ports = services(repositories(Shape())[place.repo][place.path])["server"]["ports"]
    assert ports == [{"target": 8001, "published": 8001, "protocol": "tcp", "mode": "host"}]


def test_kko_runs_a_client_on_its_worker_only_when_it_has_one() -> None:
    def placed(workers: int) -> bool:
        text = stack_file(Shape(workers=workers), "datatrail-client", "kko", {})
        return "placement" in services(text)["replicator"]["deploy"]

    assert placed(1)
    assert not placed(0)


def test_a_stuck_service_has_another_image_and_a_long_grace_period() -> None:
    kinds = {"inventory": Kind.STUCK}
    all_of_them = services(stack_file(Shape(), "datatrail-daemons", "chime", kinds))
    assert all_of_them["inventory"]["image"].endswith(":ignores-sigterm")
    assert all_of_them["inventory"]["stop_grace_period"] == "12h"
    assert "stop_grace_period" not in all_of_them["metric_pusher"]


def test_an_unknown_service_is_refused() -> None:
    with pytest.raises(LabError, match="no service inventori"):
        stack_file(Shape(), "datatrail-daemons", "chime", {"inventori": Kind.GOOD})


def test_images_are_the_same_every_time_and_differ_by_name_and_kind() -> None:
    first, second = build_all(b"busybox"), build_all(b"busybox")
    assert first == second
    assert len({digest(image.manifest) for image in first}) == len(first)


def test_every_kind_but_missing_can_be_pulled() -> None:
    tags = {image.tag for image in build_all(b"busybox")}
    assert tags == {kind.tag for kind in Kind} - {"missing"}
