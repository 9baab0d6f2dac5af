"""Compose files of one strange value each, for every field of the schema, to hold against Docker.

Most are no files that anybody would write: it is where our reading ends and Docker's begins that
matters.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from orchestrator.sources.schema import COMPOSE_FILE
from orchestrator.sources.shape import Either, Keys, ListOf, Named, Rule, Since

Path = tuple[str, ...]

# fmt: off
_ANYWHERE = (
    "1", "0", "-1", '"1"', "1.0", "3.0", "1.5", "true", "yes", '"yes"', "off", "~", '""', "a",
    "x y", "10s", '"10s"', '"1h30m"', "1m30", '"-5s"', '"0"', "512M", '"512Mi"', "64mb", '".5G"',
    "1.5g", '"1 kb"', "50%", "0.5", '".5"', "1/2", '"1e3"', "1e3", "0x10", "010", "0o17", "1_000",
    "0891234567", "2024-05-01", "2024-05-01T10:00:00Z", "!!str 5", '!!int "5"', "[a]", "[a, a]",
    "[]", "{}", "{a: b}", "{a: 1}", "{a: ~}", "[1]", '"$$x"', '"$"', "${V}", "${V:-7}",
    '"${U:-}"', "a=b", "a:b", "a==b", '"a\\tb"', '"a\\x07"', "é", "A", "ALWAYS", "none", "host",
    "any", ".inf", ".nan", "+5", "99999999999", "0b11", "1:30", '"\\u2028"', "<x>", "=",
    "{x-a: 1}", "{b: [c]}", "4294967296", "0644", '"0644"', "440", "0o440", "12.5", '"1.0"',
    "1e400", "NULL", "Null", "TRUE", "on", "n", "y",
)
"""What is tried in every field."""
_FIELDS: dict[str, tuple[str, ...]] = {
    "memory": (
        "1M", "4M", "3999k", '"0"', "512m", "512MB", "512mib", "1t", "1P", "1e", '"1 G"',
        "1.5.5g", "-5m", '""', "12b", "4194304", '"4194304"',
    ),
    "cpus": (
        '"0.25"', '"1"', '"100"', '"0.0000000001"', '"1.0001"', '"0.001"', '"-1"', '"1/4"',
        '"1e-3"', '"0x1"', '"+1"', '".5"', '"5."', '" 1"',
    ),
    "ports": (
        '"80"', "80", '"8080:80"', '"127.0.0.1:80:80"', '"80-82"', '"8000-8002:80-82"',
        '"8000-8001:80-82"', '"8000-8002:80"', '"53:53/udp"', '"53/tcp"', '"80:80/sctp"',
        '"80:80/icmp"', '"[::1]:80:80"', '"::80"', '":80"', '"80:"', '"70000:80"', '"0:80"',
        '"80:0"', '"a:b"', '"1.2.3:80:80"', '"80/TCP"', "8080.5", '"8080:80/tcp/udp"', '"-1:80"',
        '"80:80:80"', '"82-80"', '"host:80:80"', '"80:80 "', '" 80:80"', '"0080:80"',
        '"127.0.0.1::80"',
    ),
    "volumes": (
        "/d", '"v:/d"', '"v:/d:ro"', '"v:/d:rw"', '"v:/d:ro,nocopy"', '"/a:/d"',
        '"/a:/d:rshared"', '"/a:/d:z"', '"/a:/d:xyz"', '"./a:/d"', '"~/a:/d"', '"C:\\\\data:/d"',
        '"C:/data:/d"', '"v:"', '":/d"', '"v:/d:ro:rw"', '"a:b:c:d"', '""', "v", '"v:d"',
        '"../a:/d"', '"v:/d:"', '"a/b:/d"', '"/d:"', '"."', '"c:/d"', '"c:\\\\x:d:\\\\y"',
        '"//server/share:/d"', '"\\\\\\\\.\\\\pipe\\\\x:\\\\\\\\.\\\\pipe\\\\x"', '"V:/d"',
        '"v:/d,ro"', '"$$v:/d"', '"npipe:/d"', '"d:/e:ro"', '"ab:/e/../f"',
    ),
    "image": (
        "MyOrg/App:1.0", "repo/app", "repo/app:1@sha256:" + "a" * 64, "repo/app@sha256:abc",
        '"repo/app:"', '"a b"', "localhost:5000/x:1", "UPPER", "http://x/y", "x/y:tag:tag",
        '"x/y:-bad"', "a//b", '"sha256:' + "a" * 64 + '"', "a" * 64, "x/y:" + "t" * 129,
        '"repo/app:${V}"', '"repo/app:${U:-}"', "a_b/c__d", "a___b", ".x/y", "x-/y",
        "docker.io/library/nginx", "index.docker.io/x:1", "x@sha512:" + "a" * 128, "éx", "x/Y:1",
        "X.com/y:1", "x:1/y",
    ),
    "command": (
        "sh -c 'echo it", '"a \\"b c\\" d"', '"a # b"', "'it''s x'", '"a\\\\ b"', "[a, 1]", '""',
        '[""]', '"  "', "[]", '"a\\nb"', "echo $$HOME", "echo 'a b'c", '"a\\\\"', '"\'a"',
        "'#x y'",
    ),
    "restart": (
        '"no"', "no", "always", "on-failure", '"on-failure:3"', "unless-stopped", "sometimes",
        '"on-failure:x"', '"always:3"', '"on-failure:"', '"on-failure:-1"', '"unless-stopped:1"',
        '"no:1"', '"on-failure:1:2"',
    ),
    "condition": (
        "always", "none", "on-failure", "any", "sometimes",
    ),
    "failure_action": (
        "pause", "continue", "rollback", "restart",
    ),
    "order": (
        "start-first", "stop-first", "startfirst",
    ),
    "mode": (
        "ingress", "host", "hst", "replicated", "global", "replicated-job", "global-job",
        "replica", "0444", '"0444"', "256", "0o444",
    ),
    "endpoint_mode": (
        "vip", "dnsrr", "dns",
    ),
    "extra_hosts": (
        '["db:10.0.0.9"]', '["db=10.0.0.9"]', "{db: 10.0.0.9}", '["db:::1"]', '["db=[::1]"]',
        '["db"]', '["a:1.1.1.1","a:1.1.1.2"]', "{db: ~}", '["db:host-gateway"]', '["db:x y"]',
        '{"a b": 1.2.3.4}', '["=1.2.3.4"]', '["db:[::1]"]', '{db: "[::1]"}',
    ),
    "constraints": (
        '["node.role == manager"]', '["node.role=manager"]', '["node.role = manager"]',
        '["node.role==manager"]', '["node.x==1"]', '["node.labels.a!=b"]', '["a==b==c"]',
        '["engine.labels.x == y"]', '[""]', '["node.labels.a == b c"]',
        '["node.platform.os==linux"]', '["node.ip==10.0.0.0/8"]', '["node.labels.== b"]',
        '["node.id == ~x"]', '["node.hostname == *x"]',
    ),
    "ulimits": (
        "{nofile: 5}", "{nofile: {soft: 1, hard: 2}}", "{nofile: {soft: 2, hard: 1}}",
        "{nofile: {soft: 1}}", "{nofile: -1}", "{xx: 1}", '{nofile: "5"}', "{nofile: ${V:-5}}",
    ),
    "sysctls": (
        '["a.b=1"]', "{a.b: 1}", "{a.b: ~}", '["a.b"]', "{a.b: 1.5}", "{a.b: true}",
    ),
    "environment": (
        "[A=b, A=c]", "[A=b, B]", "[A]", "{A: 1}", "{A: 1.5}", "{A: true}", "{A: ~}", '["=x"]',
        '["A=b=c"]', "{A: 0891234567}", "{A: 2024-05-01}", "{A: 1e3}", "{A: 010}", "{A: 0x1F}",
        "{A: yes}", '{"A B": c}', "{A: 1_000}", "{A: 12345678901234567890}", "{A: 1.10}",
        "{A: .5}", '{A: "a\\nb"}', "{A: -0}", "{A: +1}", "{A: 0.1e-7}", "{A: 123456789.0}",
        "{A: .inf}", '["a b=c"]', "{a=b: c}", "{A: 0o17}", "{A: 0b101}", "{A: 1:30}", "{A: =}",
        "{A: !!float 1}", "{A: 100000}", "{A: 1000000.0}", "{A: 21}", "{A: 1e21}", "{A: 08}",
        "{A: -010}", "{A: 2001-12-14t21:59:43.10-05:00}", "{A: 2001-12-14 21:59:43}",
        "{A: 2001-1-1}",
    ),
    "interval": (
        '"10s"', "10s", '"1.5s"', '"10"', "10", '"1d"', '"1µs"', '"0s"', '"-1s"', '"500us"',
        '"0.5ms"', '"1h1h"', '"1ns"', '"1s "', '"1e3s"', '""', '"9999999h"',
    ),
    "retries": (
        "3", "0", "-1", '"3"', "2.0", "2.5",
    ),
    "test": (
        '["CMD", "x"]', '["CMD-SHELL", "x"]', '["NONE"]', '["x"]', "x", "[]", '""',
        '["NONE","x"]', "[~]", '["CMD"]',
    ),
    "subnet": (
        "10.0.0.0/24", "10.0.0.0", '"x"', "10.0.0.5/24", "10.0.0.0/40", "fd00::/64",
    ),
    "external": (
        "true", "{name: x}", '{name: ""}', "{}", "false", "~", '"true"', "yes", "${V:-true}",
        "{name: $V}",
    ),
    "name": (
        "x", "X-1", '"a b"', "a" * 65, '"x:y"', '"${V}"', '""', "-x", "a.b",
    ),
    "cap_add": (
        "[NET_ADMIN]", "[CAP_NET_ADMIN]", "[net_admin]", "[ALL]", "[ALL, NET_ADMIN]", "[XX]",
        '["NET ADMIN"]', "[a, A]",
    ),
    "replicas": (
        "0", "1", "3.0", '"3"', "-1", "${V:-3}", "18446744073709551615", "1.5",
    ),
    "spread": (
        "node.labels.dc", '"a b"', "",
    ),
    "hostname": (
        "a", '"a b"', "a_b", '"{{.Node.Hostname}}"', "-a", "a.b.c", "x" * 64, "x" * 65,
    ),
    "stop_signal": (
        "SIGTERM", "15", '"15"', "SIGXX", "TERM",
    ),
    "stop_grace_period": (
        "10s", "1m", '"0s"', "0", '"-1s"', '"1m30s"', '"0.5s"',
    ),
    "size": (
        "64", "67108864", '"64m"', "-1", "1.5",
    ),
    "propagation": (
        "rprivate", "shared", "xx", "rslave",
    ),
    "source": (
        "v", "/a", ".", "./a", "w", "c1", "s1", "",
    ),
    "target": (
        "/d", "d", "x", "", "/x/y", ".", "C:\\x",
    ),
    "type": (
        "volume", "bind", "tmpfs", "npipe", "cluster", "nfs", "",
    ),
    "protocol": (
        "tcp", "udp", "sctp", "TCP", "icmp", "",
    ),
    "published": (
        "8080", "0", "-1", "70000", '"8080"', "8080.0", '"8080-8082"',
    ),
    "value": (
        "1", "0", "-1", "2.0", "2.5", '"1"',
    ),
    "kind": (
        "GPU", '"a b"', '""',
    ),
    "isolation": (
        "default", "process", "hyperv", "x", "DEFAULT",
    ),
    "dns": (
        "8.8.8.8", "[8.8.8.8]", "x", '["8.8.8.8","x"]',
    ),
    "user": (
        "root", '"1:1"', "1", '"{{.Node.ID}}"',
    ),
    "driver": (
        "overlay", "bridge", "local", "x", '"a b"', "json-file", '""',
    ),
    "file": (
        "./f", "f", "../f", "/f", "g", "x", ".", '""',
    ),
    "labels": (
        "[A=b, A=c]", "{A: 1.5}", "[A]", "{A: ~}", '["=x"]', '["A B=c"]', "{A: true}",
        "{A: 2024-05-01}",
    ),
    "aliases": (
        "[b]", "[b, b]", '["a b"]', "[]", "[_x]", "[a]",
    ),
    "uid": (
        '"0"', "0", "x", '"1000"',
    ),
    "version": (
        '"3"', '"3.8"', "3.8", '"2"', '"3.14"', '"4"', '"${V:-3.8}"', '"3.9.1"', '"03.8"', '""',
        "~",
    ),
    "credential_spec": (
        "{config: c1}", "{file: f}", "{registry: r}", "{config: c1, file: f}", "{}",
        "{config: nope}",
    ),
    "parallelism": (
        "0", "1", "-1", '"2"',
    ),
    "max_failure_ratio": (
        "0.3", "30", "-0.1", '"0.5"', "1", "1.5", "1e-3",
    ),
    "max_attempts": (
        "3", "0", "-1", '"3"',
    ),
    "window": (
        '"5s"', "5s", "-5s",
    ),
    "delay": (
        "5s", "-5s", '"0"',
    ),
    "monitor": (
        "5s", "-5s", "0s", '"0s"',
    ),
    "mac_address": (
        "00:11:22:33:44:55",
    ),
    "init": (
        "true", "no", '"true"',
    ),
    "tmpfs": (
        "/d", "[/d, /e]", '"/d:size=64m"', "{size: 64}", "{size: 64m}", "{size: 1.5}",
        "{size: -1}", "{mode: 0700}", "{size: 1k, x: y}",
    ),
    "bind": (
        "{propagation: rslave}", "{propagation: x}", "{create_host_path: true}",
        "{propagation: ~}", "{propagation: 1}", "{x: y}", "{propagation: [a]}",
    ),
    "volume": (
        "{nocopy: true}", "{nocopy: 1}", '{nocopy: "true"}', "{subpath: x}", "{x: y}",
        "{nocopy: ${V:-true}}",
    ),
    "configs": (
        "[c1]", "[c1, c1]", "[nope]", "[{source: c1, target: /x}]",
        "[{source: c1},{source: c1, target: /y}]", "[{source: c1, mode: 0440}]",
        "[{source: c1, mode: 440}]", "[{target: x}]", "[{}]", "[{source: c1, x: y}]",
        '[{source: c1, mode: "0440"}]',
    ),
    "secrets": (
        "[s1]", "[s1, s1]", "[nope]", "[{source: s1, target: /x}]",
        "[{source: s1},{source: s1, target: y}]", "[{source: s1, mode: 0440}]",
        '[{source: s1, uid: "5"}]', "[{source: s1, mode: 999999}]",
    ),
    "networks": (
        "[n]", "[n, n]", "[nope]", "{n: }", "{n: {aliases: [x]}}", "[default]", "[host]",
        "{n: {ipv4_address: 10.0.0.1}}", "[n, default]", "{n: {priority: 5}}", "[]", "{}",
    ),
    "env_file": (
        "f.env", "[f.env]", "[f.env, g.env]", "nope.env", "./f.env", '""', "[{path: f.env}]",
    ),
}
"""What is tried in fields of this name, wherever they stand."""
# fmt: on
_LIKE = {
    "timeout": "interval",
    "start_period": "interval",
    "start_interval": "interval",
    "entrypoint": "command",
}
_LISTED_PORTS = (
    "[80, 443]",
    '["53:53/tcp", "53:53/udp"]',
    "[80, 80]",
    "[{target: 80}, {target: 80}]",
    '["80:80", "8080:80"]',
    '["80-81:80-81", 80]',
)
_COMPANIONS = {
    "ports": "target: 80",
    "volumes": "type: volume, target: /t",
    "configs": "source: c1",
    "secrets": "source: s1",
    "ulimits": "soft: 1, hard: 2",
}
"""What has to stand beside a key for the others of its mapping to be looked at."""
_TOPS = {
    "networks": "n: {}, m: {}",
    "volumes": "v: {}, w: {external: true}",
    "secrets": "s1: {external: true}",
    "configs": "c1: {external: true}, c2: {file: f}",
}
_USES = {
    "networks": "networks: [q]",
    "volumes": 'volumes: ["q:/d"]',
    "secrets": "secrets: [q]",
    "configs": "configs: [q]",
}
FILES = {"f": b"x", "f.env": b"P=1\nQ=2\n", "g.env": b"P=1\nQ=2\n"}
"""The files that there are beside the compose file."""
VARIABLES = {"V": "5"}


@dataclass(frozen=True, slots=True)
class Input:
    """A compose file with `value` at `path`."""

    path: Path
    value: str
    text: str

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {self.value}"


def inputs(number: int, seed: int) -> list[Input]:
    """Draw so many; what is made for a field always comes before what is tried in all."""
    paths = _paths()
    own = [(path, value) for path in paths for value in _own(path)]
    others = [(path, value) for path in paths for value in _ANYWHERE]
    random.Random(seed).shuffle(others)  # noqa: S311 - it draws tests
    made = (Input(path, value, _text(path, value)) for path, value in own + others)
    return list({one.text: one for one in made}.values())[:number]


@cache
def _paths() -> tuple[Path, ...]:
    return tuple(path for path in dict.fromkeys(_walk(COMPOSE_FILE, ())) if path)


def _walk(rule: Rule, path: Path) -> Iterator[Path]:
    yield path
    match rule:
        case ListOf(item=item):
            yield from _walk(item, (*path, "[]"))
        case Keys(known=known):
            for name, value in known.items():
                yield from _walk(value, (*path, name))
        case Named(value=value):
            yield from _walk(value, (*path, "*"))
        case Either(rules=rules):
            for one in rules:
                yield from _walk(one, path)
        case Since(rule=inner):
            yield from _walk(inner, path)


def _own(path: Path) -> tuple[str, ...]:
    name = next((part for part in reversed(path) if part not in {"*", "[]"}), "")
    if len(path) == 1 and name != "version":
        return ()
    values = _FIELDS.get(_LIKE.get(name, name), ())
    if name in {"ports", "volumes"} and path[-1] == name:
        values = tuple(f"[{value}]" for value in values)
    return values + (_LISTED_PORTS if path[-1] == "ports" else ())


def _text(path: Path, value: str) -> str:
    if path[0] == "version":
        return f"version: {value}\n{_whole('image: x/y:1', _TOPS)}"
    if len(path) == 1:
        services = "" if path[0] == "services" else "services: {a: {image: x/y:1}}\n"
        return f"{path[0]}: {value}\n{services}"
    rest = path[2:]
    if path[0] != "services":
        file = "file: f, " if path[0] in {"configs", "secrets"} else ""
        file = "" if not rest or rest[0] in {"file", "external"} else file
        inner = _flow(rest, value, path[:2])
        top = {**_TOPS, path[0]: f"{_TOPS[path[0]]}, q: {inner.replace('{', '{' + file, 1)}"}
        return _whole(f"image: x/y:1, {_USES[path[0]]}", top)
    if not rest:
        return f"services: {{a: {value}}}\n"
    body = _flow(rest, value, path[:2])[1:-1]
    return _whole(body if rest[0] == "image" else f"image: x/y:1, {body}", _TOPS)


def _whole(service: str, tops: dict[str, str]) -> str:
    sections = "".join(f"{name}: {{{body}}}\n" for name, body in tops.items())
    return f"services: {{a: {{{service}}}}}\n{sections}"


def _flow(path: Path, value: str, above: Path) -> str:
    if not path:
        return value
    inner = _flow(path[1:], value, (*above, path[0]))
    if path[0] == "[]":
        return f"[{inner}]"
    in_item = above[0] == "services" and len(above) > 3 and above[-1] in {"[]", "*"}
    beside = _COMPANIONS.get(above[-2], "") if in_item else ""
    kept = [part for part in beside.split(", ") if part and not part.startswith(f"{path[0]}:")]
    return f"{{{', '.join([*kept, f'{_key(path[0], above)}: {inner}'])}}}"


def _key(name: str, above: Path) -> str:
    if name != "*":
        return name
    return {"networks": "n", "ulimits": "nofile"}.get(above[-1], "k")
