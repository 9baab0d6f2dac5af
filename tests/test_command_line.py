import shlex
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cli.main import cli
from orchestrator.command_line import (
    AS_IT_IS,
    VERBS,
    Manner,
    joined,
    options_in,
    reason_for,
    selected_in,
    typed,
    words_of,
)
from orchestrator.fleet.unit import Unit

ELSEWHERE = Manner(options=("-i", "my sites.yaml"))
ALONE = Manner(yes=True)


def test_every_command_is_known() -> None:
    assert set(VERBS) == set(cli.list_commands(None))  # type: ignore[arg-type] # it asks no context


def test_a_line_is_quoted_for_a_shell() -> None:
    line = typed("up", Unit(stack="app", site="home"), "--because", "it's down; rm -rf /")
    assert line == "dtdeploy up app@home --because 'it'\"'\"'s down; rm -rf /'"
    assert shlex.split(line)[-1] == "it's down; rm -rf /"


@given(st.lists(st.text(), max_size=3))
def test_whatever_is_quoted_is_shown_whole_and_read_back(words: list[str]) -> None:
    line = joined(words)
    assert all(unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in line)
    assert words_of(line) == tuple(words)


@pytest.mark.parametrize("word", ["\x1b]0;x\x07", "it's\n\\n \u202e \x9bé", "a\tb", "\xad9"])
def test_bash_reads_it_as_it_was(word: str) -> None:
    line = f"printf %s {joined([word])}"
    assert subprocess.run(["bash", "-c", line], check=True, capture_output=True).stdout == (
        word.encode()
    )


@pytest.mark.parametrize(
    ("text", "fit"),
    [
        ("dtdeploy status", "dtdeploy -i 'my sites.yaml' status"),
        (
            "dtdeploy status, then dtdeploy up app@home",
            "dtdeploy -i 'my sites.yaml' status, then dtdeploy -i 'my sites.yaml' up app@home",
        ),
        ("see `dtdeploy lock`", "see `dtdeploy -i 'my sites.yaml' lock`"),
        ("which dtdeploy never changes", "which dtdeploy never changes"),
        ("dtdeploy uses at most 6", "dtdeploy uses at most 6"),
        ("dtdeploy locksmith", "dtdeploy locksmith"),
    ],
)  # fmt: skip
def test_the_options_that_say_which_fleet_are_kept(text: str, fit: str) -> None:
    assert ELSEWHERE.fit(text) == fit


@pytest.mark.parametrize(
    ("text", "fit"),
    [
        ("dtdeploy up --owed", "dtdeploy up --yes --owed"),
        ("dtdeploy resume r1   # now", "dtdeploy resume --yes r1   # now"),
        ("dtdeploy up x@y --dry-run", "dtdeploy up x@y --dry-run"),
        ("dtdeploy up x@y --yes", "dtdeploy up x@y --yes"),
        ("dtdeploy up x@y; dtdeploy down x@y -y", "dtdeploy up --yes x@y; dtdeploy down x@y -y"),
        ("dtdeploy lock break r1 --because TEXT", "dtdeploy lock break r1 --because TEXT"),
        ("kill -9 7 && dtdeploy resume r1", "kill -9 7 && dtdeploy resume --yes r1"),
    ],
)
def test_where_nobody_can_be_asked_what_asks_is_told_not_to(text: str, fit: str) -> None:
    assert ALONE.fit(text) == fit


def test_what_was_fitted_stays_as_it_is() -> None:
    both = Manner(options=("--simulate", "bad.yaml"), yes=True)
    once = both.fit("dtdeploy up x@y, then dtdeploy status")
    assert both.fit(once) == once
    assert AS_IT_IS.fit(once) == once


def test_in_json_only_what_is_to_be_typed_is_fitted() -> None:
    value = {
        "what": "dtdeploy up x@y",
        "problems": [{"fix": "dtdeploy up x@y", "evidence": ["dtdeploy up"]}],
        "next": None,
        "or_else": ["dtdeploy rollback r1"],
    }
    assert ALONE.within(value) == {
        "what": "dtdeploy up x@y",
        "problems": [{"fix": "dtdeploy up --yes x@y", "evidence": ["dtdeploy up"]}],
        "next": None,
        "or_else": ["dtdeploy rollback --yes r1"],
    }


LINE = (
    "restart x@y --site 'a b' --without gbo --accept-unknown c@gbo --ref r=v@1 --on-failure restore"
)


def test_what_was_asked_for_can_be_taken_out_of_a_kept_line() -> None:
    assert options_in(LINE, "--ref", "--on-failure") == (
        "--ref",
        "r=v@1",
        "--on-failure",
        "restore",
    )
    assert selected_in(LINE) == ("--site", "a b", "x@y")
    assert selected_in("up --all --without gbo") == ("--all",)


def test_a_reason_is_kept_where_it_has_to_be_given() -> None:
    assert reason_for(LINE, "its link is down") == ("--because", "its link is down")
    assert reason_for(LINE, "") == ()
    assert reason_for("restart --all", "a node was taken for lost") == ()


def test_a_line_that_no_shell_takes_is_taken_word_by_word() -> None:
    assert words_of("restart 'x") == ("restart", "'x")
