import pytest

from orchestrator.inventory import placeholders


def test_names_come_once_in_order() -> None:
    assert placeholders.names("{b}-{a}-{b}") == ("b", "a")


@pytest.mark.parametrize("text", ["", "a", "{site}", "x-{a-b}_{c}"])
def test_well_formed(text: str) -> None:
    assert placeholders.well_formed(text)


@pytest.mark.parametrize("text", ["{", "}", "{}", "{a", "a}", "{{a}}", "{A}", "{a b}", "{a!r}"])
def test_not_well_formed(text: str) -> None:
    assert not placeholders.well_formed(text)


def test_fill_is_no_format_string() -> None:
    values = {"site": "{coordinator}", "coordinator": "hub"}

    assert placeholders.fill("{site}/{coordinator}", values) == "{coordinator}/hub"


def test_each_makes_one_name_for_each_value() -> None:
    lists = {"far": ("a", "b"), "none": ()}

    assert placeholders.each("link_{far}_{far}", lists) == ("link_a_a", "link_b_b")
    assert placeholders.each("plain", lists) == ("plain",)
    assert placeholders.each("x_{none}", lists) == ()
