#!/usr/bin/python3 -I
r"""dtdeploy-look: lets a login look at a Docker Swarm through dtdeploy, and do nothing else.

It stands as a forced command in ~/.ssh/authorized_keys of a user who may use Docker's socket:

    restrict,command="/usr/local/bin/dtdeploy-look" ssh-ed25519 AAAA... whose key it is

What the client asked to be run comes in SSH_ORIGINAL_COMMAND. None of it is ever run: it either is
one of the lines below, or is refused.

    printf '==dtdeploy-begins==\n'; exec docker system dial-stdio
        HTTP on stdin and stdout: some GETs of the Engine API. Answers are made anew of the fields
        that are listed here; what may hold a secret leaves as a digest, see `Mask`.
    dtdeploy-look facts | inspection | logins | audit
        what dtdeploy wants to know of the manager itself
    dtdeploy-look probe URL
        a question that the key's own line declares

Options, in the key's line: --logs lets what services write through, --probe URL (as often as
needed) a probe: tcp://HOST:PORT, postgres://HOST:PORT or http://HOST:PORT/PATH; --socket PATH is
where Docker listens.

It needs Python 3.9 or newer and nothing else, writes no file and keeps no log.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import http.client
import json
import os
import re
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

MARK = b"==dtdeploy-look 1==\n"
"""The first that every answer says: whoever reads it knows that this login may only look."""
BEGIN = b"==dtdeploy-begins==\n"
REFUSED = 77
"""Exit code of everything that is refused (sysexits.h, EX_NOPERM)."""
UNAVAILABLE = 69
"""Exit code where the answer could not be had (EX_UNAVAILABLE)."""
MAY_ONLY_LOOK = "this login may only look"
DIAL = r"printf '==dtdeploy-begins==\n'; exec docker system dial-stdio"
NAME = "dtdeploy-look"

ANSWER_SECONDS = 30.0
IDLE_SECONDS = 900.0
WRITE_SECONDS = 60.0
LOG_SECONDS = 120.0
FOLLOW_SECONDS = 86400.0
PROBE_SECONDS = 30.0
SCRIPT_SECONDS = 20.0
MOST_HEAD = 16 * 1024
"""Bytes of a request: it has no body."""
MOST_HEADERS = 32
MOST_BYTES = 64 * 1024 * 1024
MOST_PROBED = 1_000_000
MOST_AUDIT = 1024 * 1024
MOST_WORDS = 4000
MOST_SHOWN = 200
ROUNDS = 2000
"""Of a digest: each guess at a value costs whoever reads it as many."""

NAMESPACE = "com.docker.stack.namespace"
_OK = 200
RECORDS = ("dtdeploy.run", "dtdeploy.owed", "dtdeploy.applied")
"""The configs whose data is dtdeploy's own."""
OURS = ("com.docker.stack.", "com.docker.swarm.", "dtdeploy.")
"""Labels that Docker and dtdeploy set; all others are whoever's."""

DISK = """at=$1
until df -Pk "$at" 2>/dev/null || [ "$at" = / ] || [ "$at" = . ]; do at=$(dirname "$at"); done"""
"""The disk of folder `$1`, or of the nearest one above it that this user may look into."""
FACTS = f"""
echo ==cli; docker --version
echo ==df; {DISK}
echo ==tcp; cat /proc/net/tcp /proc/net/tcp6 2>/dev/null
echo ==udp; cat /proc/net/udp /proc/net/udp6 2>/dev/null
"""
INSPECTION = f"""
echo ==cli; docker --version
echo ==df; {DISK}
echo ==images; line='{{{{.Type}}}}: {{{{.Size}}}}, reclaimable {{{{.Reclaimable}}}}'
timeout 5 docker system df --format "$line" 2>&1 || echo 'docker system df did not answer in 5 s'
echo ==certificate; file=$1/swarm/certificates/swarm-node.crt
if [ -r "$file" ]; then openssl x509 -noout -startdate -enddate <"$file" 2>&1
else timeout 5 openssl s_client -connect 127.0.0.1:2377 </dev/null 2>/dev/null |
    openssl x509 -noout -startdate -enddate 2>&1; fi
echo ==releases; cd "$HOME/.dtdeploy/stacks" 2>/dev/null && for stack in *; do
    [ -d "$stack" ] && echo "$stack $(ls "$stack" | wc -l)"; done
"""
"""Scripts with Docker's data folder as `$1`; what follows a line `==NAME` is the part NAME."""


class RefusedError(Exception):
    """What was asked is not for a login that may only look; the words name it."""


class BrokenError(Exception):
    """The stream is of no more use; the words say why."""


# What may hold a secret.


class Mask:
    """Replaces values by digests: equal ones can be told, and are not shown.

    The salt is new for each stream, so that no table helps, and two streams have no digest in
    common. Whoever has a digest may still try values one by one: a password that is easily
    guessed is none.
    """

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._known: dict[str, str] = {}

    def __call__(self, value: str) -> str:
        """Return `dtdeploy-look:SALT:DIGEST`."""
        if value not in self._known:
            digest = hashlib.pbkdf2_hmac("sha256", value.encode(), self._salt, ROUNDS, 16)
            self._known[value] = f"{NAME}:{self._salt.hex()}:{digest.hex()}"
        return self._known[value]


if TYPE_CHECKING:
    # What of a value is let through: fields by name, those of a list, or what a function says.
    Shape = dict[str, Any] | list[Any] | Callable[[Any, Mask], Any]


def shaped(value: object, shape: Shape, mask: Mask) -> Any:  # noqa: ANN401 JSON
    """Return what of a JSON value `shape` lists; None where it is something else."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return None
        return {
            name: shaped(value[name], inner, mask) for name, inner in shape.items() if name in value
        }
    if isinstance(shape, list):
        return [shaped(item, shape[0], mask) for item in value] if isinstance(value, list) else None
    return shape(value, mask)


def plain(value: object, _mask: Mask) -> object:
    """Let a single value through."""
    return value if isinstance(value, (str, int, float)) else None


def texts(value: object, mask: Mask) -> list[object] | None:
    """Let a list of single values through."""
    return [plain(item, mask) for item in value] if isinstance(value, list) else None


def settings(value: object, mask: Mask) -> dict[str, object] | None:
    """Let names with single values through."""
    return {k: plain(v, mask) for k, v in value.items()} if isinstance(value, dict) else None


def hidden_settings(value: object, mask: Mask) -> dict[str, str] | None:
    """Let the names through, and of their values digests."""
    return {k: mask(str(v)) for k, v in value.items()} if isinstance(value, dict) else None


def labels(value: object, mask: Mask) -> dict[str, str] | None:
    """Let labels of Docker and dtdeploy through; of the values of all others digests."""
    if not isinstance(value, dict):
        return None
    return {k: str(v) if k.startswith(OURS) else mask(str(v)) for k, v in value.items()}


def our_labels(value: object, _mask: Mask) -> dict[str, str] | None:
    """Let labels of Docker and dtdeploy through, and no others."""
    if not isinstance(value, dict):
        return None
    return {k: str(v) for k, v in value.items() if k.startswith(OURS)}


def hidden_words(value: object, mask: Mask) -> list[str] | None:
    """Let digests of a command's words through."""
    return [mask(str(word)) for word in value] if isinstance(value, list) else None


def health_test(value: object, mask: Mask) -> list[str] | None:
    """Let the kind of a health check through, and digests of its command's words."""
    words = hidden_words(value, mask)
    kinds = ("NONE", "CMD", "CMD-SHELL")
    if isinstance(value, list) and words and value[0] in kinds:
        words[0] = value[0]
    return words


def environment(value: object, mask: Mask) -> list[str] | None:
    """Let names of variables through, and of their values digests."""
    if not isinstance(value, list):
        return None
    parts = (str(item).partition("=") for item in value)
    return [f"{name}={mask(said)}" if equals else name for name, equals, said in parts]


def existing(value: object, _mask: Mask) -> dict[str, object] | None:
    """Let through that something is there, without anything in it."""
    return {} if isinstance(value, dict) else None


_DRIVER = {"Name": plain, "Options": hidden_settings}
_FILE = {"Name": plain, "UID": plain, "GID": plain, "Mode": plain}
_AMOUNTS = {
    "NanoCPUs": plain,
    "MemoryBytes": plain,
    "Pids": plain,
    "GenericResources": [
        {
            "DiscreteResourceSpec": {"Kind": plain, "Value": plain},
            "NamedResourceSpec": {"Kind": plain, "Value": plain},
        }
    ],
}
_PLATFORM = {"OS": plain, "Architecture": plain}
_POLICY = {
    "Parallelism": plain,
    "Delay": plain,
    "FailureAction": plain,
    "Monitor": plain,
    "MaxFailureRatio": plain,
    "Order": plain,
}
_PORT = {"TargetPort": plain, "PublishedPort": plain, "Protocol": plain, "PublishMode": plain}
_CONTAINER_SPEC = {
    "Image": plain,
    "Labels": labels,
    "Command": hidden_words,
    "Args": hidden_words,
    "Hostname": plain,
    "Env": environment,
    "Dir": plain,
    "User": plain,
    "Groups": texts,
    "Privileges": {"CredentialSpec": {"Config": plain, "File": plain, "Registry": plain}},
    "Init": plain,
    "StopSignal": plain,
    "TTY": plain,
    "OpenStdin": plain,
    "ReadOnly": plain,
    "Mounts": [
        {
            "Type": plain,
            "Target": plain,
            "Source": plain,
            "ReadOnly": plain,
            "BindOptions": {"Propagation": plain},
            "VolumeOptions": {"NoCopy": plain, "Labels": labels, "DriverConfig": _DRIVER},
            "TmpfsOptions": {"SizeBytes": plain, "Mode": plain},
        }
    ],
    "StopGracePeriod": plain,
    "Healthcheck": {
        "Test": health_test,
        "Interval": plain,
        "Timeout": plain,
        "StartPeriod": plain,
        "StartInterval": plain,
        "Retries": plain,
    },
    "Hosts": texts,
    "DNSConfig": {"Nameservers": texts, "Search": texts, "Options": texts},
    "Secrets": [{"File": _FILE, "SecretName": plain}],
    "Configs": [{"File": _FILE, "ConfigName": plain, "ConfigID": plain}],
    "Isolation": plain,
    "Sysctls": settings,
    "CapabilityAdd": texts,
    "CapabilityDrop": texts,
    "Ulimits": [{"Name": plain, "Soft": plain, "Hard": plain}],
    "OomScoreAdj": plain,
}
SERVICE = {
    "ID": plain,
    "Version": {"Index": plain},
    "UpdatedAt": plain,
    "Spec": {
        "Name": plain,
        "Labels": labels,
        "TaskTemplate": {
            "ContainerSpec": _CONTAINER_SPEC,
            "Resources": {"Limits": _AMOUNTS, "Reservations": _AMOUNTS},
            "RestartPolicy": {
                "Condition": plain,
                "Delay": plain,
                "MaxAttempts": plain,
                "Window": plain,
            },
            "Placement": {
                "Constraints": texts,
                "Preferences": [{"Spread": {"SpreadDescriptor": plain}}],
                "MaxReplicas": plain,
                "Platforms": [_PLATFORM],
            },
            "Networks": [{"Target": plain, "Aliases": texts, "DriverOpts": hidden_settings}],
            "LogDriver": _DRIVER,
        },
        "Mode": {
            "Replicated": {"Replicas": plain},
            "Global": existing,
            "ReplicatedJob": {"TotalCompletions": plain, "MaxConcurrent": plain},
            "GlobalJob": existing,
        },
        "UpdateConfig": _POLICY,
        "RollbackConfig": _POLICY,
        "EndpointSpec": {"Mode": plain, "Ports": [_PORT]},
    },
    "Endpoint": {
        "Ports": [{"PublishedPort": plain, "Protocol": plain, "PublishMode": plain}],
        "VirtualIPs": [{"NetworkID": plain}],
    },
    "UpdateStatus": {"State": plain, "Message": plain},
    "JobStatus": {"JobIteration": {"Index": plain}},
}
_TASK = {
    "ID": plain,
    "ServiceID": plain,
    "Slot": plain,
    "NodeID": plain,
    "DesiredState": plain,
    "Status": {
        "State": plain,
        "Message": plain,
        "Err": plain,
        "Timestamp": plain,
        "ContainerStatus": {"ContainerID": plain, "ExitCode": plain},
    },
    "Spec": {
        "ContainerSpec": {"Image": plain, "Labels": our_labels, "TTY": plain},
        "NetworkAttachmentSpec": {"ContainerID": plain},
        "LogDriver": {"Name": plain},
    },
    "JobIteration": {"Index": plain},
    "NetworksAttachments": [
        {"Network": {"ID": plain, "Spec": {"Name": plain}}, "Addresses": texts}
    ],
}
_PLAIN_WORD = re.compile(r"[\w./-]*")
_SHORTEST = 4


def task(value: object, mask: Mask) -> object:
    """Let a task through; its words may quote its command, or a variable, which are cut out."""
    seen = shaped(value, _TASK, mask)
    if isinstance(seen, dict) and isinstance(seen.get("Status"), dict):
        secrets = sorted(_quotable(value), key=len, reverse=True)
        for name in ("Message", "Err"):
            if isinstance(said := seen["Status"].get(name), str):
                seen["Status"][name] = _without(said, secrets)
    return seen


def _without(words: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        words = words.replace(secret, "***")
    return words


def _quotable(value: object) -> Iterator[str]:
    """Yield values of a task's variables, and words of its command that are more than names."""
    spec = value.get("Spec") if isinstance(value, dict) else None
    container = spec.get("ContainerSpec") if isinstance(spec, dict) else None
    if not isinstance(container, dict):
        return
    for item in container.get("Env") or ():
        if len(said := str(item).partition("=")[2]) >= _SHORTEST:
            yield said
    for word in (*(container.get("Command") or ()), *(container.get("Args") or ())):
        if len(word) >= _SHORTEST and not _PLAIN_WORD.fullmatch(word):
            yield word


def config(value: object, mask: Mask) -> object:
    """Let a config through; its data, and all its labels, of dtdeploy's own records alone."""
    spec = value.get("Spec") if isinstance(value, dict) else None
    mine = isinstance(spec, dict) and spec.get("Name") in RECORDS
    inner: dict[str, Any] = {"Name": plain, "Labels": settings if mine else our_labels}
    shape = {
        "ID": plain,
        "Version": {"Index": plain},
        "UpdatedAt": plain,
        "Spec": {**inner, "Data": plain} if mine else inner,
    }
    return shaped(value, shape, mask)


INFO = {
    "ServerVersion": plain,
    "DockerRootDir": plain,
    "SystemTime": plain,
    "Swarm": {
        "NodeID": plain,
        "LocalNodeState": plain,
        "ControlAvailable": plain,
        "Error": plain,
        "Cluster": {"ID": plain},
    },
}
NODE = {
    "ID": plain,
    "Spec": {"Name": plain, "Labels": settings, "Availability": plain, "Role": plain},
    "Status": {"State": plain, "Addr": plain},
    "Description": {
        "Hostname": plain,
        "Platform": _PLATFORM,
        "Engine": {"Labels": settings},
    },
    "ManagerStatus": {"Leader": plain, "Reachability": plain},
}
NETWORK = {
    "Id": plain,
    "Name": plain,
    "Scope": plain,
    "Labels": our_labels,
    "Ingress": plain,
    "IPAM": {"Config": [{"Subnet": plain}]},
}
SECRET = {"ID": plain, "Spec": {"Name": plain, "Labels": our_labels}}
CONTAINER = {
    "Id": plain,
    "Names": texts,
    "Labels": our_labels,
    "State": plain,
    "Ports": [{"PublicPort": plain, "Type": plain}],
}
VOLUME = {"Name": plain, "Driver": plain, "Options": hidden_settings}
DISTRIBUTION = {
    "Descriptor": {"digest": plain},
    "Platforms": [{"os": plain, "architecture": plain}],
}
VERSION = {"ApiVersion": plain, "MinAPIVersion": plain}


# What may be asked.


def listing(path: str, **filters: list[str]) -> str:
    """Return a path with Docker's filters, as dtdeploy writes it."""
    joint = "&" if "?" in path else "?"
    return f"{path}{joint}filters={quote(json.dumps(filters))}"


_LABELLED = [NAMESPACE]
PATHS: dict[str, Shape] = {
    "/version": VERSION,
    "/info": INFO,
    "/nodes": [NODE],
    "/services": [SERVICE],
    "/tasks": [task],
    listing("/tasks", label=_LABELLED): [task],
    listing("/tasks", **{"label": _LABELLED, "_up-to-date": ["true"]}): [task],
    listing("/tasks", runtime=["attachment"]): [task],
    "/networks": [NETWORK],
    "/configs": [config],
    listing("/configs", label=_LABELLED): [config],
    **{listing("/configs", name=[name]): [config] for name in RECORDS},
    "/secrets": [SECRET],
    listing("/secrets", label=_LABELLED): [SECRET],
    "/containers/json": [CONTAINER],
    listing("/containers/json?all=1", label=_LABELLED): [CONTAINER],
}
"""The targets that may be asked for, byte by byte, and what of their answers is let through."""
_API = re.compile(r"/v1\.[1-9][0-9]{1,2}(?=/)")
_VOLUME = re.compile(r"/volumes/[A-Za-z0-9][A-Za-z0-9_.-]{1,254}")
_IMAGE = re.compile(
    r"/distribution/((?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::[0-9]{1,5})?/)?"
    r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*){0,8}"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:(?:@|%40)sha256:[0-9a-f]{64})?)/json"
)
_ONE = re.compile(r"/(services|tasks)/[a-z0-9]{10,64}")
_LOGS = re.compile(
    r"/(services|tasks)/[a-z0-9]{10,64}/logs\?stdout=1&stderr=1&timestamps=1&details=1"
    r"&follow=([01])&tail=(?:all|[0-9]{1,9})(?:&since=[0-9]{1,12}\.[0-9]{1,9})?"
)
_LINE = re.compile(rb"([A-Z]{1,16}) (/[\x21-\x7e]{0,4095}) HTTP/1\.1")
_HEADER = re.compile(rb"([A-Za-z-]{1,64}):[ \t]*([\x20-\x7e\t]{0,8192})")
HEADERS = frozenset(
    ("host", "user-agent", "accept", "accept-encoding", "connection", "x-registry-auth")
)
"""Headers that a question may have; nothing of them is passed on."""


class Question(NamedTuple):
    """A request that is let through."""

    target: str
    shape: Shape
    image: str = ""
    logs: bool = False
    follow: bool = False


def shown(words: str) -> str:
    """Return foreign words as one short line."""
    line = "".join(sign if sign.isprintable() else "?" for sign in words)
    return line if len(line) <= MOST_SHOWN else f"{line[:MOST_SHOWN]}..."


def allowed(method: str, target: str, *, logs: bool = False) -> Question:
    """Return the question that a request line asks.

    Raises:
        RefusedError: it is none of those that may be asked.

    """
    asked = f"{method} {target}"
    if method != "GET":
        raise RefusedError(asked)
    version = _API.match(target)
    path = target[version.end() :] if version else target
    if path in PATHS:
        return Question(target, PATHS[path])
    if _VOLUME.fullmatch(path):
        return Question(target, VOLUME)
    if (image := _IMAGE.fullmatch(path)) and ".." not in path:
        return Question(target, DISTRIBUTION, image=image[1].replace("%40", "@"))
    one, lines = _ONE.fullmatch(path), _LOGS.fullmatch(path)
    if (one or lines) and not logs:
        raise RefusedError(f"{asked} (its key has no --logs)")
    if one:
        return Question(target, SERVICE if one[1] == "services" else task)
    if lines:
        return Question(target, existing, logs=True, follow=lines[2] == "1")
    raise RefusedError(asked)


def request(head: bytes) -> tuple[str, str]:
    """Return method and target of a request's head, which ends before its empty line.

    Raises:
        RefusedError: it is no plain question: it has a body, wants another protocol, or is
            written in a way that two readers might read differently.

    """
    line, *fields = head.split(b"\r\n")
    begun = _LINE.fullmatch(line)
    if begun is None:
        raise RefusedError(f"a request that begins {line[:80]!r}")
    asked = f"{begun[1].decode()} {begun[2].decode()}"
    if len(fields) > MOST_HEADERS:
        raise RefusedError(f"{asked} with {len(fields)} headers")
    seen: set[str] = set()
    for text in fields:
        read = _HEADER.fullmatch(text)
        name = read[1].decode().lower() if read else ""
        if read is None or name not in HEADERS or name in seen:
            raise RefusedError(f"{asked} with the header {text[:80]!r}")
        if name == "connection" and read[2].strip().lower() not in (b"close", b"keep-alive"):
            raise RefusedError(f"{asked} with the header {text[:80]!r}")
        seen.add(name)
    return begun[1].decode(), begun[2].decode()


# Talking.


class Wire:
    """Both ends of the login, every wait on them with an end."""

    def __init__(self, source: int, sink: int) -> None:
        self._source = source
        self._sink = sink
        self._rest = b""
        os.set_blocking(sink, False)

    def head(self) -> bytes | None:
        """Return the next request's head; None at the end.

        Raises:
            RefusedError: it is too long.
            BrokenError: it did not come, or not all of it.

        """
        ends = time.monotonic() + IDLE_SECONDS
        while True:
            head, end, rest = self._rest.partition(b"\r\n\r\n")
            if len(head) > MOST_HEAD:
                raise RefusedError(f"a request of more than {MOST_HEAD} bytes")
            if end:
                self._rest = rest
                return head
            ready, _, _ = select.select([self._source], [], [], max(ends - time.monotonic(), 0.0))
            if not ready:
                raise BrokenError("nothing was asked any more")
            more = os.read(self._source, 65536)
            if not more:
                if self._rest:
                    raise BrokenError("the last request is cut short")
                return None
            self._rest += more

    def write(self, data: bytes) -> None:
        """Write all of it (BrokenError when nobody reads it)."""
        view = memoryview(data)
        while view:
            _, ready, _ = select.select([], [self._sink], [], WRITE_SECONDS)
            if not ready:
                raise BrokenError("nobody reads the answers")
            try:
                view = view[os.write(self._sink, view) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise BrokenError(str(error)) from error

    def end_with_reader(self) -> None:
        """End this process as soon as the other side goes, while it only listens."""

        def wait() -> None:
            # sshd may have made one socket of both, on which reading does not block either.
            select.select([self._source], [], [])
            os._exit(0)

        threading.Thread(target=wait, daemon=True).start()


def answer(status: int, body: bytes, *, close: bool = False) -> bytes:
    """Return an answer on the wire."""
    reason = http.client.responses.get(status, "")
    end = "close" if close else "keep-alive"
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: {end}\r\n\r\n"
    )
    return head.encode() + body


def refusal(words: str) -> str:
    """Return the one line that is said of what is refused."""
    return f"{NAME}: {MAY_ONLY_LOOK}; refused: {shown(words)}"


def message(words: str) -> bytes:
    """Return words as Docker says an error."""
    return json.dumps({"message": words[:MOST_WORDS]}).encode()


class _Upstream(http.client.HTTPConnection):
    """Docker's socket; one request each."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("docker", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self.timeout)
        try:
            sock.connect(self._path)
        except OSError as error:
            sock.close()
            # As docker's own command says it.
            said = (error.strerror or str(error)).lower()
            words = "failed to open the raw stream connection: dial unix"
            raise BrokenError(f"{words} {self._path}: connect: {said}") from error
        self.sock = sock


class Docker:
    """The daemon behind its socket, as far as it may be asked."""

    def __init__(self, path: str, home: Home) -> None:
        self._path = path
        self._home = home

    def ask(self, target: str, *, login: str = "") -> tuple[int, bytes]:
        """Return status and body of an answer (BrokenError)."""
        with self.opened(target, login=login, seconds=ANSWER_SECONDS) as response:
            body = response.read(MOST_BYTES + 1)
            if len(body) > MOST_BYTES:
                raise BrokenError(f"an answer has more than {MOST_BYTES} bytes")
            return response.status, body

    @contextmanager
    def opened(
        self, target: str, *, seconds: float, login: str = ""
    ) -> Iterator[http.client.HTTPResponse]:
        """Give an answer that has begun (BrokenError)."""
        headers = {"Connection": "close", **({"X-Registry-Auth": login} if login else {})}
        with closing(_Upstream(self._path, seconds)) as upstream:
            try:
                upstream.request("GET", target, headers=headers)
                with upstream.getresponse() as response:
                    yield response
            except (OSError, http.client.HTTPException) as error:
                raise BrokenError(f"the daemon did not answer: {error}") from error

    def root(self) -> str:
        """Return Docker's data folder."""
        found = self._read("/info")
        root = found.get("DockerRootDir") if isinstance(found, dict) else None
        return str(root or "/var/lib/docker")

    def may_be_asked(self, asked: Question) -> None:
        """Let a question pass, unless it is about an image of a registry that nobody uses here.

        Else whoever may look could have the daemon talk to any host (RefusedError).
        """
        registry = registry_of(asked.image)
        if not asked.image or registry == HUB or registry in self._home.registries():
            return
        if registry not in map(registry_of, _images(self._read("/services"))):
            raise RefusedError(f"GET {asked.target} (no registry that is used here)")

    def _read(self, target: str) -> object:
        """Return what an answer says, None where it says nothing."""
        status, body = self.ask(target)
        try:
            return json.loads(body) if status == _OK else None
        except ValueError:
            return None


def _images(services: object) -> Iterator[str]:
    for at in services if isinstance(services, list) else ():
        for name in ("Spec", "TaskTemplate", "ContainerSpec"):
            at = at.get(name) if isinstance(at, dict) else None  # noqa: PLW2901 - one step down
        if isinstance(at, dict) and at.get("Image"):
            yield str(at["Image"])


HUB = "https://index.docker.io/v1/"
"""How Docker's own registry is called where logins are kept."""
_HUBS = re.compile(r"(?:index\.)?docker\.io")


def registry_of(image: str) -> str:
    """Return under which name the login of an image's registry is kept."""
    first, slash, _ = image.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    return HUB if not named or _HUBS.fullmatch(first) else first


def _host(name: str) -> str:
    return name if name == HUB else urlsplit(name if "://" in name else f"//{name}").netloc


class Home:
    """What lies in the home of this login's user: registry logins and the audit log."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._folder = Path(environ.get("HOME", "/"))
        self._docker = Path(environ.get("DOCKER_CONFIG") or self._folder / ".docker")

    def _config(self) -> dict[str, Any]:
        try:
            with (self._docker / "config.json").open("rb") as file:
                found = json.loads(file.read(MOST_AUDIT))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _part(self, name: str) -> dict[str, Any]:
        found = self._config().get(name)
        return found if isinstance(found, dict) else {}

    def registries(self) -> frozenset[str]:
        """Return the registries that a login is known for."""
        return frozenset(map(_host, (*self._part("auths"), *self._part("credHelpers"))))

    def logins(self) -> dict[str, Any]:
        """Return Docker's configuration with nothing of a login but its registry and its end."""
        names = (*self._part("auths"), *self._part("credHelpers"))
        return {"auths": {name: _ends(self._part("auths").get(name)) for name in names}}

    def login(self, image: str) -> str:
        """Return the header that lets Docker ask an image's registry, "" without a login."""
        registry = registry_of(image)
        helper = self._part("credHelpers").get(registry) or self._config().get("credsStore")
        found = self._helped(str(helper), registry) if helper else self._stored(registry)
        return base64.urlsafe_b64encode(json.dumps(found).encode()).decode() if found else ""

    def _stored(self, registry: str) -> dict[str, str]:
        for name, entry in self._part("auths").items():
            if _host(name) != registry or not isinstance(entry, dict):
                continue
            if token := entry.get("identitytoken"):
                return {"identitytoken": str(token), "serveraddress": registry}
            user, colon, word = _decoded(str(entry.get("auth") or "")).partition(":")
            if colon:
                return {"username": user, "password": word, "serveraddress": registry}
        return {}

    def _helped(self, helper: str, registry: str) -> dict[str, str]:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", helper):
            return {}
        try:
            said = subprocess.run(  # noqa: S603 a program that this user's own configuration names
                [f"docker-credential-{helper}", "get"],
                input=registry.encode(),
                capture_output=True,
                timeout=SCRIPT_SECONDS,
                check=False,
            )
            found = json.loads(said.stdout)
            user, word = str(found["Username"]), str(found["Secret"])
        except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired):
            return {}
        if user == "<token>":
            return {"identitytoken": word, "serveraddress": registry}
        return {"username": user, "password": word, "serveraddress": registry}

    def audit(self) -> bytes:
        """Return the newest lines of the audit log, none where there is no log."""
        try:
            with (self._folder / ".dtdeploy/audit.log").open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(size - MOST_AUDIT, 0))
                return file.read(MOST_AUDIT)
        except OSError:
            return b""


def _decoded(text: str) -> str:
    padded = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    try:
        return base64.b64decode(padded, validate=True).decode()
    except ValueError:
        return ""


def _ends(entry: object) -> dict[str, str]:
    """Return when a stored login ends, as a token that says nothing else; {} if it says nothing."""
    if not isinstance(entry, dict):
        return {}
    tokens = [str(entry.get(name) or "") for name in ("identitytoken", "registrytoken")]
    tokens.append(_decoded(str(entry.get("auth") or "")).partition(":")[2])
    for token in tokens:
        parts = token.split(".")
        try:
            said = json.loads(_decoded(parts[1] if len(parts) == 3 else token))  # noqa: PLR2004
            at = said.get("exp") or said.get("expiration")
        except (ValueError, AttributeError):
            continue
        if isinstance(at, (int, float)):
            told = base64.urlsafe_b64encode(json.dumps({"exp": at}).encode()).decode()
            return {"identitytoken": f"e30.{told.rstrip('=')}."}
    return {}


# Answering.


class Rights(NamedTuple):
    """What the key's own line lets through besides."""

    logs: bool = False
    probes: tuple[str, ...] = ()


def serve(wire: Wire, docker: Docker, home: Home, rights: Rights, mask: Mask) -> None:
    """Answer questions until nobody asks any more (BrokenError)."""
    while True:
        try:
            head = wire.head()
            if head is None:
                return
            method, target = request(head)
        except RefusedError as error:
            # Nobody can tell where the next request begins.
            wire.write(answer(403, message(refusal(str(error))), close=True))
            return
        try:
            asked = allowed(method, target, logs=rights.logs)
            docker.may_be_asked(asked)
        except RefusedError as error:
            close = method != "GET"
            wire.write(answer(403, message(refusal(str(error))), close=close))
            if close:
                return
            continue
        if asked.logs:
            relay(wire, docker, asked)
            return
        login = home.login(asked.image) if asked.image else ""
        wire.write(answer(*filtered(*docker.ask(asked.target, login=login), asked.shape, mask)))


def filtered(status: int, body: bytes, shape: Shape, mask: Mask) -> tuple[int, bytes]:
    """Return what of an answer of Docker's is let through."""
    try:
        said = json.loads(body)
    except ValueError:
        return 502, message("the daemon's answer is not JSON")
    if status == _OK:
        return status, json.dumps(shaped(said, shape, mask)).encode()
    words = said.get("message") if isinstance(said, dict) else None
    return status, message(str(words or f"HTTP status {status}"))


def relay(wire: Wire, docker: Docker, asked: Question) -> None:
    """Pass on what services write, as it comes; an answer that breaks off stays without its end."""
    ends = time.monotonic() + (FOLLOW_SECONDS if asked.follow else LOG_SECONDS)
    wire.end_with_reader()
    seconds = FOLLOW_SECONDS if asked.follow else LOG_SECONDS
    with docker.opened(asked.target, seconds=seconds) as response:
        _relayed(wire, response, asked, ends)


def _relayed(wire: Wire, response: http.client.HTTPResponse, asked: Question, ends: float) -> None:
    if response.status != _OK:
        body = response.read(MOST_WORDS)
        wire.write(answer(*filtered(response.status, body, existing, Mask(b"")), close=True))
        return
    wire.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    sent = 0
    while data := response.read1(65536):
        sent += len(data)
        if time.monotonic() > ends or (sent > MOST_BYTES and not asked.follow):
            raise BrokenError("too much, or for too long, was written")
        wire.write(b"%x\r\n%s\r\n" % (len(data), data))
    wire.write(b"0\r\n\r\n")


def probe(url: str, rights: Rights) -> bytes:
    """Ask a question that the key's line declares, and return what is answered.

    Raises:
        RefusedError: it declares no such question, or it is of no harmless kind.
        BrokenError: nothing answers.

    """
    kind, _, _ = url.partition("://")
    if kind not in ("tcp", "http", "postgres"):
        raise RefusedError(f"a probe of the kind {kind}")
    if url not in rights.probes:
        raise RefusedError(f"probe {url} (its key has no --probe {url})")
    parts = urlsplit(url)
    ends = time.monotonic() + PROBE_SECONDS
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 0), 10.0) as sock:
            if kind == "tcp":
                return b""
            sock.settimeout(10.0)
            if kind == "postgres":
                sock.sendall(struct.pack("!ii", 8, 80877103))
                return sock.recv(8)
            path = url.split("/", 3)[3] if url.count("/") > 2 else ""  # noqa: PLR2004
            host = parts.netloc
            head = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: identity\r\n"
            sock.sendall(f"{head}Connection: close\r\n\r\n".encode())
            said = b""
            while (
                len(said) < MOST_PROBED and time.monotonic() < ends and (more := sock.recv(65536))
            ):
                said += more
            return said
    except (OSError, ValueError) as error:
        raise BrokenError(str(error) or type(error).__name__) from error


def run(script: str, root: str, environ: Mapping[str, str], sock: str) -> bytes:
    """Run one of the scripts above and return what it writes (BrokenError)."""
    kept = {name: environ[name] for name in ("PATH", "HOME") if name in environ}
    try:
        done = subprocess.run(  # noqa: S603 a text of this file
            ["/bin/sh", "-c", script, "sh", root],
            env={**kept, "LC_ALL": "C", "DOCKER_HOST": f"unix://{sock}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SCRIPT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokenError(f"the manager did not answer: {error}") from error
    return done.stdout[:MOST_BYTES]


_WORD = re.compile(r"[A-Za-z0-9._:/%?&=~+,@\[\]-]{1,2048}")


def words_of(line: str) -> list[str]:
    """Return the words of `dtdeploy-look NAME ...`, whatever the client asked for.

    Raises:
        RefusedError: it asked for something else.

    """
    first, *rest = line.split(" ")
    if first != NAME or not rest or not all(_WORD.fullmatch(word) for word in rest):
        raise RefusedError(line or "a shell")
    return rest


def told(line: str, rights: Rights, sock: str, environ: Mapping[str, str]) -> bytes:
    """Return the answer to a question about the manager itself (RefusedError, BrokenError)."""
    home = Home(environ)
    name, *given = words_of(line)
    if name == "probe" and len(given) == 1:
        return probe(given[0], rights)
    if name in ("facts", "inspection") and not given:
        script = FACTS if name == "facts" else INSPECTION
        said = run(script, Docker(sock, home).root(), environ, sock)
        return said.rstrip(b"\n") + b"\n==logins\n" + json.dumps(home.logins()).encode()
    if name == "logins" and not given:
        return json.dumps(home.logins()).encode()
    if name == "audit" and not given:
        return home.audit()
    raise RefusedError(line)


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Answer what the client asked; return the exit code."""
    given = _options(arguments)
    rights = Rights(logs=given.logs, probes=tuple(given.probe))
    line = environ.get("SSH_ORIGINAL_COMMAND", "")
    wire = Wire(0, 1)
    try:
        wire.write(MARK)
        if line == DIAL:
            home = Home(environ)
            wire.write(BEGIN)
            mask = Mask(os.urandom(16))
            serve(wire, Docker(given.socket, home), home, rights, mask)
            return 0
        said = told(line, rights, given.socket, environ)
        wire.write(BEGIN + said)
    except RefusedError as error:
        sys.stderr.write(f"{refusal(str(error))}\n")
        return REFUSED
    except BrokenError as error:
        sys.stderr.write(f"{NAME}: {shown(str(error))}\n")
        return UNAVAILABLE
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=NAME, description="Let a login look at a Docker Swarm.")
    parser.add_argument("--logs", action="store_true", help="let what services write through")
    parser.add_argument("--probe", action="append", default=[], metavar="URL")
    parser.add_argument("--socket", default="/var/run/docker.sock", metavar="PATH")
    return parser.parse_args(arguments)


def _leave() -> NoReturn:
    code = main(sys.argv[1:], os.environ)
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave()
