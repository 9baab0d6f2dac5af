import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.words.foreign import clean, clean_lines, shorten

_FORBIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_nothing_that_moves_a_cursor_or_hides_text_comes_through(text: str) -> None:
    kinds = {unicodedata.category(character) for character in clean(text)}
    assert not kinds & _FORBIDDEN


@given(st.text(st.characters(categories=["L", "N"]), min_size=1))
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("dirty", "expected"),
    [
        ("\x1b[31mred\x1b[0m alert", "red alert"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07said", "]0;titlesaid"),
        ("an \x1b]8;; open end", "an ]8;; open end"),
        ("back\x08\x08ward", "backward"),
        ("one\ttab\nline", "one tab line"),
        ("txt\u202eevil", "txtevil"),
        ("broken \udcff half", "broken  half"),
    ],
)
def test_control_characters_go_and_words_stay(dirty: str, expected: str) -> None:
    assert clean(dirty) == expected


@pytest.mark.parametrize(
    "text",
    [
        "fatal: https://bot:hunter2@git.example/repo not found",
        "fatal: https://hunter2@git.example/repo not found",
        "postgres://datatrail:hunter2@frb-l4.chime:5432",
        "smtp://me:hunter2@x@mail.example",
        "env DB_PASSWORD=hunter2 failed",
        'env API_TOKEN="hunter2 and more" failed',
        "X-Registry-Auth: hunter2",
        "Authorization: Bearer hunter2",
        "authorization: Basic hunter2",
        '{"password": "hunter2", "identitytoken": "hunter2"}',
        "--api-key=hunter2",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    assert "hunter2" not in clean(text)
    assert "***" in clean(text)


@pytest.mark.parametrize(
    "text",
    [
        "ssh://git@github.com/chimefrb/datatrail",
        "pull access denied for registry/app, repository does not exist: access is denied",
        "secret not found: datatrail_certificate",
        'No such image: "registry.example/app@sha256:0123"',
        "password authentication failed for user datatrail",
        "unauthorized: authentication required",
        "docker service ls -q -f label=com.docker.stack.namespace=datatrail",
        "services.server.secrets[0].source=certificate",
    ],
)
def test_what_explains_a_failure_is_not_masked(text: str) -> None:
    assert clean(text) == text


def test_lines_are_cleaned_one_by_one_and_empty_ones_dropped() -> None:
    assert clean_lines("a\r\n\n \x1b[1mb\x1b[0m\r50%\rdone") == ("a", "b", "50%", "done")


@given(st.text(), st.integers(min_value=10, max_value=60))
def test_shortened_text_fits_and_keeps_its_end(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert text.endswith(short[-3:])
