import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.planning.graph import CycleError, path, reachable, waves


def test_waves_put_each_node_after_all_it_needs() -> None:
    needs = {"client": ("server",), "server": (), "daemons": ("server",), "last": ("client",)}
    assert waves(needs) == (("server",), ("client", "daemons"), ("last",))


def test_a_cycle_is_shown_as_one() -> None:
    with pytest.raises(CycleError, match=r"a -> b -> a|b -> a -> b"):
        waves({"a": ("b",), "b": ("a",), "c": ()})


def test_reachable_leaves_out_the_start() -> None:
    needs = {"a": ("b",), "b": ("c",), "c": (), "d": ("a",)}
    assert reachable(needs, frozenset({"a"})) == frozenset({"b", "c"})


def test_the_shortest_path_is_found_if_there_is_one() -> None:
    needs = {"a": ("b", "c"), "b": ("c", "a"), "c": ("d",)}
    assert path(needs, "a", "d") == ("a", "c", "d")
    assert path(needs, "a", "a") == ("a",)
    assert path(needs, "c", "a") == ()


@given(st.dictionaries(st.integers(0, 9), st.frozensets(st.integers(0, 9), max_size=4)))
def test_every_node_is_in_exactly_one_wave_after_its_needs(
    raw: dict[int, frozenset[int]],
) -> None:
    needs = {node: tuple(n for n in before if n < node) for node, before in raw.items()}
    groups = waves(needs)
    place = {node: number for number, group in enumerate(groups) for node in group}
    assert sorted(place) == sorted(needs)
    assert sum(len(group) for group in groups) == len(needs)
    for node, before in needs.items():
        assert all(place[need] < place[node] for need in before if need in needs)
