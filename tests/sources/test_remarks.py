import pytest

from orchestrator.fleet.unit import Unit
from orchestrator.sources.compose import compose
from orchestrator.sources.interpolate import Variables
from orchestrator.sources.remarks import remarks

NUMBER = "is a number, whose text becomes another to Docker"
VARIABLES = Variables(plain={"V": "0891", "W": "yes"})


def remarked(body: str) -> tuple[str, ...]:
    text = f"services:\n  web:\n    image: a\n    {body}\n"
    composed = compose(text.encode(), file="f", unit=Unit("s", "x"), variables=VARIABLES)
    assert composed.problems == ()
    return remarks(composed.root)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("0891234567", NUMBER),
        ("1.10", NUMBER),
        ("010", NUMBER),
        ("1_000", NUMBER),
        ("1000000.0", NUMBER),
        ("2024-05-01", "is a date to Docker"),
        ("yes", "is a text, neither true nor false to Docker"),
        ("Off", "is a text, neither true nor false to Docker"),
    ],
)
def test_names_what_becomes_another_text(value: str, what: str) -> None:
    (said,) = remarked(f"environment: {{PHONE: {value}}}")
    assert said.startswith(f"line 4: services.web.environment.PHONE {what}")
    assert value not in said.removesuffix("put it in quotes if it is meant as it stands")


@pytest.mark.parametrize(
    "value", ["'0891'", '"yes"', "8080", "-1", "1.5", "text", "$V", '"${W}"', "'2024-05-01'", "0"]
)
def test_says_nothing_of_what_is_as_it_stands(value: str) -> None:
    assert remarked(f"environment: {{A: {value}}}") == ()


def test_looks_into_all_settings_and_at_nothing_else() -> None:
    body = "labels: {a: 010}\n    deploy: {labels: {b: 010}, replicas: 010}\n"
    body += "    logging: {driver: x, options: {c: 010}}\n    environment: [D=010]\n"
    body += "    configs: [{source: c, mode: 0440}]\nconfigs: {c: {external: true}}"
    found = [line.partition(" is ")[0].rpartition(".")[2] for line in remarked(body)]
    assert found == ["a", "b", "c"]
