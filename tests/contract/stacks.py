"""Small stacks as values: the same desired state, deployed in both worlds."""

import json
from dataclasses import dataclass, replace
from enum import Enum
from hashlib import sha1, sha256

from orchestrator.fleet.desired import DesiredService, DesiredStack, PublishedPort
from orchestrator.fleet.observed import Fact, Mode
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.fleet.usage import NETWORK
from orchestrator.sources.model import Release, ReleaseFile, Sourced
from orchestrator.sources.release import listing

VERSION = "3.8"
IMAGE = "registry.lab:5000/chimefrb/maestro-datatrail-client:latest"
OTHER_IMAGE = "registry.lab:5000/chimefrb/maestro-datatrail:latest"
ABSENT_IMAGE = "registry.lab:5000/no/such:1"
DATABASE = "frb-l4.chime"
DATABASE_PORT = 5432
PORT = 8001
MARK = "CONTRACT_STACK"
"""In the environment of every process of a stack, so that it can be found without Docker."""
HEALTHY_AFTER_SECONDS = 3.0
EXIT_CODE = 3
_HEALTH_SECONDS = 20.0
_FAILS_AFTER_SECONDS = 2.0


class Does(Enum):
    """What a service does once it is told to run."""

    WORK = "works until it is told to stop"
    SERVE = "serves HTTP on PORT, and asks the database"
    GET_HEALTHY = "works, and its health check passes after HEALTHY_AFTER_SECONDS"
    STAY_SICK = "works, and its health check never passes"
    CRASH = "ends by itself with EXIT_CODE"
    IGNORE = "works, and has to be killed to stop"
    FINISH = "does its job and ends"
    NOTHING = "never runs: its image is absent"
    WAIT = "never runs: no node will do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One service of a stack."""

    name: str = "app"
    does: Does = Does.WORK
    mode: Mode = Mode.REPLICATED
    replicas: int = 1
    grace_seconds: float = 3.0
    image: str = IMAGE
    restart: str = ""
    """Its restart condition, if not Swarm's own."""
    joins: str = ""
    """A network that another stack makes, and this one's compose file calls external."""
    data: bool = False
    """Whether it uses the stack's config and secret, which are there in any case.

    Mounting them makes Docker 20.10 fail now and then ("unable to remount dir as readonly ...
    device or resource busy"), and the task is tried again after the restart delay.
    """


def changed(part: Part) -> Part:
    """Return the same with another image."""
    return replace(part, image=OTHER_IMAGE)


def sourced(unit: Unit, *parts: Part) -> Sourced:
    """Return what a repository would hold for a stack of these services."""
    files = (
        ReleaseFile(path="stacks/a.yaml", content=_compose(unit, parts)),
        ReleaseFile(path="stacks/settings", content=b"x=1\n"),
        ReleaseFile(path="stacks/password", content=b"x=1\n"),
    )
    digest = sha256(listing(files)).hexdigest()
    release = Release(
        unit=unit,
        revision=Revision("contract", sha1(unit.stack.encode(), usedforsecurity=False).hexdigest()),
        name=f"{unit.stack}-{digest[:12]}",
        digest=digest,
        compose="stacks/a.yaml",
        files=files,
    )
    desired = DesiredStack(
        unit=unit,
        services=tuple(map(_desired, parts)),
        external_networks=tuple(part.joins for part in parts if part.joins),
    )
    return Sourced(desired=desired, release=release)


def _image(part: Part) -> str:
    if part.does is Does.NOTHING:
        return ABSENT_IMAGE
    tags = {Does.CRASH: "crash-loop", Does.IGNORE: "ignores-sigterm"}
    if part.does is Does.SERVE:
        return OTHER_IMAGE
    return part.image.replace(":latest", f":{tags.get(part.does, 'latest')}")


def _desired(part: Part) -> DesiredService:
    ports = (PublishedPort(port=PORT, mode="host"),) if part.does is Does.SERVE else ()
    checks = part.does in {Does.GET_HEALTHY, Does.STAY_SICK}
    return DesiredService(
        name=part.name,
        image=_image(part),
        mode=part.mode,
        replicas=part.replicas,
        grace_seconds=part.grace_seconds,
        start_seconds=_HEALTH_SECONDS if checks else 0.0,
        ports=ports,
        facts=(
            *((Fact(NETWORK, part.joins, ""),) if part.joins else ()),
            *((Fact("restart", "condition", part.restart),) if part.restart else ()),
        ),
    )


def _compose(unit: Unit, parts: tuple[Part, ...]) -> bytes:
    document: dict[str, object] = {
        "version": VERSION,
        "services": {part.name: _service(unit, part) for part in parts},
        "configs": {"settings": {"file": "./settings"}},
        "secrets": {"password": {"file": "./password"}},
    }
    if joined := [part.joins for part in parts if part.joins]:
        document["networks"] = {name: {"external": True} for name in joined}
    return (json.dumps(document, indent=1) + "\n").encode()


def _service(unit: Unit, part: Part) -> dict[str, object]:
    deploy: dict[str, object] = {"mode": part.mode.value}
    if part.mode in {Mode.REPLICATED, Mode.REPLICATED_JOB}:
        deploy["replicas"] = part.replicas
    if part.restart:
        deploy["restart_policy"] = {"condition": part.restart}
    if part.does is Does.WAIT:
        deploy["placement"] = {"constraints": ["node.labels.nowhere == yes"]}
    if part.does is Does.SERVE:
        deploy["placement"] = {"constraints": ["node.role == manager"]}
    return {
        "image": _image(part),
        "environment": {
            MARK: unit.stack,
            "SERVICE": part.name,
            "DATATRAIL_DB": f"{DATABASE}:{DATABASE_PORT}",
        },
        "extra_hosts": [f"{DATABASE}:198.18.0.4"],
        "stop_grace_period": f"{part.grace_seconds:g}s",
        "deploy": deploy,
        **({"configs": ["settings"], "secrets": ["password"]} if part.data else {}),
        **({"networks": [part.joins]} if part.joins else {}),
        **_process(part),
    }


# The first process of a container gets no signal that it did not ask for.
_LIVES = "trap 'exit 143' TERM; while :; do sleep 60 & wait; done"
_CHECK = {"interval": "1s", "timeout": "1s", "start_period": "0s"}


def _process(part: Part) -> dict[str, object]:
    match part.does:
        case Does.SERVE:
            port = {"target": PORT, "published": PORT, "protocol": "tcp", "mode": "host"}
            return {"command": ["server"], "ports": [port]}
        case Does.GET_HEALTHY:
            script = f"(sleep {HEALTHY_AFTER_SECONDS:g}; : >/healthy) & {_LIVES}"
            test = ["CMD", "/bin/ls", "/healthy"]
            return _script(script) | {"healthcheck": {"test": test, "retries": 20, **_CHECK}}
        case Does.STAY_SICK:
            test = ["CMD", "/bin/false"]
            retries = int(_FAILS_AFTER_SECONDS)
            return _script(_LIVES) | {"healthcheck": {"test": test, "retries": retries, **_CHECK}}
        case Does.FINISH:
            return _script("exit 0")
        case _:
            return {"command": ["idle"]}


def _script(text: str) -> dict[str, object]:
    # `$` would be taken for a variable of the compose file.
    return {"entrypoint": ["/bin/sh", "-c", text.replace("$", "$$")]}
