"""All that reads what others wrote, each with what it is given well and what it may refuse with."""

import io
import json
import random
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from paramiko.hostkeys import HostKeys
from pydantic import ValidationError

from orchestrator.command_line import words_of
from orchestrator.engine import journal_format, record
from orchestrator.errors import FleetError, InventoryError, RefusedError
from orchestrator.fleet.secrecy import hide_secrets
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.load import load_inventory
from orchestrator.planning import plan_file
from orchestrator.procedures import hold, owed
from orchestrator.procedures.effects import StoredConfig
from orchestrator.report.audit import read_line
from orchestrator.sources.compose import compose
from orchestrator.sources.duration import seconds
from orchestrator.sources.interpolate import Variables
from orchestrator.swarm import examine, inspection, listening, parse, registry, stored_config
from orchestrator.swarm.held_release import unpacked
from orchestrator.swarm.known_hosts import UnreadableLineError, known_keys
from orchestrator.words.foreign import clean
from tests.engine.test_record import RECORD
from tests.hostile import mutations
from tests.planning.saved import saved_plan
from tests.procedures.test_hold import HOLD, STEPS

CAPTURED = Path(__file__).parent.parent / "swarm/captured"
REVOKED = "@revoked * ssh-ed25519 AAAA"
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIJ" + "A" * 41 + "A"
SITES = b"""version: 1
managed_prefix: app
coordinator: home
announce: [ROOM]
repos:
  app: {url: "ssh://git@git.example/app", ref: main}
sites:
  home:
    manager: {host: home.example, user: op, port: 2222}
    note: "the first"
    groups: [all]
    stacks: [app]
  far:
    manager: [a.far, b.far]
    state: watched
    stacks:
      app: {variables: {WORKERS: "4"}, secret_variables: [DB_PASSWORD]}
freeze:
  - {from: "2026-12-24 00:00", until: "2026-12-27 00:00", timezone: UTC, reason: holidays}
"""
STACK = b"""description: What all use
repo: app
compose: stacks/{site}.yaml
depends_on: []
services: [web, db]
probes:
  - {name: web, kind: http, host: 127.0.0.1, port: 80, path: /health, expect: {a.b: 1}}
  - {name: db, kind: tcp, host: db.example, port: 5432, via: manager, timeout: 5s}
policy: {stable: 10s, healthy: 5m}
"""
COMPOSE = b"""version: "3.8"
x-log: &log
  driver: json-file
  options: {max-size: "10m"}
services:
  web:
    image: "registry:5000/web:${TAG:-1}"
    command: ["serve", "--port", "80"]
    environment: {A: "1", B: "$$x"}
    ports: ["80:8080/udp", {target: 1, published: 2, mode: host}]
    networks: [back]
    volumes: ["data:/data:ro"]
    configs: [{source: c, target: /c, mode: 0440}]
    logging: *log
    healthcheck: {test: ["CMD", "true"], interval: 1m30s, retries: 3}
    deploy:
      replicas: 2
      resources: {limits: {cpus: "0.5", memory: 50M}}
      placement: {constraints: ["node.role == manager"]}
networks: {back: {driver: overlay}}
volumes: {data: {}}
configs: {c: {file: ./c.conf}}
"""
PROC = b"""  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 00000000000000000000000000000000:0016 00000000:0000 0A 00000000:00000000 00:00000000
"""
LOGINS = b"""{"auths": {"registry:5000": {"auth": "dTpw"}, "https://index.docker.io/v1/":
{"identitytoken": "eyJhIjoxfQ.eyJleHAiOjE4MDAwMDAwMDB9.x"}}, "credsStore": "pass",
"credHelpers": {"gcr.io": "gcloud"}}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """`make` draws an input, `read` reads it; `refusals` are the errors that are ours."""

    name: str
    make: Callable[[random.Random], object]
    read: Callable[..., object]
    refusals: tuple[type[Exception], ...] = ()


def _texts(*seeds: bytes) -> Callable[[random.Random], bytes]:
    return lambda draw: mutations.text(draw, seeds)


def _json(*seeds: bytes) -> Callable[[random.Random], bytes]:
    """Damage values in two of three, bytes in the third."""

    def make(draw: random.Random) -> bytes:
        if not draw.randrange(3):
            return mutations.text(draw, seeds)
        return json.dumps(mutations.value(draw, _loaded(draw.choice(seeds)))).encode()

    return make


@cache
def _loaded(seed: bytes) -> object:
    return json.loads(seed)


def _plan_file(draw: random.Random) -> bytes:
    """Damage a saved plan; in two of three its hash is right all the same."""
    seed, _ = _saved()
    if not draw.randrange(3):
        return mutations.text(draw, [seed])
    body = mutations.value(draw, _loaded(seed))
    if not isinstance(body, dict):
        return json.dumps(body).encode()
    body.pop("sha256", None)
    plain = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = sha256(plain.encode(errors="surrogatepass")).hexdigest()
    shown = json.dumps(body, sort_keys=True, indent=2, ensure_ascii=False)
    return f'{{\n  "sha256": "{digest}",\n{shown[2:]}\n'.encode(errors="surrogatepass")


@cache
def _saved() -> tuple[bytes, str]:
    return plan_file.encode(saved_plan())


def _record(draw: random.Random) -> bytes:
    packed = record.encode(RECORD)
    if not draw.randrange(3):
        return mutations.text(draw, [packed])
    return zlib.compress(_json(zlib.decompress(packed))(draw), 1)


def _labels(draw: random.Random) -> StoredConfig:
    unit = '{"run":"r1","since":1800000000.0,"reason":"left out"}'
    labels = dict(hold.to_labels(HOLD, STEPS)) | {"dtdeploy.owed.app@home": unit}
    for _ in range(draw.randint(1, 3)):
        name = draw.choice(list(labels))
        damaged = mutations.text(draw, [labels.pop(name).encode(), name.encode()])
        if draw.randrange(4):
            labels[name] = damaged.decode(errors="replace")
        else:
            labels[damaged.decode(errors="replace")] = "x"
    return StoredConfig(id="c", name="n", version=1, labels=tuple(labels.items()), data=b"")


def _read_labels(config: StoredConfig) -> object:
    return hold.from_labels(config, STEPS), hold.session_of(config), owed.listed(config)


class _Folder:
    """A folder of its own for readers that open files; one file in it is written anew."""

    def __init__(self) -> None:
        self._kept = tempfile.TemporaryDirectory()
        self.path = Path(self._kept.name)
        (self.path / "stacks").mkdir()
        (self.path / "sites.yaml").write_bytes(SITES)
        (self.path / "stacks/app.yaml").write_bytes(STACK)

    def holds(self, name: str) -> Callable[[bytes], Path]:
        def write(content: bytes) -> Path:
            (self.path / name).write_bytes(content)
            return self.path

        return write


def _inventory(name: str) -> Callable[[bytes], object]:
    write = _Folder().holds(name)
    return lambda content: load_inventory(write(content) / "sites.yaml")


def _known_hosts() -> Callable[[bytes], object]:
    write = _Folder().holds("known")
    return lambda content: known_keys(["[a.b]:22", "a.b"], [write(content) / "known"])


def _composed(content: bytes) -> object:
    given = Variables(plain={"TAG": "2"})
    return compose(content, file="c.yaml", unit=Unit("app", "home"), variables=given)


def _archive() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in ("./compose.yaml", "./deep/" + "x" * 120):
            member = tarfile.TarInfo(name)
            member.size = 5
            tar.addfile(member, io.BytesIO(b"hello"))
    return made.getvalue()


def _of_docker(name: str, read: Callable[..., object], *, given: int = 1) -> Reader:
    make = _json((CAPTURED / f"{name}.json").read_bytes())
    refusals = (ValidationError, KeyError)  # swarm/look.py, or_unseen
    return Reader(
        name=f"docker {name}",
        make=make,
        read=lambda content: read(*[content] * given),
        refusals=refusals,
    )


def _words(read: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda content: read(content.decode(errors="replace"))


def readers() -> tuple[Reader, ...]:
    """Return all of them."""
    hosts = f"a.b,*.c ssh-ed25519 {KEY} x\n{HostKeys.hash_host('a.b')} ssh-rsa AAAA\n{REVOKED}\n"
    entry = b'{"at":1.5,"kind":"step","step":"a","body":{"a":[1,"x"]}}'
    dates = b"notBefore=Nov 30 10:00:00 2026 GMT\nnotAfter=Feb 28 10:00:00 2027 GMT\n"
    audit = b"2026-11-30T10:00:00+00:00 run=r1 by=ann@desk step='deploy' DeployStack app"
    spoken = b'token=abc "password":"x" https://a:b@c/ Authorization: Bearer x \x1b[31m'
    return (
        Reader(name="sites.yaml", make=_texts(SITES), read=_inventory("sites.yaml"),
               refusals=(InventoryError,)),
        Reader(name="stack file", make=_texts(STACK), read=_inventory("stacks/app.yaml"),
               refusals=(InventoryError,)),
        Reader(name="compose file", make=_texts(COMPOSE), read=_composed),
        Reader(name="plan file", make=_plan_file, read=plan_file.decode, refusals=(RefusedError,)),
        Reader(name="record", make=_record, read=record.decode, refusals=(RefusedError,)),
        Reader(name="labels", make=_labels, read=_read_labels),
        Reader(name="journal entry", make=_json(entry), read=journal_format.decode,
               refusals=(journal_format.UnfitError,)),
        Reader(name="known_hosts", make=_texts(hosts.encode()), read=_known_hosts(),
               refusals=(UnreadableLineError,)),
        _of_docker("version", parse.api_versions),
        _of_docker("info", parse.info),
        _of_docker("nodes", parse.nodes),
        _of_docker("services", parse.services),
        _of_docker("tasks", parse.tasks, given=2),
        _of_docker("tasks-attachment", parse.attached),
        _of_docker("networks", parse.networks),
        _of_docker("secrets", parse.resources),
        _of_docker("configs", lambda raw: stored_config.named(raw, "x")),
        _of_docker("containers", lambda raw: (parse.containers(raw), parse.container_ports(raw))),
        Reader(name="/proc/net/tcp", make=_texts(PROC), read=lambda t: listening.ports(t, "tcp"),
 refusals=(ValueError,)),
        Reader(name="docker --version", make=_texts(b"Docker version 20.10.24+dfsg1, build 5d6d"),
               read=examine.cli_version),
        Reader(name="df -Pk", make=_texts(b"Filesystem 1K Used\n/dev/a 100 20 80 20% /\n"),
               read=lambda text: examine.disk("home", text), refusals=(FleetError,)),
        Reader(name="docker system df", make=_texts(b"Images 3 1 1.2GB 800MB (66%)\n"),
               read=_words(inspection.reclaimable)),
        Reader(name="certificate", make=_texts(dates),
               read=_words(lambda text: inspection.certificate(text, 1.8e9))),
        Reader(name="registry logins", make=_json(LOGINS),
               read=lambda text: (registry.read_logins(text).of("registry:5000/x"),
                                  registry.expiries(text), registry.helper_login(text))),
        Reader(name="release archive", make=_texts(_archive()), read=unpacked,
               refusals=(tarfile.TarError, ValueError, OSError)),
        Reader(name="audit line", make=_texts(audit),
               read=_words(lambda text: read_line("home", text))),
        Reader(name="duration", make=_texts(b"1h2m3.5s", b"500ms", b"0"), read=_words(seconds)),
        Reader(name="words", make=_texts(spoken),
               read=_words(lambda text: (clean(text), hide_secrets(text), words_of(text)))),
    )  # fmt: skip
