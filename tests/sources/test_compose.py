from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ExitCode
from orchestrator.fleet.desired import DesiredService, PublishedPort
from orchestrator.fleet.observed import Mode
from orchestrator.fleet.unit import Unit
from orchestrator.sources.compose import Composed, compose
from orchestrator.sources.interpolate import Variables

UNIT = Unit("datatrail", "chime")
NONE = Variables()


def read(text: str, variables: Variables = NONE) -> Composed:
    return compose(
        dedent(text).encode(),
        file="datatrail:stacks/server.yaml",
        unit=UNIT,
        variables=variables,
        declared="sites.yaml:12:3",
    )


def good(text: str, variables: Variables = NONE) -> Composed:
    composed = read(text, variables)
    assert composed.problems == ()
    return composed


def service(body: str, variables: Variables = NONE, *, version: str = "3.9") -> DesiredService:
    [only] = good(around(body, version), variables).desired.services
    return only


def around(body: str, version: str = "3.9") -> str:
    lines = "\n".join(f"    {line}" for line in dedent(body).strip().splitlines())
    return f'version: "{version}"\nservices:\n  server:\n    image: img\n{lines}\n'


def problems(text: str, variables: Variables = NONE) -> list[tuple[str, str, int, int]]:
    return [
        (p.code.removeprefix("source."), p.what, p.where.line, p.where.column)
        for p in read(text, variables).problems
    ]


def wrong(body: str, variables: Variables = NONE) -> list[tuple[str, str]]:
    return [(code, what) for code, what, _, _ in problems(around(body), variables)]


class TestAWholeFile:
    TEXT = """\
        version: "3.8"
        x-common: &common
          image: registry.chime/maestro-datatrail:${TAG}
          stop_grace_period: 1m30s
        services:
          server:
            <<: *common
            ports:
              - "8001:8001"
              - {target: 9187, published: 9187, protocol: udp, mode: host}
            healthcheck:
              test: [CMD, curl, localhost]
              interval: 10s
              timeout: 5s
              retries: 4
              start_period: 20s
            deploy: {replicas: 2}
            networks: [outside]
            configs: [settings, given]
            secrets: [{source: password, target: p}]
          exporter:
            image: exporter
            deploy: {mode: global}
        networks:
          outside: {external: {name: monitoring}}
        configs:
          settings: {file: ./settings.json}
          given: {external: true}
        secrets:
          password: {external: true, name: db_password}
        """

    def test_becomes_the_desired_state(self) -> None:
        composed = good(self.TEXT, Variables(plain={"TAG": "1.2"}))

        assert composed.desired.services == (
            DesiredService(
                name="server",
                image="registry.chime/maestro-datatrail:1.2",
                replicas=2,
                grace_seconds=90.0,
                start_seconds=20.0 + 4 * (10.0 + 5.0),
                ports=(
                    PublishedPort(port=8001),
                    PublishedPort(port=9187, protocol="udp", mode="host"),
                ),
            ),
            DesiredService(name="exporter", image="exporter", mode=Mode.GLOBAL),
        )

    def test_names_what_must_exist_already(self) -> None:
        desired = good(self.TEXT, Variables(plain={"TAG": "1.2"})).desired

        assert desired.external_networks == ("monitoring",)
        assert desired.external_configs == ("given",)
        assert desired.external_secrets == ("db_password",)

    def test_names_its_variables_and_files(self) -> None:
        composed = good(self.TEXT, Variables(plain={"TAG": "1.2", "OTHER": "x"}))

        assert composed.variable_names == ("TAG",)
        assert [(ref.kind, ref.path) for ref in composed.references] == [
            ("config", "./settings.json")
        ]


class TestVariables:
    def test_every_unset_one_is_a_problem_at_its_dollar(self) -> None:
        text = """\
            version: "3.9"
            services:
              a:
                image: "reg/${IMG}:${TAG}"
                labels: {x: $ONE}
                command: |
                  first
                  then $TWO
            """

        assert [(what, line, column) for _, what, line, column in problems(text)] == [
            ("the variable IMG has no value for datatrail@chime", 4, 17),
            ("the variable TAG has no value for datatrail@chime", 4, 24),
            ("the variable ONE has no value for datatrail@chime", 5, 17),
            ("the variable TWO has no value for datatrail@chime", 8, 12),
        ]

    def test_an_unset_one_says_how_to_set_it(self) -> None:
        [problem] = read(around("labels: {x: $ONE}")).problems

        assert problem.exit_code is ExitCode.SOURCE_FAILED
        assert problem.code == "source.unset-variable"
        assert str(problem.where) == "datatrail:stacks/server.yaml:5:17"
        assert problem.fix == (
            "set ONE under `variables:` of datatrail at chime (sites.yaml:12:3), "
            "or give it a default in the compose file: ${ONE:-value}"
        )

    def test_a_required_one_brings_dockers_words(self) -> None:
        [problem] = read(around("labels: {x: '${ONE:?say which}'}")).problems

        assert problem.evidence == ("required variable ONE is missing a value: say which",)

    def test_one_in_a_shared_part_is_told_once(self) -> None:
        text = """\
            version: "3.9"
            x-a: &a {image: "$IMG"}
            services: {a: {<<: *a}, b: {<<: *a}, c: *a}
            """

        assert [(code, line) for code, _, line, _ in problems(text)] == [("unset-variable", 2)]

    def test_names_that_docker_would_look_up_where_it_runs_are_variables_too(self) -> None:
        text = around("environment: [A=1, B, C]\n")

        composed = read(text, Variables(plain={"B": "b"}))

        [problem] = composed.problems
        assert composed.variable_names == ("B", "C")
        assert problem.what == "the variable C has no value for datatrail@chime"
        assert problem.fix.endswith("or write C=value in the compose file")

    def test_a_mapping_passes_names_through_as_well(self) -> None:
        assert [what for _, what in wrong("environment: {A: 1, B: }")] == [
            "the variable B has no value for datatrail@chime"
        ]

    def test_a_lone_dollar_is_a_problem(self) -> None:
        [(code, _, line, column)] = problems(around("command: 'echo ${HOME'"))

        assert (code, line, column) == ("bad-interpolation", 5, 20)

    def test_keys_are_left_alone(self) -> None:
        assert good(around("labels: {$x: 1}")).variable_names == ()

    @pytest.mark.parametrize(
        ("body", "value"),
        [
            ("deploy: {replicas: $N}", "2"),
            ("healthcheck: {test: x, disable: $N}", "no"),
            ("ports: [{target: $N, published: $N}]", "80"),
            ("tty: $N", "Yes"),
        ],
    )
    def test_become_numbers_and_truths_where_docker_makes_them_so(
        self, body: str, value: str
    ) -> None:
        good(around(body), Variables(plain={"N": value}))

    @pytest.mark.parametrize(
        ("body", "value"), [("init: $N", "true"), ("deploy: {replicas: $N}", "two")]
    )
    def test_become_nothing_else_where_docker_does_not(self, body: str, value: str) -> None:
        assert wrong(body, Variables(plain={"N": value}))


class TestSecrets:
    PRESENT = Variables(secret=frozenset({"PASS"}), present=frozenset({"PASS"}))
    ABSENT = Variables(secret=frozenset({"PASS"}))

    def test_may_stand_in_the_environment(self) -> None:
        composed = good(
            around("environment: {URL: 'postgres://u:${PASS}@h', PASS: }"), self.PRESENT
        )

        assert composed.variable_names == ("PASS",)

    @pytest.mark.parametrize("body", ["environment: ['P=$PASS']", "environment: [PASS]"])
    def test_must_be_in_the_operators_environment(self, body: str) -> None:
        [problem] = read(around(body), self.ABSENT).problems

        assert (problem.code, problem.exit_code) == ("source.secret-absent", ExitCode.USAGE)
        assert problem.fix.startswith("export PASS=")

    @pytest.mark.parametrize(
        "body",
        [
            "stop_grace_period: ${PASS}",
            "ports: ['${PASS}:80']",
            "deploy: {mode: $PASS}",
            "env_file: $PASS",
            "volumes: ['$PASS:/x']",
            "networks: [$PASS]",
        ],
    )
    def test_are_refused_in_values_that_are_shown(self, body: str) -> None:
        assert "secret-in-plain-value" in {code for code, _ in wrong(body, self.PRESENT)}

    def test_are_refused_in_an_image(self) -> None:
        text = 'version: "3.9"\nservices: {a: {image: "reg/x:$PASS"}}\n'

        composed = read(text, self.PRESENT)

        [problem] = composed.problems
        assert (problem.code, problem.where.line) == ("source.secret-in-plain-value", 2)
        assert "PASS" not in repr(composed.desired)


class TestHealthChecks:
    @pytest.mark.parametrize(
        ("body", "seconds"),
        [
            ("user: x", 0.0),
            ("healthcheck: {disable: true}", 0.0),
            ("healthcheck: {test: [NONE]}", 0.0),
            ("healthcheck: {test: [CMD, x]}", 3 * 60.0),
            ("healthcheck: {test: x, interval: 1s, timeout: 2s}", 3 * 3.0),
            ("healthcheck: {test: x, interval: 1s, timeout: 2s, retries: 5}", 5 * 3.0),
            ("healthcheck: {test: x, interval: 0s, timeout: 1500ms, retries: 1}", 31.5),
            ("healthcheck: {interval: 1s, timeout: 1s, retries: 1, start_period: 1m}", 62.0),
            ("healthcheck: {test: x, retries: 0}", 180.0),
        ],
    )
    def test_take_as_long_as_docker_would_wait(self, body: str, seconds: float) -> None:
        assert service(body).start_seconds == pytest.approx(seconds)

    def test_cannot_be_both_given_and_disabled(self) -> None:
        assert wrong("healthcheck: {disable: true, test: x}") == [
            ("bad-value", "`test` and `disable` exclude each other")
        ]


class TestModes:
    @pytest.mark.parametrize("mode", list(Mode))
    def test_are_docker_s(self, mode: Mode) -> None:
        assert service(f"deploy: {{mode: {mode.value}}}").mode is mode

    def test_another_is_refused(self) -> None:
        [(code, what)] = wrong("deploy: {mode: glob}")

        assert (code, what[:22]) == ("bad-value", "'glob' is no mode; the")

    def test_a_global_service_takes_no_replicas(self) -> None:
        assert wrong("deploy: {mode: global, replicas: 2}") == [
            ("bad-value", "a global service takes no replicas")
        ]

    def test_none_at_all_may_be_wanted(self) -> None:
        assert service("deploy: {replicas: 0}").replicas == 0


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("stop_grace_period: 10", "must be a duration"),
        ("stop_grace_period: '-1s'", "'-1s' cannot be negative"),
        ("deploy: {replicas: -1}", "-1 overflows uint"),
        ("ports: ['80:80/foo']", "'80:80/foo' is no port"),
        ("ports: [{target: 1, published: 1, mode: direct}]", "'direct' is no way to publish"),
        ("ports: [{target: 1, published: 70000}]", "70000 is no port"),
        ("ports: [{target: 1, published: '80'}]", "published must be a whole number"),
        ("environment: {DEBUG: true}", "environment.DEBUG must be a string or a number or empty"),
        ("depends_on: {a: {condition: x}}", "depends_on must be a list"),
        ("profiles: [x]", "Docker takes no 'profiles' here"),
        ("extends: x", "Docker takes no 'extends' here"),
        ("pull_policy: always", "Docker takes no 'pull_policy' here"),
    ],
)
def test_what_docker_refuses_while_deploying_is_refused_before(body: str, what: str) -> None:
    assert any(what in found for _, found in wrong(body)), wrong(body)


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ('version: "2.4"\nservices: {a: {image: b}}', "bad-version", "file version: 2.4"),
        ('version: "3.14"\nservices: {a: {image: b}}', "bad-version", "file version: 3.14"),
        ("version: 3.8\nservices: {a: {image: b}}", "bad-value", "`version` must be a string"),
        ("version: '3'", "no-services", "there are no services in this file"),
        ("services:", "no-services", "there are no services in this file"),
        ("services: {}", "no-services", "there are no services in this file"),
        ("services: []", "no-services", "there are no services in this file"),
        ("services: {a: }", "not-compose", "services.a must be a mapping"),
        ("services: {a: {build: .}}", "no-image", "the service a has no image"),
        ("services: {a: {image: }}", "no-image", "the service a has no image"),
        ("services: {a: {image: ''}}", "no-image", "the service a has no image"),
        ("services: {a: {image: 'b c'}}", "bad-value", "invalid reference format: 'b c'"),
        ("services: {'a b': {image: c}}", "not-compose", "'a b' is no name Docker takes"),
        ("name: x\nservices: {a: {image: b}}", "not-compose", "takes no 'name' here"),
        ("include: [x]\nservices: {a: {image: b}}", "not-compose", "takes no 'include' here"),
        ("a: b: c", "not-yaml", "mapping values are not allowed in this context"),
        ("", "not-compose", "the file is empty"),
    ],
)
def test_a_file_that_is_no_stack_says_why(text: str, code: str, what: str) -> None:
    found = problems(text)

    assert any(code == c and what in w for c, w, _, _ in found), found


def test_everything_wrong_is_told_at_once() -> None:
    text = """\
        version: "3.9"
        services:
          a: {image: "$IMG", profiles: [x], networks: [n]}
          b: {build: .}
          c: {image: x, configs: [c], stop_grace_period: soon}
        configs: {c: {}}
        """

    assert sorted(code for code, _, _, _ in problems(text)) == [
        "no-file",
        "no-image",
        "not-compose",
        "not-compose",
        "undeclared",
        "unset-variable",
    ]


@pytest.mark.parametrize("version", ['version: "3"', 'version: ""', "x-a: 1"])
def test_without_a_minor_version_the_latest_counts(version: str) -> None:
    good(f"{version}\nservices: {{a: {{image: b, oom_score_adj: 1}}}}")


def test_what_a_version_does_not_have_yet_is_refused() -> None:
    [(_, what, line, column)] = problems(around("init: true", version="3.6"))

    assert (what, line, column) == (
        "services.server.init needs version 3.7 of the format, this file says 3.6",
        5,
        5,
    )


yaml_values = st.recursive(
    st.sampled_from(["x", "1", "true", "~", "''", "$A", "'${B:?c}'", "10s", "1:2", "-1", "1.5"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(
            st.sampled_from(["image", "file", "external", "name", "mode", "test", "published"]),
            inner,
            max_size=3,
        ).map(lambda pairs: f"{{{', '.join(f'{k}: {v}' for k, v in pairs.items())}}}"),
    ),
    max_leaves=6,
)
keys = st.sampled_from(
    [
        "image",
        "deploy",
        "ports",
        "healthcheck",
        "networks",
        "configs",
        "secrets",
        "volumes",
        "env_file",
        "environment",
        "stop_grace_period",
        "build",
        "bogus",
    ]
)


@given(
    st.dictionaries(keys, yaml_values, max_size=4),
    st.sampled_from(["networks", "configs", "secrets", "volumes", "services", "x-a"]),
    yaml_values,
)
def test_any_file_is_read_or_refused(body: dict[str, str], section: str, value: str) -> None:
    inner = ", ".join(f"{key}: {text}" for key, text in body.items())
    text = f"services: {{s: {{{inner}}}}}\n{section}: {{q: {value}}}\n"

    composed = read(text, Variables(secret=frozenset({"A"}), present=frozenset({"A"})))

    assert all(problem.what for problem in composed.problems)
    assert "<A>" not in repr(composed.desired)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("volumes: ['/a:/x', '/b:/x']", "a has two of its volumes at /x"),
        ("volumes: ['/a:/x', {type: tmpfs, target: /x/}]", "a has two of its volumes at /x"),
        ("configs: [c, {source: c, target: /c}]", "a has two of its configs at /c"),
        ("secrets: [s, {source: s, target: s}]", "a has two of its secrets at /run/secrets/s"),
        ("secrets: [s, {source: s, target: /run/secrets/s}]", "secrets at /run/secrets/s"),
    ],
)
def test_one_place_holds_one_thing(body: str, what: str) -> None:
    top = "configs: {c: {file: ./x}}\nsecrets: {s: {file: ./x}}\n"
    text = f'version: "3.8"\nservices:\n  a:\n    image: b\n    {body}\n{top}'
    found = [(code, words) for code, words, _, _ in problems(text)]
    assert [code for code, _ in found] == ["duplicate-target"], found
    assert what in found[0][1]


def test_one_config_may_be_at_two_places() -> None:
    body = "configs: [c, {source: c, target: /d}]\nsecrets: [s, {source: s, target: t}]"
    top = "configs: {c: {file: ./x}}\nsecrets: {s: {file: ./x}}\n"
    services = "services:\n  a:\n    image: b\n    " + body.replace("\n", "\n    ")
    assert problems(f'version: "3.8"\n{services}\n{top}') == []


def test_aliases_that_multiply_are_not_written_out() -> None:
    levels = "".join(
        f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" if n else "x-0: &a0 [1]\n"
        for n in range(7)
    )
    found = read(f'version: "3.8"\n{levels}services: {{web: {{image: x}}}}\n')
    assert [problem.code for problem in found.problems] == ["source.too-large"]


@pytest.mark.parametrize("kind", ["networks", "configs", "secrets", "volumes"])
def test_no_secret_becomes_the_name_of_what_a_stack_makes(kind: str) -> None:
    text = f"services: {{s: {{image: a}}}}\n{kind}: {{q: {{name: $A}}}}\n"
    composed = read(text, Variables(secret=frozenset({"A"}), present=frozenset({"A"})))
    assert "source.secret-in-plain-value" in {problem.code for problem in composed.problems}
    assert "<A>" not in repr(composed.desired)
