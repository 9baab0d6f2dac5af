import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.sources.interpolate import Fault, Substituted, Variables, substitute

SET = Variables(plain={"A": "aval", "E": ""})


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        # Each of these is what `docker stack config` of docker/cli 28.2.2 answered.
        ("$A", "aval"),
        ("${A}", "aval"),
        ("x${A}y$A", "xavalyaval"),
        ("${TAG-}", ""),
        ("${TAG:-}", ""),
        ("${TAG:-x}", "x"),
        ("${TAG-x}", "x"),
        ("${E:-d}", "d"),
        ("${E-d}", ""),
        ("${E?m}", ""),
        ("${E}", ""),
        ("${A:-a:-b}", "aval"),
        ("${A-a?b}", "aval"),
        ("${A:?m}", "aval"),
        ("${A?m}", "aval"),
        ("$$", "$"),
        ("$$A", "$A"),
        ("$$$A", "$aval"),
        ("$${A}", "${A}"),
    ],
)
def test_substitutes_as_docker_does(written: str, expected: str) -> None:
    result = substitute(written, SET)

    assert (result.text, result.misses) == (expected, ())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("$TAG-alpine z", "alpine z"),
        ("$A-alpine z", "aval"),
        ("$A:-q", "aval"),
        ("$TAG-foo ${TAG-}", "foo ${TAG-}"),
        ("${A?a-b}", "b"),
        ("${A:?a:-b}", "b"),
        ("${TAG:-${A}}", "${A}"),
    ],
)
def test_substitutes_as_docker_does_even_where_that_surprises(written: str, expected: str) -> None:
    assert substitute(written, SET).text == expected


@pytest.mark.parametrize(
    "written",
    ["$", "a$", "${}", "$1", "${1}", "${TAG", "$ {A}", "${A }", "${A:+x}", "50$ and more"],
)
def test_refuses_a_dollar_that_starts_no_variable(written: str) -> None:
    [miss] = substitute(written, SET).misses

    assert miss.fault is Fault.INVALID
    assert miss.written == written[written.index("$") :]


@pytest.mark.parametrize("written", ["$TAG", "${TAG}", "${tag}"])
def test_never_leaves_an_unset_variable_empty(written: str) -> None:
    [miss] = substitute(written, SET).misses

    assert (miss.fault, miss.written, miss.name) == (Fault.UNSET, written, written.strip("${}"))


@pytest.mark.parametrize("written", ["${TAG:?give it}", "${TAG?give it}", "${E:?give it}"])
def test_a_required_variable_brings_its_message(written: str) -> None:
    [miss] = substitute(written, SET).misses

    assert (miss.fault, miss.message) == (Fault.REQUIRED, "give it")


def test_lists_every_miss_of_a_text_at_once() -> None:
    result = substitute("$ONE ${TWO:?x} $A $", SET)

    assert [miss.name for miss in result.misses] == ["ONE", "TWO", ""]
    assert result.names == ("ONE", "TWO", "A")


class TestSecrets:
    VARIABLES = Variables(
        plain={"A": "a"}, secret=frozenset({"PASS", "GONE"}), present=frozenset({"PASS"})
    )

    def test_only_the_name_of_a_secret_is_put_in(self) -> None:
        result = substitute("postgres://u:${PASS}@h $A", self.VARIABLES)

        assert result == Substituted(
            text="postgres://u:<PASS>@h a", names=("PASS", "A"), secret=("PASS",)
        )

    @pytest.mark.parametrize("written", ["$GONE", "${GONE}", "${GONE:?x}"])
    def test_one_that_is_not_in_the_environment_is_a_fault_of_its_own(self, written: str) -> None:
        [miss] = substitute(written, self.VARIABLES).misses

        assert (miss.fault, miss.name) == (Fault.ABSENT, "GONE")

    def test_a_default_stands_in_for_an_absent_one(self) -> None:
        result = substitute("${GONE:-none}", self.VARIABLES)

        assert (result.text, result.secret, result.misses) == ("none", (), ())


names = st.text("ABC_", min_size=1, max_size=3)
literals = st.text(string.ascii_lowercase + " :/.-?{\n", max_size=8)


@given(st.text())
def test_a_text_with_all_dollars_doubled_comes_out_as_it_was(text: str) -> None:
    assert substitute(text.replace("$", "$$"), SET) == Substituted(text=text)


@st.composite
def pieces(draw: st.DrawFn) -> tuple[str, str, str, str]:
    """Draw a piece as written: literal text, name, operator, default."""
    return (
        draw(literals),
        draw(names),
        draw(st.sampled_from(["", ":-", "-"])),
        draw(st.text(string.ascii_lowercase + "$ {", max_size=4)),
    )


@given(st.lists(pieces()), st.dictionaries(names, st.sampled_from(["", "v", "$A", "w}"])))
def test_agrees_with_a_plain_reading_of_braced_variables(
    drawn: list[tuple[str, str, str, str]], values: dict[str, str]
) -> None:
    written, expected, missing = "", "", []
    for literal, name, operator, default in drawn:
        written += f"{literal}${{{name}{operator}{default if operator else ''}}}"
        value = values.get(name)
        if operator == ":-" and not value:
            value = default
        if operator == "-" and value is None:
            value = default
        expected += literal + (value or "")
        missing += [name] if value is None else []

    result = substitute(written, Variables(plain=values))

    assert result.text == expected
    assert [miss.name for miss in result.misses] == missing


@given(st.text("AB${}:-? ", max_size=30))
def test_never_fails_and_never_shows_a_secret(text: str) -> None:
    variables = Variables(secret=frozenset({"A", "B"}), present=frozenset({"A"}))

    result = substitute(text, variables)

    assert set(result.secret) <= {"A"}
    assert ("<A>" in result.text) == bool(result.secret)
