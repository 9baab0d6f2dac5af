import pytest

from orchestrator.words.phrases import asked, count, elapsed, limit, named, running_at, some
from tests.ui.values import KKO, SHA, UNITS


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0.0 s"),
        (7.34, "7.3 s"),
        (9.96, "10 s"),
        (119.4, "119 s"),
        (125.0, "2 min 5 s"),
        (180.0, "3 min"),
        (3599.9, "1 h"),
        (11400.0, "3 h 10 min"),
        (352800.0, "4 d 2 h"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert elapsed(seconds) == said


def test_a_limit_has_no_fraction() -> None:
    assert limit(5.0) == "5 s"


def test_units_of_a_stack_are_listed_behind_one_name() -> None:
    assert named(UNITS) == (
        "datatrail@chime, datatrail-daemons@chime, "
        "datatrail-client@chime, @outrigger-buffer, @kko, @gbo"
    )
    assert named([KKO]) == "datatrail-client@kko"


def test_what_dtdeploy_did_not_deploy_is_said_to_be_so() -> None:
    assert running_at("") == "not by dtdeploy"
    assert running_at("mixed") == "at mixed revisions"
    assert running_at(SHA) == "at 5d4c3b2a10"


def test_counts_and_lists() -> None:
    assert count(1, "unit") == "1 unit"
    assert count(0, "unit") == "0 units"
    assert some(("a", "b"), 2) == "a; b"
    assert some(("a", "b", "c"), 2) == "a; b; and 1 more"


@pytest.mark.parametrize(
    ("selection", "words"),
    [("--all", "rollback --all"), ("rollback r1", "rollback r1"), ("", "rollback")],
)
def test_what_was_asked_for_names_its_command_once(selection: str, words: str) -> None:
    assert asked("rollback", selection) == words
