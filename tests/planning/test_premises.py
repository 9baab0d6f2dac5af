from dataclasses import replace
from typing import Any

import pytest

from orchestrator.fleet.desired import Policy, TcpProbe
from orchestrator.fleet.observed import Look
from orchestrator.inventory.model import Inventory, Manager, SiteState, UnitSpec
from orchestrator.planning.premises import departures, fingerprint, premises, swarms_of
from tests.build import CLIENT, SERVER, info, inventory, sight, spec, unseen

SALT = "run-1"
PROBE = TcpProbe(name="p", host="h", port=1)


def with_spec(**other: Any) -> Inventory:
    base = inventory()
    units = tuple(spec(CLIENT, SERVER, **other) if s.unit == CLIENT else s for s in base.units)
    return replace(base, units=units)


def found(now: Inventory, then: Inventory | None = None) -> list[str]:
    base = then or inventory()
    return departures(now, rests_on=premises(base, SALT), whole="", salt=SALT)


def found_by_hash(now: Inventory) -> list[str]:
    return departures(now, rests_on={}, whole=fingerprint(inventory()), salt=SALT)


SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"repo": "x"}, "repo was app, and is x"),
    ({"compose": "x"}, "compose was stacks/app-client.yaml, and is x"),
    ({"must_have": ("x",)}, "services was something else"),
    ({"probes": (PROBE,)}, "probes was something else"),
    ({"requires": (PROBE,)}, "requires was something else"),
    ({"variables": (("A", "b"),)}, "variables was something else"),
    ({"secret_variables": ("A",)}, "secret_variables was something else"),
    ({"announce": True}, "announce was not given, and is yes"),
    ({"policy": Policy()}, "policy was something else"),
    ({"depends_on": ()}, "depends_on was app@home, and is not given"),
]


@pytest.mark.parametrize(("other", "words"), SETTINGS)
def test_each_setting_that_a_plan_rests_on_is_named(other: dict[str, Any], words: str) -> None:
    (line,) = found(with_spec(**other))
    assert line == f"{CLIENT}: {words}"
    assert found_by_hash(with_spec(**other))


def test_sites_units_and_the_system_are_named_too() -> None:
    base = inventory()
    changed = replace(
        inventory(states={"far": SiteState.WATCHED}, extra_sites=("new",)),
        managed_prefix="x",
        coordinator="far",
        units=base.units[1:],
    )
    assert found(changed) == [
        "coordinator was home, and is far",
        "managed_prefix was app, and is x",
        f"{SERVER} was declared, and is not",
        "far: state was active, and is watched",
        "new was not declared, and is",
    ]


def test_more_names_that_are_ours_count_and_those_that_are_ignored_do_not() -> None:
    assert found(replace(inventory(), managed=("*-agent",))) == [
        "managed was not given, and is *-agent"
    ]
    assert not found(replace(inventory(), ignored=("portainer",)))


def test_how_a_site_is_reached_words_and_order_do_not_count() -> None:
    base = inventory()
    reworded = tuple(replace(s, description="x", position="y:1:1") for s in reversed(base.units))
    elsewhere = tuple(
        replace(s, note="x", position="z:1:1", manager=Manager(host="b"), others=(s.manager,))
        for s in reversed(base.sites)
    )
    told = replace(base, path="other.yaml", announce=("X",), metrics="Y", units=reworded)
    assert found(replace(told, sites=elsewhere)) == []
    assert isinstance(reworded[0], UnitSpec)


def test_a_value_is_not_to_be_guessed_from_what_is_kept() -> None:
    changed = with_spec(variables=(("A", "b"),))
    one, other = premises(changed, "run-1"), premises(changed, "run-2")
    assert one[str(CLIENT)]["variables"] != other[str(CLIENT)]["variables"]


def test_plans_of_older_versions_are_held_against_the_fingerprint_alone() -> None:
    base = inventory()
    more = tuple(replace(s, note="x", others=(Manager(host="b"),)) for s in base.sites)
    assert found_by_hash(replace(base, sites=more)) == []
    moved = replace(base.sites[0], manager=Manager(host="elsewhere"))
    assert "older" in found_by_hash(replace(base, sites=(moved, *base.sites[1:])))[0]


def test_the_fingerprint_is_that_of_all_versions() -> None:
    assert fingerprint(inventory()) == (
        "b017411f382d85ef67e74b3a1a502af9724b912de46373645b7ee43dcfc5efc2"
    )


def test_each_swarm_that_was_seen_is_kept_by_its_id() -> None:
    known = sight("home", info=info(cluster_id="c1"))
    looks: dict[str, Look] = {"home": known, "far": unseen("far"), "old": sight("old")}
    assert swarms_of(looks) == {"home": "c1"}
