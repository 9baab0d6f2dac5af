import pytest

from tests.ui.dangers import COLUMNS, DANGERS, ROWS, Planted, Scene, plan_with, screen


@pytest.mark.parametrize("name", DANGERS)
def test_who_reads_only_the_first_screen_can_name_the_danger(name: str) -> None:
    rows = screen(DANGERS[name])
    assert len(rows) <= ROWS
    assert all(len(row) <= COLUMNS for row in rows)
    text = " ".join(" ".join(rows).split())
    for words in DANGERS[name].words:
        assert words in text, "\n".join(rows)


def test_no_other_plan_names_it() -> None:
    """Each danger is told because it was planted, not because every plan tells it."""
    harmless = " ".join(" ".join(screen(NOTHING)).split())
    for danger in DANGERS.values():
        assert not all(words in harmless for words in danger.words)


def test_each_screen_tells_the_price_first() -> None:
    for danger in DANGERS.values():
        assert plan_with(danger).risk.down
        # A long command line wraps.
        assert any(row.startswith("RISK ") for row in screen(danger)[1:3])


def nothing(_scene: Scene) -> None:
    """Plant nothing."""


NOTHING = Planted(plant=nothing, words=())
