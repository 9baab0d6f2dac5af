"""What dtdeploy-look lets through, and that it lets nothing else through."""

import ast
import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from orchestrator.fleet import masked
from orchestrator.fleet.facts import SECRETIVE
from orchestrator.procedures.applied import APPLIED
from orchestrator.procedures.hold import LOCK
from orchestrator.procedures.owed import OWED
from orchestrator.swarm import dtdeploy_look as program
from orchestrator.swarm import ingress, parse, stored_config
from orchestrator.swarm.dtdeploy_look import (
    Docker,
    Home,
    Mask,
    RefusedError,
    Rights,
    Wire,
    allowed,
    request,
    shaped,
)
from orchestrator.swarm.look import LISTS
from orchestrator.swarm.remote_command import BEGIN, remote_line
from tests.swarm.daemon import Daemon, captured
from tests.swarm.engine_paths import OTHER_METHODS, PATHS, READ, named, tricks

SECRET = "s3cret-word-of-somebody"
MASK = Mask(b"\1" * 16)
ASKED = [
    *(entry.path for entry in LISTS),
    *("/info", "/networks", "/configs", "/secrets", "/containers/json", "/services", "/tasks"),
    *(program.listing("/configs", name=[name]) for name in (LOCK, OWED, APPLIED)),
    *("/volumes/data", "/volumes/app_data.1"),
    *("/distribution/app/json", "/distribution/reg.lab:5000/a/b:1.2-x/json"),
    f"/distribution/reg.lab/a@sha256:{'0' * 64}/json",
    f"/distribution/reg.lab/a%40sha256:{'0' * 64}/json",
]
"""All that dtdeploy asks for when it looks, but logs."""


def is_allowed(method: str, target: str, *, logs: bool = True) -> bool:
    try:
        allowed(method, target, logs=logs)
    except RefusedError:
        return False
    return True


class TestQuestions:
    @pytest.mark.parametrize("path", ASKED)
    def test_all_that_dtdeploy_asks_for_is_let_through(self, path: str) -> None:
        assert is_allowed("GET", f"/v1.41{path}", logs=False)
        assert request(f"GET /v1.41{path} HTTP/1.1\r\nHost: docker".encode())[0] == "GET"

    def test_the_first_questions_name_no_version(self) -> None:
        assert is_allowed("GET", "/version", logs=False)
        assert is_allowed("GET", "/info", logs=False)

    @pytest.mark.parametrize("path", PATHS)
    def test_of_every_path_no_method_but_get_and_only_some_of_them(self, path: str) -> None:
        for method in (*OTHER_METHODS, "get", "GETX", ""):
            for target in (named(path), f"/v1.41{named(path)}", *tricks(named(path))):
                assert not is_allowed(method, target), (method, target)
        logs = path in {"/services/ID", "/tasks/ID"}
        assert is_allowed("GET", f"/v1.41{named(path)}", logs=False) == (path in READ)
        assert is_allowed("GET", f"/v1.41{named(path)}") == (path in READ or logs)

    @pytest.mark.parametrize("path", PATHS)
    def test_no_path_is_let_through_that_is_written_otherwise(self, path: str) -> None:
        for target in tricks(named(path)):
            assert not is_allowed("GET", target), target
            assert not is_allowed("GET", f"/v1.41{target}"), target

    @pytest.mark.parametrize(
        "target",
        [
            "/volumes/v1.41/x",
            "/volumes/..",
            "/volumes/a%2Fb",
            "/volumes/-x",
            "/distribution/../containers/json",
            "/distribution/a/../../containers/json",
            "/distribution/a..b/json",
            "/distribution/a/json/json?x",
            "/distribution/http://a/b/json",
            "/distribution/A B/json",
            f"/services/{'s' * 25}/logs",
            f"/services/{'s' * 25}/logs?follow=1",
            f"/services/{'s' * 25}?insertDefaults=true",
            "/services/web",
            f"/containers/{'c' * 64}/logs?stdout=1",
            "/tasks?filters=%7B%7D",
            "/containers/json?all=1",
            "/containers/json?size=1",
            '/configs?filters={"name": ["dtdeploy.run"]}',
        ],
    )
    def test_what_is_near_to_something_else_is_refused(self, target: str) -> None:
        assert not is_allowed("GET", f"/v1.41{target}")
        assert not is_allowed("GET", target)

    @pytest.mark.parametrize("of", ["services", "tasks"])
    @pytest.mark.parametrize("query", ["follow=0&tail=all", "follow=1&tail=5&since=12.000000001"])
    def test_logs_only_where_the_key_lets_them_through(self, of: str, query: str) -> None:
        asked = "stdout=1&stderr=1&timestamps=1&details=1"
        target = f"/v1.41/{of}/{'a' * 25}/logs?{asked}&{query}"
        assert is_allowed("GET", target)
        assert not is_allowed("GET", target, logs=False)
        assert not is_allowed("GET", f"{target}&until=1")

    @given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126)))
    def test_no_word_before_or_behind_makes_another_question_of_one(self, more: str) -> None:
        for path in ("/info", "/services", "/containers/json"):
            assert not is_allowed("GET", f"{path}{more}") or not more
            assert not is_allowed("GET", f"/v1.41/{more}{path}") or not more

    @pytest.mark.parametrize(
        "line", [program.DIAL, f"{program.NAME} facts", f"{program.NAME} probe http://h:80/a?b=c"]
    )
    def test_the_lines_are_those_that_the_client_sends(self, line: str) -> None:
        dial = remote_line(["docker", "system", "dial-stdio"])
        assert line == dial or program.words_of(line)
        assert program.BEGIN == BEGIN


HOST = "Host: docker"


class TestHeads:
    """Requests that two readers might read differently."""

    @pytest.mark.parametrize(
        "fields",
        [
            "Content-Length: 0",
            "Content-Length: 44\r\nContent-Length: 0",
            "content-length:5",
            "Transfer-Encoding: chunked",
            "Transfer-Encoding: identity",
            "Transfer-Encoding : chunked",
            "Upgrade: tcp",
            "Upgrade: h2c\r\nHTTP2-Settings: x",
            "Connection: Upgrade",
            "Connection: keep-alive, Upgrade",
            "Connection: close\r\nConnection: keep-alive",
            "Expect: 100-continue",
            "TE: trailers",
            "Trailer: X",
            "X-HTTP-Method-Override: POST",
            "X-Original-URL: /containers/create",
            "Host: a\r\nHost: b",
            " folded",
            "Accept: a\r\n\tfolded",
            "Accept: a\nContent-Length: 5",
            "Accept: a\rContent-Length: 5",
            "Accept: \0",
            "no colon",
            ": no name",
            "Accept: \xff",
            f"Accept: {'a' * 9000}",
        ],
    )
    def test_a_header_that_may_hide_something_is_refused(self, fields: str) -> None:
        with pytest.raises(RefusedError):
            request(
                f"GET /info HTTP/1.1\r\n{HOST if 'Host' not in fields else 'Accept: x'}\r\n"
                f"{fields}".encode("latin-1")
            )

    def test_too_many_headers_are_refused(self) -> None:
        many = "\r\n".join(f"Accept: {n}" for n in range(100))
        with pytest.raises(RefusedError, match="100 headers"):
            request(f"GET /info HTTP/1.1\r\n{many}".encode())

    @pytest.mark.parametrize(
        "line",
        [
            "GET /info",
            "GET /info HTTP/1.0",
            "GET /info HTTP/2",
            "GET  /info HTTP/1.1",
            "GET\t/info HTTP/1.1",
            " GET /info HTTP/1.1",
            "GET /info HTTP/1.1 ",
            "GET http://docker/info HTTP/1.1",
            "GET info HTTP/1.1",
            "GET * HTTP/1.1",
            "GET /in\0fo HTTP/1.1",
            "GET /inf\xf6 HTTP/1.1",
            "PRI * HTTP/2.0",
            "",
        ],
    )
    def test_a_first_line_that_is_none_is_refused(self, line: str) -> None:
        with pytest.raises(RefusedError):
            request(f"{line}\r\n{HOST}".encode("latin-1"))

    @given(st.binary(max_size=400))
    def test_whatever_bytes_come_nothing_but_a_plain_question_passes(self, head: bytes) -> None:
        for text in (head, b"GET /info HTTP/1.1\r\n" + head, b"GET /info" + head):
            try:
                method, target = request(text)
            except RefusedError:
                continue
            lines = text.decode("ascii").split("\r\n")
            assert lines[0] == f"{method} {target} HTTP/1.1"
            names = {line.partition(":")[0].lower() for line in lines[1:]}
            assert names <= program.HEADERS


def talk(said: bytes, sock: Path, *, logs: bool = False) -> bytes:
    """Return what is answered on a stream that ends after `said`."""
    ours, theirs = socket.socketpair()
    home = Home({"HOME": "/none"})
    wire = Wire(theirs.fileno(), theirs.fileno())

    def serve() -> None:
        try:
            program.serve(wire, Docker(str(sock), home), home, Rights(logs=logs), MASK)
        except program.BrokenError:
            pass
        finally:
            theirs.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    ours.sendall(said)
    ours.shutdown(socket.SHUT_WR)
    answer = b""
    while more := ours.recv(65536):
        answer += more
    thread.join(10)
    ours.close()
    theirs.close()
    return answer


def get(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\n{HOST}\r\n\r\n".encode()


@pytest.fixture
def sock(tmp_path: Path) -> Path:
    return tmp_path / "docker.sock"


class TestStreams:
    def test_questions_are_answered_in_their_order(self, daemon: Daemon, sock: Path) -> None:
        said = talk(get("/version") + get("/v1.41/nodes") + get("/v1.41/services"), sock)
        assert said.count(b"HTTP/1.1 200 OK\r\n") == 3
        assert daemon.asked == ["GET /version", "GET /v1.41/nodes", "GET /v1.41/services"]

    def test_a_question_that_is_refused_leaves_the_next_one_answered(
        self, daemon: Daemon, sock: Path
    ) -> None:
        said = talk(get("/v1.41/swarm") + get("/v1.41/nodes"), sock)
        assert said.startswith(b"HTTP/1.1 403 Forbidden\r\n")
        assert b"this login may only look; refused: GET /v1.41/swarm" in said
        assert said.count(b"HTTP/1.1 200 OK\r\n") == 1
        assert daemon.asked == ["GET /v1.41/nodes"]

    @pytest.mark.parametrize(
        "second",
        [
            b"POST /v1.41/services/create HTTP/1.1\r\nHost: docker\r\n\r\n",
            b"DELETE /v1.41/services/x HTTP/1.1\r\nHost: docker\r\n\r\n",
            b"HEAD /v1.41/nodes HTTP/1.1\r\nHost: docker\r\n\r\n",
            b"GET /v1.41/nodes HTTP/1.1\r\nContent-Length: 67\r\n\r\n",
            b"GET /v1.41/nodes HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"GET /v1.41/nodes HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
            b"GET /v1.41/nodes HTTP/1.1\r\nX: " + b"a" * 40_000 + b"\r\n\r\n",
            b"\x16\x03\x01\r\n\r\n",
        ],
    )
    def test_after_one_that_may_hide_another_nothing_more_is_read(
        self, daemon: Daemon, sock: Path, second: bytes
    ) -> None:
        hidden = b"POST /v1.41/services/create HTTP/1.1\r\nHost: docker\r\n\r\n"
        said = talk(get("/version") + second + hidden + get("/v1.41/nodes"), sock)
        assert daemon.asked == ["GET /version"]
        assert said.count(b"HTTP/1.1 403 Forbidden\r\n") == 1
        assert b"\r\nConnection: close\r\n" in said

    def test_no_end_to_a_head_is_refused_by_its_size(self, daemon: Daemon, sock: Path) -> None:
        said = talk(b"GET /version HTTP/1.1\r\n" + b"Accept: a\r\n" * 10_000, sock)
        assert b"more than 16384 bytes" in said
        assert daemon.asked == []

    def test_headers_of_the_client_are_not_passed_on(self, daemon: Daemon, sock: Path) -> None:
        head = "GET /v1.41/distribution/app/json HTTP/1.1\r\nHost: docker\r\n"
        talk(f"{head}X-Registry-Auth: e30=\r\nAccept: */*\r\n\r\n".encode(), sock)
        assert daemon.asked == ["GET /v1.41/distribution/app/json"]
        assert daemon.logins == []

    def test_an_answer_that_is_not_json_is_not_shown(self, daemon: Daemon, sock: Path) -> None:
        daemon.replies["GET /nodes"] = lambda: (200, SECRET.encode())
        said = talk(get("/v1.41/nodes"), sock)
        assert said.startswith(b"HTTP/1.1 502 ")
        assert SECRET.encode() not in said

    @pytest.mark.parametrize("body", ["null", "3", '"x"', '[1, "x", null]', '{"Spec": 3}', "[[]]"])
    @pytest.mark.parametrize("path", ["/nodes", "/services", "/tasks", "/configs", "/info"])
    def test_an_odd_answer_ends_nothing(
        self, daemon: Daemon, sock: Path, path: str, body: str
    ) -> None:
        daemon.replies[f"GET {path}"] = lambda: (200, body.encode())
        said = talk(get(f"/v1.41{path}") + get("/version"), sock)
        assert said.count(b"HTTP/1.1 200 OK\r\n") == 2

    def test_an_error_holds_nothing_but_its_words(self, daemon: Daemon, sock: Path) -> None:
        words = {"message": "no", "Env": [SECRET]}
        daemon.replies["GET /nodes"] = lambda: (503, json.dumps(words).encode())
        said = talk(get("/v1.41/nodes"), sock)
        assert said.endswith(b'\r\n\r\n{"message": "no"}')
        assert SECRET.encode() not in said


def paths_of(shape: Any, at: str = "") -> set[str]:
    """Return the paths of all values that a shape lets through."""
    if isinstance(shape, list):
        return paths_of(shape[0], at)
    if isinstance(shape, dict):
        inner = (paths_of(value, f"{at}.{name}") for name, value in shape.items())
        return set().union(*inner)
    return {at}


def read_by(kind: Any, at: str = "") -> set[str]:
    """Return the paths of all values that a type of pydantic reads."""
    origin = get_origin(kind)
    if origin is Annotated:
        return read_by(get_args(kind)[0], at)
    if origin in (Union, UnionType, tuple):
        parts = [part for part in get_args(kind) if part not in (type(None), Ellipsis)]
        return set().union(*(read_by(part, at) for part in parts))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = kind.model_fields.values()
        return set().union(*(read_by(f.annotation, f"{at}.{f.alias}") for f in fields))
    return {at}


TASK_SHAPE = program._TASK  # noqa: SLF001 the function around it only cuts words
_LOGS = {".Spec.ContainerSpec.TTY", ".Spec.LogDriver.Name"}
_OF_LOGS = {".Spec.TaskTemplate.ContainerSpec.TTY", ".Spec.TaskTemplate.LogDriver.Name"}
SHAPES: dict[str, tuple[Any, tuple[Any, ...], set[str]]] = {
    "info": (program.INFO, (parse._Info,), set()),  # noqa: SLF001 as below: what is read of it
    "version": (program.VERSION, (parse._EngineVersion,), set()),  # noqa: SLF001
    "node": (program.NODE, (parse._Node,), set()),  # noqa: SLF001
    "service": (program.SERVICE, (parse._Service, ingress._Service), set()),  # noqa: SLF001
    "task": (TASK_SHAPE, (parse._Task, parse._Attachment, ingress._Task), _LOGS),  # noqa: SLF001
    "network": (program.NETWORK, (parse._Network, ingress._Network), set()),  # noqa: SLF001
    "secret": (program.SECRET, (parse._Resource,), set()),  # noqa: SLF001
    "container": (program.CONTAINER, (parse._Container,), set()),  # noqa: SLF001
    "volume": (program.VOLUME, (parse._Volume,), set()),  # noqa: SLF001
}
NOT_READ = {
    ".Spec.Availability",
    ".Spec.Role",
    ".NetworksAttachments.Network.Spec.Labels",
    ".NetworksAttachments.Network.Spec.Availability",
    ".NetworksAttachments.Network.Spec.Role",
    ".Spec.TaskTemplate.ContainerSpec.Secrets.ConfigID",
    ".Spec.TaskTemplate.ContainerSpec.Secrets.ConfigName",
    ".Spec.TaskTemplate.ContainerSpec.Configs.SecretName",
}
"""Of models that stand for more than one kind of thing."""


@pytest.mark.parametrize("name", SHAPES)
def test_all_that_dtdeploy_reads_is_let_through_and_nothing_more(name: str) -> None:
    shape, models, besides = SHAPES[name]
    read = set().union(*map(read_by, models)) | besides
    let_through = paths_of(shape)
    assert read - let_through <= NOT_READ
    assert let_through <= read


def test_configs_are_shown_as_they_are_read() -> None:
    whole = {
        "ID": "c",
        "Version": {"Index": 3},
        "CreatedAt": "x",
        "UpdatedAt": "2026-11-22T20:04:00Z",
        "Spec": {"Name": LOCK, "Labels": {"a": "b", "dtdeploy.run": "r"}, "Data": "eA=="},
    }
    shown = json.dumps(program.config(whole, MASK)).encode()
    assert stored_config.one(shown) == stored_config.one(json.dumps(whole).encode())


def test_data_of_any_other_config_is_not_shown() -> None:
    for name in ("app_settings", "dtdeploy.runs", "DTDEPLOY.RUN", "xdtdeploy.run"):
        spec = {"Name": name, "Labels": {"a": SECRET, "dtdeploy.x": "y"}, "Data": "eA=="}
        shown = program.config({"ID": "c", "Spec": spec}, MASK)
        assert shown == {"ID": "c", "Spec": {"Name": name, "Labels": {"dtdeploy.x": "y"}}}


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("nodes", parse.nodes),
        ("networks", parse.networks),
        ("configs", parse.resources),
        ("secrets", parse.resources),
        ("containers", parse.containers),
        ("tasks-attachment", parse.attached),
    ],
)
def test_what_is_no_secret_is_read_as_from_the_daemon(kind: str, read: Any) -> None:
    path = {"containers": "/containers/json", "tasks-attachment": "/tasks"}.get(kind, f"/{kind}")
    raw = captured(kind)
    shown = json.dumps(shaped(json.loads(raw), program.PATHS[path], MASK)).encode()
    assert read(shown) == read(raw)
    assert len(read(raw)) > 0


def everything(shape: Any) -> Any:
    """Return an answer that has a secret wherever `shape` lets something through, and elsewhere."""
    if isinstance(shape, list):
        return [everything(shape[0])]
    if isinstance(shape, dict):
        return {name: everything(inner) for name, inner in shape.items()} | {"Other": SECRET}
    samples: Mapping[Any, Any] = {
        program.environment: [f"A={SECRET}", "B", "C=x=y"],
        program.hidden_words: ["run", SECRET],
        program.health_test: ["CMD", SECRET],
        program.labels: {"team.key": SECRET, "dtdeploy.run": "r"},
        program.our_labels: {"team.key": SECRET, "dtdeploy.run": "r"},
        program.hidden_settings: {"o": SECRET},
        program.existing: {"x": SECRET},
        program.texts: ["plain"],
        program.settings: {"plain": "x"},
    }
    return samples.get(shape, "plain")


@pytest.mark.parametrize("name", SHAPES)
def test_no_value_that_may_be_secret_leaves(name: str) -> None:
    shape, _, _ = SHAPES[name]
    shown = json.dumps(shaped(everything(shape), shape, MASK))
    assert SECRET not in shown
    assert "Other" not in shown


def test_none_of_the_fields_of_a_service_that_may_be_secret_is_shown() -> None:
    """Named here by themselves, and not by the program: those of `SECRETIVE` in fleet/facts.py."""
    driver = {"Name": "x", "Options": {"o": SECRET}}
    container = {
        "Env": [f"A={SECRET}"],
        "Command": [SECRET],
        "Args": [SECRET],
        "Labels": {"team.key": SECRET},
        "Healthcheck": {"Test": ["CMD-SHELL", SECRET]},
        "Mounts": [{"VolumeOptions": {"Labels": {"x": SECRET}, "DriverConfig": driver}}],
    }
    template = {
        "ContainerSpec": container,
        "Networks": [{"Target": "n", "DriverOpts": {"o": SECRET}}],
        "LogDriver": driver,
    }
    spec = {"Name": "s", "Labels": {"traefik.auth": SECRET}, "TaskTemplate": template}
    known = {"ID": "s", "Spec": spec, "PreviousSpec": spec}
    shown = shaped(known, program.SERVICE, MASK)
    assert SECRET not in json.dumps(shown)
    assert json.dumps(shown).count(MASK(SECRET)) == json.dumps(spec).count(SECRET)
    (seen,) = parse.services(json.dumps([shown | {"Version": {"Index": 1}}]).encode())
    assert {fact.kind for fact in seen.facts if masked.is_masked(fact.value)} == SECRETIVE


def test_a_container_of_a_kind_that_is_not_expected_is_not_shown() -> None:
    for shape in (program.plain, program.texts, program.labels, program.environment):
        shown = shaped({"x": {"y": SECRET}}, {"x": shape}, MASK)
        assert SECRET not in json.dumps(shown) or "dtdeploy-look" in json.dumps(shown)


def test_words_of_a_task_quote_no_variable_and_no_odd_argument() -> None:
    spec = {
        "Env": [f"A={SECRET}", "B=no"],
        "Command": ["/bin/sh", f"--key={SECRET}x"],
        "Args": None,
    }
    said = f'exec: "/bin/sh" --key={SECRET}x {SECRET}: no such file'
    seen: Any = program.task({"Status": {"Err": said}, "Spec": {"ContainerSpec": spec}}, MASK)
    assert seen["Status"]["Err"] == 'exec: "/bin/sh" *** ***: no such file'


def test_a_digest_is_the_one_that_the_client_compares_with() -> None:
    for value in ("", SECRET, "äö=\n", "a" * 100_000):
        assert masked.same(MASK(value), value)
        assert masked.is_masked(MASK(value))
        assert not masked.same(MASK(value), f"{value}.")
        assert MASK(value) != Mask(b"\2" * 16)(value)
        assert MASK(value).count(":") == 2
    assert hashlib.sha256(SECRET.encode()).hexdigest()[:8] not in MASK(SECRET)


class TestHome:
    @pytest.fixture
    def home(self, tmp_path: Path) -> Home:
        (tmp_path / ".docker").mkdir()
        return Home({"HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"})

    @staticmethod
    def writes(tmp_path: Path, config: object) -> None:
        (tmp_path / ".docker" / "config.json").write_text(json.dumps(config))

    def test_of_a_login_its_registry_and_its_end_are_told(self, home: Home, tmp_path: Path) -> None:
        claims = base64.urlsafe_b64encode(b'{"exp": 123, "sub": "s3cret"}').decode().rstrip("=")
        auth = base64.b64encode(f"user:{SECRET}".encode()).decode()
        token = f"aaa.{claims}.signature"
        self.writes(
            tmp_path,
            {
                "auths": {"a": {"auth": auth}, "b": {"identitytoken": token}},
                "credHelpers": {"c": "x"},
            },
        )
        shown = home.logins()
        assert set(shown) == {"auths"}
        assert shown["auths"]["a"] == {}
        assert shown["auths"]["c"] == {}
        told = shown["auths"]["b"]["identitytoken"].split(".")
        assert json.loads(base64.urlsafe_b64decode(told[1] + "==")) == {"exp": 123}
        assert told[2] == ""
        assert home.registries() == {"a", "b", "c"}

    def test_the_login_of_an_image_is_that_of_its_registry(
        self, home: Home, tmp_path: Path
    ) -> None:
        auth = base64.b64encode(b"user:word").decode()
        self.writes(
            tmp_path,
            {"auths": {"https://reg.lab/v2/": {"auth": auth}, program.HUB: {"identitytoken": "t"}}},
        )
        decoded = {
            image: json.loads(base64.urlsafe_b64decode(text)) if (text := home.login(image)) else {}
            for image in (
                "reg.lab/a:1",
                "app",
                "docker.io/library/app",
                "evil.lab/a",
                "reg.lab.evil/a",
            )
        }
        assert decoded["reg.lab/a:1"] == {
            "username": "user",
            "password": "word",
            "serveraddress": "reg.lab",
        }
        assert (
            decoded["app"]
            == decoded["docker.io/library/app"]
            == {"identitytoken": "t", "serveraddress": program.HUB}
        )
        assert decoded["evil.lab/a"] == decoded["reg.lab.evil/a"] == {}

    @pytest.mark.parametrize("text", ["", "[]", "{", '{"auths": 3}', '{"auths": {"a": 3}}'])
    def test_a_configuration_that_is_odd_holds_no_login(
        self, home: Home, tmp_path: Path, text: str
    ) -> None:
        (tmp_path / ".docker" / "config.json").write_text(text)
        assert home.login("a.lab/b") == ""
        assert not any(home.logins()["auths"].values())

    def test_the_audit_log_is_read_from_its_end(self, home: Home, tmp_path: Path) -> None:
        assert home.audit() == b""
        (tmp_path / ".dtdeploy").mkdir()
        (tmp_path / ".dtdeploy" / "audit.log").write_bytes(b"x" * program.MOST_AUDIT + b"end\n")
        assert len(home.audit()) == program.MOST_AUDIT
        assert home.audit().endswith(b"end\n")


def pythons() -> Iterator[str]:
    """Yield the running Python, and 3.9 where it can be had."""
    yield sys.executable
    found = shutil.which("python3.9")
    if found and subprocess.run([found, "-V"], capture_output=True, check=False).returncode == 0:
        yield found


@pytest.mark.parametrize("python", list(pythons()))
def test_the_program_runs_by_itself_and_refuses_a_shell(python: str, tmp_path: Path) -> None:
    copy = tmp_path / "dtdeploy-look"
    shutil.copy(program.__file__, copy)
    for asked, code in (("id", 77), ("dtdeploy-look logins", 0), ("dtdeploy-look release", 77)):
        environ = {"SSH_ORIGINAL_COMMAND": asked, "HOME": str(tmp_path)}
        done = subprocess.run(
            [python, "-I", str(copy)], env=environ, capture_output=True, check=False, text=True
        )
        assert done.returncode == code, done.stderr
        assert done.stdout.encode().startswith(program.MARK)


def test_the_program_is_written_for_the_python_of_debian_11_and_needs_nothing_else() -> None:
    tree = ast.parse(Path(program.__file__).read_text(), feature_version=(3, 9))
    imports = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imports <= sys.stdlib_module_names


def test_no_text_of_the_client_is_run() -> None:
    tree = ast.parse(Path(program.__file__).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named_so = {ast.unparse(call.func) for call in calls}
    assert not named_so & {"eval", "exec", "os.system", "os.popen", "subprocess.Popen", "os.execv"}
    runs = [
        ast.unparse(call.args[0]) for call in calls if ast.unparse(call.func) == "subprocess.run"
    ]
    assert sorted(runs) == [
        "['/bin/sh', '-c', script, 'sh', root]",
        "[f'docker-credential-{helper}', 'get']",
    ]
