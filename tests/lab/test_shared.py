"""Stacks that use each other's networks, configs and volumes, and no `depends_on` that says so."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import faults, hosts
from tests.lab.conftest import Operator
from tests.lab.test_by_hand import typed

pytestmark = pytest.mark.lab

HOST = "frb-vsop.chime"
IMAGE = "registry.lab:5000/chimefrb/maestro-datatrail-client:latest"
SITES = """
version: 1
managed_prefix: shop
coordinator: chime
repos:
  datatrail-admin: {url: "ssh://git@github.com/chimefrb/datatrail-admin", ref: main}
sites:
  chime: {manager: frb-vsop.chime, stacks: [shop-reports, shop-app, shop-db]}
"""
STACK = """
repo: datatrail-admin
compose: shop/{name}.yaml
services: [{service}]
policy: {{stable: 2s}}
"""
SERVICE = f"image: {IMAGE}, command: [idle], stop_grace_period: 2s"
FILES = {
    "shop/settings.conf": "a = 1\n",
    "shop/shop-db.yaml": f"""
version: "3.8"
services:
  db: {{{SERVICE}, networks: [net], volumes: ["data:/data"], configs: [settings]}}
networks: {{net: {{driver: overlay, attachable: true}}}}
volumes: {{data: {{}}}}
configs: {{settings: {{file: ./settings.conf}}}}
""",
    "shop/shop-app.yaml": f"""
version: "3.8"
services:
  web: {{{SERVICE}, networks: [default, db], volumes: ["data:/data:ro"], configs: [settings]}}
networks: {{db: {{external: true, name: shop-db_net}}}}
volumes: {{data: {{external: true, name: shop-db_data}}}}
configs: {{settings: {{external: true, name: shop-db_settings}}}}
""",
    "shop/shop-reports.yaml": f"""
version: "3.8"
services:
  daily: {{{SERVICE}, networks: [app]}}
networks: {{app: {{external: true, name: shop-app_default}}}}
""",
}
SERVICES = {"shop-db": "db", "shop-app": "web", "shop-reports": "daily"}


@pytest.fixture
def shop(operator: Operator, tmp_path: Path) -> Iterator[Operator]:
    """Give an operator of three stacks at one site, none of which runs."""
    (tmp_path / "sites.yaml").write_text(SITES)
    (tmp_path / "stacks").mkdir()
    for name, service in SERVICES.items():
        text = STACK.format(name=name, service=service)
        (tmp_path / "stacks" / f"{name}.yaml").write_text(text)
    faults.commit("datatrail-admin", FILES)
    somebody = Operator(tmp_path / "sites.yaml")
    somebody.since = operator.since
    yield somebody
    ended = somebody.types("down", "--all", "--yes")
    hosts.docker(HOST, "volume", "rm", "-f", "shop-db_data", check=False)
    assert ended.code == 0, ended


def does(shop: Operator, *words: str) -> list[str]:
    """Let a command be carried out to a good end; returns the removals and creations in order."""
    shop.begin()
    done = shop.types(*words, "--yes")
    assert done.code == 0, done
    return events(shop)


def events(shop: Operator) -> list[str]:
    seen = [words.split() for words in shop.touched()]
    return [
        f"{action} {name}"
        for _, kind, action, name in (words[:4] for words in seen if len(words) >= 4)
        if kind == "service" and action in ("create", "remove")
    ]


DOWN = ["remove shop-reports_daily", "remove shop-app_web", "remove shop-db_db"]
UP = ["create shop-db_db", "create shop-app_web", "create shop-reports_daily"]


@pytest.mark.timeout(600)
def test_makers_come_up_first_and_go_down_last(shop: Operator, tmp_path: Path) -> None:
    assert does(shop, "up", "--all") == UP
    assert does(shop, "restart", "--all") == DOWN + UP
    # Whoever is asked to go down takes its users along, and says why.
    planned = shop.types("down", "shop-db@chime", "--dry-run")
    assert planned.code == 0, planned
    assert "uses network shop-db_net, which shop-db makes" in planned.out
    told = json.loads(shop.types("--json", "plan", "--for", "down", "shop-db@chime").out)
    assert {(use["user"], use["maker"]) for use in told["uses"]} == {
        ("shop-app@chime", "shop-db@chime"),
        ("shop-reports@chime", "shop-app@chime"),
    }
    assert does(shop, "down", "--all") == DOWN
    # One that was asked for alone brings what it needs, of which only the files tell.
    assert does(shop, "up", "shop-reports@chime") == UP
    assert does(shop, "deploy", "shop-app@chime") == []
    checked = shop.types("inventory", "check", "--sources")
    assert checked.code == 0, checked
    assert "shop-reports@chime uses network shop-app_default, which shop-app makes" in checked.err
    assert "shop-app@chime uses volume shop-db_data, which shop-db makes" in checked.err
    # By hand in the same order.
    for what, order in (("down", DOWN), ("up", UP)):
        printed = shop.types("plan", "--for", what, "--all", "--as-commands")
        assert printed.code == 0, printed
        shop.begin()
        done = typed(printed.out, tmp_path)
        assert done.code == 0, done
        assert events(shop) == order


@pytest.mark.timeout(600)
def test_what_strangers_use_does_not_go_down(shop: Operator) -> None:
    does(shop, "up", "--all")
    stranger = ("--name", "agent", "--network", "shop-db_net", "--detach")
    hosts.docker(HOST, "service", "create", *stranger, IMAGE, "idle")
    hosts.docker(HOST, "run", "-d", "--name", "shell", "--network", "shop-db_net", IMAGE, "idle")
    try:
        shop.begin()
        for words in (("down", "--all", "--yes"), ("down", "shop-db@chime", "--dry-run")):
            refused = shop.types(*words)
            assert refused.code == 20, refused
            assert "removal.in-use" in refused.err
            assert "service agent uses network shop-db_net" in refused.err
            assert "docker service ps agent" in refused.err
            assert "docker ps -a --filter id=" in refused.err
        assert shop.touched() == []
    finally:
        hosts.docker(HOST, "rm", "-f", "shell", check=False)
        hosts.docker(HOST, "service", "rm", "agent", check=False)
