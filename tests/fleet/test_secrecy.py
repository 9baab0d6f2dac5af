import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.fleet.secrecy import forms_of, hide_secrets, hide_values

VALUE = 'hunt"er+2/ü?'


@pytest.mark.parametrize(
    "text",
    [
        "https://bot:hunter2@git.example/repo",
        "postgres://datatrail:hunter2@frb-l4.chime:5432",
        "env DB_PASSWORD=hunter2 failed",
        "Authorization: Bearer hunter2",
        '{"password": "hunter2", "x": 1}',
        '{\\"password\\": \\"hunter2\\", \\"x\\": 1}',
        '{\\"token\\": \\"a\\\\\\"b\\\\\\\\c\\\\nhunter2\\", \\"x\\": 1}',
        '{"auths": {"registry:5000": {"auth": "hunter2"}}}',
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    assert "hunter2" not in hide_secrets(text)
    assert "***" in hide_secrets(text)


@pytest.mark.parametrize("text", ["password= x", 'the "token": "', "token=", "a token, a password"])
def test_a_name_without_a_value_hides_nothing(text: str) -> None:
    assert hide_secrets(text) == text


def test_what_stands_beside_a_secret_in_json_stays() -> None:
    assert hide_secrets('{"token": "a\\tb", "id": "7"}') == '{"token": "***", "id": "7"}'


@pytest.mark.parametrize(
    "written",
    [
        VALUE,
        quote(VALUE, safe=""),
        quote(VALUE),
        quote_plus(VALUE),
        json.dumps(VALUE),
        json.dumps(VALUE, ensure_ascii=False),
        b64encode(VALUE.encode()).decode(),
        urlsafe_b64encode(VALUE.encode()).decode(),
    ],
)
def test_a_known_value_is_taken_out_however_it_is_written(written: str) -> None:
    hidden = hide_values(f"before {written} after", forms_of([VALUE]))
    assert "***" in hidden
    assert written not in hidden
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")


@given(st.text("abc:\x00é", max_size=5), st.text("xyz", max_size=5))
def test_it_is_found_in_base64_wherever_it_begins(before: str, after: str) -> None:
    secret = "correct horse"
    encoded = b64encode(f"{before}{secret}{after}".encode()).decode()
    assert "***" in hide_values(encoded, forms_of([secret]))


def test_values_too_short_to_be_taken_out_are_left() -> None:
    assert forms_of(["abc", ""]) == ()
    assert hide_values("abc", forms_of(["abc"])) == "abc"


def test_the_longer_form_goes_first() -> None:
    assert hide_values("secret-more", forms_of(["secret", "secret-more"])) == "***"
