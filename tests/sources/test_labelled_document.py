"""The one document that is deployed says what the compose file says, and our labels.

Docker's own command is the judge, where there is one that tells what it read.
"""

import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from orchestrator.fleet.unit import Unit
from orchestrator.sources.findings import Findings
from orchestrator.sources.labelled_document import expanded, labelled
from orchestrator.sources.yaml_text import parse

OURS = {"dtdeploy.run": "r$1", "dtdeploy.words": "é \" ' \n\u2028\x7f end"}
# `$` is doubled: compose files are interpolated.
AS_YAML = {name: value.replace("$", "$$") for name, value in OURS.items()}


def ours(
    text: str, labels: Mapping[str, str] = OURS, images: Mapping[str, str] = MappingProxyType({})
) -> str:
    findings = Findings("compose.yaml", Unit("app", "home"))
    root = parse(text.encode(), findings)
    assert root is not None
    assert findings.problems == ()
    return labelled(root, labels, images)


def loaded(text: str) -> Any:
    return YAML(typ="safe").load(text)


def web(body: str) -> Any:
    return loaded(ours(f"services:\n  web: {body}\n"))["services"]["web"]


@pytest.mark.parametrize(
    ("deploy", "labels"),
    [
        ("", AS_YAML),
        ("deploy: ", AS_YAML),
        ("deploy: {labels: {a: b}}", {"a": "b", **AS_YAML}),
        ("deploy: {labels: }", AS_YAML),
        ("deploy: {labels: {dtdeploy.run: theirs}}", AS_YAML),
        ("deploy: {labels: [a=b, c]}", ["a=b", "c", *(f"{k}={v}" for k, v in AS_YAML.items())]),
        ("deploy: {labels: [dtdeploy.run=x]}", [f"{k}={v}" for k, v in AS_YAML.items()]),
    ],
)
def test_labels_join_those_that_stand_there(deploy: str, labels: object) -> None:
    assert web(f"{{image: x, {deploy}}}")["deploy"] == {"labels": labels}


@pytest.mark.parametrize(
    "text",
    [
        "services: [x]\n",
        "services: {web: x}\n",
        "services: {web: {deploy: x}}\n",
        "services: {web: {deploy: {labels: 7}}}\n",
        "services:\n",
        'version: "3.8"\n',
    ],
)
def test_what_docker_refuses_stays_as_it_is(text: str) -> None:
    assert loaded(ours(text)) == loaded(text)


def test_an_image_takes_the_place_of_the_one_that_stands_there() -> None:
    text = "x-base: &b {image: 'app:${TAG}'}\nservices: {web: *b, db: {image: db}, job: {<<: *b}}"
    images = {"web": "app:1@sha256:aa", "job": "app:2@sha256:bb"}
    services = loaded(ours(text, {}, images))["services"]
    assert {name: body["image"] for name, body in services.items()} == {"db": "db", **images}


def test_an_anchor_that_others_use_gets_no_labels_twice() -> None:
    text = "x-d: &d {labels: [a=1]}\nservices: {one: {deploy: *d}, two: {deploy: *d}}\n"
    body = loaded(ours(text, {"b": "2"}))
    assert body["x-d"] == {"labels": ["a=1"]}
    for name in ("one", "two"):
        assert body["services"][name]["deploy"]["labels"] == ["a=1", "b=2"]


def test_values_are_counted_as_they_are_written_out() -> None:
    findings = Findings("compose.yaml", Unit("app", "home"))
    root = parse(b"a: &a [1, 2, 3]\nb: [*a, *a]\nc: {d: *a}\n", findings)
    assert root is not None
    assert expanded(root) == 1 + 4 + 9 + 5


# What people write in compose files, as it stands there.
SCALARS = (
    *("yes", "No", "on", "true", "~", "null", "", "0891234567", "010", "0o17", "0x1F", "0b11"),
    *("1_000", "1e3", "1.10", ".5", "+1", "-0", ".inf", ".nan", "1:30:45", "12:30", "=", "<<"),
    *("2001-01-01", "2001-12-14 21:59:43.10 -5", "a b", "a#b", "a: b".replace(": ", ":"), "/a,b"),
    *("x{y}", "[", "'it''s'", '"q\\tq\\u00e9\\x41"', "'no'", '"0891"', "!!str 123", '!!int "7"'),
    *("$${HOME}", '"$$A"', "'a # b'", "a\n        b", '"a\\\n        b"', "'a\n\n        b'"),
    *(
        "|\n        a\n        b\n",
        ">-\n        a\n        b",
        "|+\n        a\n\n",
        "é😀",
        '"\\U0001F600"',
    ),
    *("&k 0o17", "&l 'x'", "&m !!str 9"),
)
KEYS = ("A", '"B B"', "'C'", "D.e", "F-g")
PORTS = ('"53:53/tcp"', '"53:53/udp"', "8080:80", '"9000"', "9000", '"127.0.0.1:5:5"', "443")
DEPLOYS = (
    "",
    "    deploy: {replicas: 2}\n",
    "    deploy:\n      labels:\n        - a=b\n        - c\n",
    "    deploy:\n      labels: {a: b, c: 'd'}\n      mode: global\n",
    "    deploy: *deploy\n",
    "    deploy:\n      <<: *deploy\n      replicas: 3\n",
    "    <<: *service\n",
    "    <<: [*service, *other]\n",
)
HEAD = """version: "3.8"
x-deploy: &deploy
  replicas: 4
  labels: {from: anchor}
  restart_policy: &restart {condition: any, delay: 5s}
x-service: &service
  init: yes
  deploy: {restart_policy: *restart}
x-other: &other {stop_grace_period: 1m30s, tty: true}
services:
"""


@st.composite
def files(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from(["web", "db", '"w-1"']), min_size=1, unique=True))
    return HEAD + "".join(draw(_service(name)) for name in names)


@st.composite
def _service(draw: st.DrawFn, name: str) -> str:
    text = f"  {name}:\n    image: x:1\n{draw(st.sampled_from(DEPLOYS))}"
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True))
    if keys:
        rows = (f"      {key}: {draw(st.sampled_from(SCALARS))}\n" for key in keys)
        text += f"    environment:\n{''.join(rows)}"
    ports = draw(st.lists(st.sampled_from(PORTS), unique=True, max_size=4))
    if ports:
        text += f"    ports: [{', '.join(ports)}]\n"
    return text


@cache
def _is_judged() -> bool:
    if not shutil.which("docker"):
        return False
    command = ["docker", "stack", "config", "--help"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return "final config file" in asked.stdout


def as_docker_reads(text: str) -> Any:
    """Return what `docker stack config` makes of a file, None where it refuses it."""
    command = ["docker", "stack", "config", "-c", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return YAML(typ="base").load(done.stdout) if done.returncode == 0 else None


def without_ours(body: Any) -> Any:
    for service in body["services"].values():
        deploy = service.get("deploy") or {}
        labels = deploy.get("labels") or {}
        labels.pop("ours", None)
        for name, part in (("labels", labels), ("deploy", deploy)):
            if not part:
                (deploy if name == "labels" else service).pop(name, None)
    return body


@settings(max_examples=60)
@given(text=files())
def test_docker_reads_the_same_in_it(text: str) -> None:
    if not _is_judged():
        pytest.skip("no docker command here has `docker stack config`")
    findings = Findings("compose.yaml", Unit("app", "home"))
    root = parse(text.encode(), findings)
    if root is None or findings.problems:
        return
    told, made = as_docker_reads(text), as_docker_reads(labelled(root, {"ours": "1"}, {}))
    if told is None:
        assert made is None
        return
    assert all(service["deploy"]["labels"]["ours"] == "1" for service in made["services"].values())
    assert without_ours(made) == without_ours(told)
