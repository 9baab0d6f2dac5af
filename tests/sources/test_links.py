import pytest

from orchestrator.fleet.unit import Unit
from orchestrator.sources.compose import Composed, compose
from orchestrator.sources.interpolate import Variables


def read(text: str) -> Composed:
    return compose(
        f'version: "3.9"\n{text}'.encode(),
        file="a.yaml",
        unit=Unit("datatrail", "chime"),
        variables=Variables(),
    )


def found(text: str) -> list[tuple[str, str, int, int]]:
    return [(p.code, p.what, p.where.line, p.where.column) for p in read(text).problems]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("services: {a: {image: b, networks: [gone]}}", "networks"),
        ("services: {a: {image: b, networks: {gone: }}}", "networks"),
        ("services: {a: {image: b, configs: [gone]}}", "configs"),
        ("services: {a: {image: b, configs: [{source: gone}]}}", "configs"),
        ("services: {a: {image: b, secrets: [gone]}}", "secrets"),
        ("services: {a: {image: b, volumes: ['gone:/x']}}", "volumes"),
        (
            "services: {a: {image: b, volumes: [{type: volume, source: gone, target: /x}]}}",
            "volumes",
        ),
    ],
)
def test_what_nothing_declares_is_a_problem(text: str, kind: str) -> None:
    [(code, what, line, column)] = found(text)

    assert (code, what) == ("source.undeclared", f"'gone' is not declared under `{kind}:`")
    assert (line, column > 20) == (2, True)


@pytest.mark.parametrize(
    "text",
    [
        "services: {a: {image: b, networks: [default]}}",
        "services: {a: {image: b, volumes: ['/x', 'v:/y', '/h:/z:ro', '~/q:/q']}}\nvolumes: {v: }",
        "services: {a: {image: b, volumes: [{type: tmpfs, target: /x}]}}",
        "services: {a: {image: b, volumes: [{type: bind, source: /h, target: /x}]}}",
        "services: {a: {image: b, volumes: [{type: volume, target: /x}]}}",
    ],
)
def test_what_needs_no_declaration_is_fine(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "volume",
    ["'./data:/x'", "'../data:/x'", "{type: bind, source: data, target: /x}"],
)
def test_a_bind_mount_must_not_lie_in_a_release(volume: str) -> None:
    [(code, what, _, _)] = found(f"services: {{a: {{image: b, volumes: [{volume}]}}}}")

    assert code == "source.relative-bind"
    assert "would lie in the release's folder" in what


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("{external: true}", ("n",)),
        ("{external: true, name: real}", ("real",)),
        ("{external: {name: real}}", ("real",)),
        ("{external: {}}", ("n",)),
        ("{external: false}", ()),
        ("{external: true, name: host}", ()),
        ("{name: real}", ()),
        ("", ()),
    ],
)
def test_external_networks_go_by_their_real_names(network: str, expected: tuple[str, ...]) -> None:
    composed = read(f"services: {{a: {{image: b, networks: [n]}}}}\nnetworks: {{n: {network}}}")

    assert composed.problems == ()
    assert composed.desired.external_networks == expected


def test_an_external_network_that_nothing_uses_need_not_be_there() -> None:
    """Docker looks only for those that a service joins."""
    composed = read("services: {a: {image: b}}\nnetworks: {n: {external: true}}")

    assert composed.desired.external_networks == ()


def test_a_service_without_networks_joins_the_default_one() -> None:
    composed = read("services: {a: {image: b}}\nnetworks: {default: {external: {name: shared}}}")

    assert composed.desired.external_networks == ("shared",)


def test_files_are_listed_with_their_places() -> None:
    composed = read(
        "services:\n  a: {image: b, env_file: one.env}\n  c: {image: d, env_file: [two.env]}\n"
        "configs: {x: {file: ./x.json}, y: {external: true}}\n"
        "secrets: {z: {file: z.txt}, w: {driver: vault}}\n"
    )

    assert [(r.kind, r.path, r.at.line, r.at.column) for r in composed.references] == [
        ("config", "./x.json", 5, 21),
        ("secret", "z.txt", 6, 21),
        ("env_file", "one.env", 3, 27),
        ("env_file", "two.env", 4, 28),
    ]


def test_a_config_needs_a_file_or_to_be_external() -> None:
    [(code, what, _, _)] = found("services: {a: {image: b}}\nconfigs: {x: {labels: {a: b}}}")

    assert (code, what) == ("source.no-file", "'x' has neither `file` nor `external`")
