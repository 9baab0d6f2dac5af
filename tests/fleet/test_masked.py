import hashlib
import json

import pytest

from orchestrator.fleet.masked import is_masked, same, same_words

SALT = "0f" * 16


def masked(value: str, salt: str = SALT) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", value.encode(), bytes.fromhex(salt), 2000, 16)
    return f"dtdeploy-look:{salt}:{digest.hex()}"


@pytest.mark.parametrize("value", ["", "word", "ä=\n", masked("x")])
def test_a_digest_is_that_of_one_value(value: str) -> None:
    assert same(masked(value), value)
    assert same(masked(value, "aa" * 16), value)
    assert not same(masked(value), f"{value}x")
    assert same(value, value)
    assert not same(value, f"{value}x")


def test_what_only_looks_like_a_digest_is_a_value() -> None:
    for odd in ("dtdeploy-look:", f"dtdeploy-look:{SALT}:", "dtdeploy-look:xx:yy"):
        assert not is_masked(odd)
        assert same(odd, odd)
        assert not same(odd, "word")
    assert is_masked(masked("x"))
    assert not same(f"{masked('x')} ", "x")


def test_words_are_compared_one_by_one() -> None:
    shown = json.dumps(["CMD", masked("run"), masked("--key=x")])
    assert is_masked(shown)
    assert same_words(shown, json.dumps(["CMD", "run", "--key=x"]))
    assert not same_words(shown, json.dumps(["CMD", "run", "--key=y"]))
    assert not same_words(shown, json.dumps(["CMD", "run"]))
    assert not same_words(shown, json.dumps(["CMD", "run", "--key=x", ""]))
