from dataclasses import replace

import pytest

from orchestrator.fleet.desired import HttpProbe, PostgresProbe
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.ui.inventory_view import render_inventory
from tests import build
from tests.ui.golden import assert_golden


def shown() -> Inventory:
    later = build.spec(Unit(stack="app-client", site="later"), build.SERVER)
    base = build.inventory(later, extra_sites=("later",), states={"later": SiteState.PLANNED})
    server = replace(
        base.units[0],
        must_have=("server", "exporter"),
        probes=(HttpProbe(name="server health", host="127.0.0.1", port=8001, path="/health"),),
        requires=(PostgresProbe(name="database", host="db.example"),),
        variables=(("GREETING", "hunter2"),),
        secret_variables=("TOKEN",),
    )
    return replace(base, units=(server, *base.units[1:]), announce=("ANNOUNCE_URL",))


@pytest.mark.parametrize("width", [80, 120])
def test_an_inventory_reads_well(width: int) -> None:
    assert_golden(f"inventory-{width}", render_inventory(shown(), width))


def test_names_of_variables_are_shown_and_their_values_never() -> None:
    text = "\n".join(render_inventory(shown()))
    assert "GREETING, TOKEN" in text
    assert "hunter2" not in text


def test_without_a_prefix_it_says_whose_other_stacks_are() -> None:
    text = "\n".join(render_inventory(replace(shown(), managed_prefix="")))
    assert "stacks that are declared here, and no others" in text
    named = replace(shown(), managed=("*-agent",), ignored=("portainer",))
    text = "\n".join(render_inventory(named))
    assert "*-agent: stacks named so belong to the system" in text
    assert "portainer: may run beside" in text
