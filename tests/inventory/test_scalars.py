import pytest

from orchestrator.inventory.scalars import Ambiguous, Scalar, meaning


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-8", -8),
        ("8001", 8001),
        ("1.5", 1.5),
        ("main", "main"),
        ("1a", "1a"),
        ("10s", "10s"),
        ("v1.2", "v1.2"),
        ("1.2.3", "1.2.3"),
        ("2024-01-31", "2024-01-31"),
        ("aux.kko", "aux.kko"),
        (".", "."),
        ("-", "-"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
    ],
)
def test_clear_words(text: str, value: Scalar) -> None:
    assert meaning(text) == value
    assert type(meaning(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "NO", "On", "off", "y", "N"),
        *("010", "00", "0o10", "0x1F", "0b1", "1_000", "-07"),
        *("12:30", "1:02:03", "1:30.5"),
        *("1e3", "1.e3", ".5", "5.", ".inf", "-.INF", ".nan"),
        "9" * 5000,
    ],
)
def test_words_that_readers_disagree_on_are_refused(text: str) -> None:
    found = meaning(text)

    assert isinstance(found, Ambiguous)
    assert 'write "' in found.fix
    assert not set("0123456789") & set(found.name + found.fix)
