from pathlib import Path

import pytest

from orchestrator.inventory.describe import describe, manager_text
from orchestrator.inventory.load import load_inventory
from orchestrator.inventory.model import Manager, SiteState

ROOT = Path(__file__).parents[2]


def test_each_site_has_its_row_in_the_order_of_the_file() -> None:
    rows = describe(load_inventory(ROOT / "sites.yaml"))

    assert [row.site for row in rows] == ["chime", "outrigger-buffer", "kko", "gbo", "hco"]
    assert [row.site for row in rows if row.coordinator] == ["chime"]
    assert (rows[4].state, rows[4].note) == (SiteState.PLANNED, "soon")
    assert [unit.unit for unit in rows[0].units] == [
        "datatrail@chime",
        "datatrail-daemons@chime",
        "datatrail-client@chime",
    ]


def test_a_unit_says_what_it_needs_and_how_it_is_judged() -> None:
    server, daemons, _ = describe(load_inventory(ROOT / "sites.yaml"))[0].units

    assert daemons.depends_on == ("datatrail@chime",)
    assert server.compose == "stacks/server-compose.yaml"
    assert server.probes == ("server health (127.0.0.1:8001/health/check) via manager",)
    assert server.requires == ("Datatrail's database (frb-l4.chime:5432) via manager",)
    assert server.announce


@pytest.mark.parametrize(
    ("manager", "text"),
    [
        (Manager(host="aux.kko"), "aux.kko"),
        (Manager(host="aux.kko", user="chime", port=22), "chime@aux.kko:22"),
        (Manager(host="fd00::1"), "fd00::1"),
        (Manager(host="fd00::1", port=2222), "[fd00::1]:2222"),
    ],
)
def test_manager_is_written_as_ssh_users_write_it(manager: Manager, text: str) -> None:
    assert manager_text(manager) == text
