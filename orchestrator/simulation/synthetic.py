"""Made-up compose files for the units of an inventory, so that it can be rehearsed anywhere."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from hashlib import sha1
from types import MappingProxyType

from orchestrator.fleet.desired import DesiredService, DesiredStack, PostgresProbe, PublishedPort
from orchestrator.fleet.observed import Fact
from orchestrator.fleet.running import LABEL_RELEASE, LABEL_REPO, LABEL_REVISION
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory, UnitSpec
from orchestrator.simulation.commands import data_names
from orchestrator.sources.declared_facts import with_facts
from orchestrator.sources.document import Pair, Scalar, Series, Table, Tree
from orchestrator.sources.findings import NOWHERE
from orchestrator.sources.model import Release, ReleaseFile, Sourced
from orchestrator.sources.release import digest_of, name_of

COMPOSE_VERSION = "3.8"
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_HEALTH_SECONDS = 30.0
_HEALTH_CHECK = {"test": ["CMD", "healthy"], "interval": "5s", "timeout": "5s", "retries": 3}


def synthetic_sources(
    inventory: Inventory,
    units: Iterable[Unit],
    *,
    generation: int = 1,
    shared: Mapping[Unit, tuple[str, ...]] = MappingProxyType({}),
    constraints: Mapping[Unit, tuple[str, ...]] = MappingProxyType({}),
) -> dict[Unit, Sourced]:
    """Make up what the repositories would hold for `units`.

    Every service that the inventory calls a must is there; the first of them publishes, on its
    node, the ports that the unit's own probes ask for, and has a health check. Another
    `generation` is another revision with other images. `shared` are, by unit, the stacks at its
    site whose network, secret and config it calls external: its services join that network.
    `constraints` are, by unit, those of all its services.
    """
    return {
        unit: _sourced(
            inventory,
            inventory.spec(unit),
            generation,
            shared=shared.get(unit, ()),
            constraints=constraints.get(unit, ()),
        )
        for unit in units
    }


def labels_of(sourced: Sourced) -> tuple[tuple[str, str], ...]:
    """Return the labels by which what runs tells where it came from."""
    release = sourced.release
    return (
        (LABEL_RELEASE, release.digest),
        (LABEL_REPO, release.revision.repo),
        (LABEL_REVISION, release.revision.sha),
    )


def _sourced(
    inventory: Inventory,
    spec: UnitSpec,
    generation: int,
    *,
    shared: tuple[str, ...],
    constraints: tuple[str, ...],
) -> Sourced:
    host = inventory.site(spec.unit.site).manager.host
    desired = made_up(
        spec.unit,
        spec.must_have or ("app",),
        ports=_own_ports(spec, host),
        finishes=spec.policy.finishes,
        image=f"registry.example/{spec.unit.stack}:{generation}",
        shared=shared,
        constraints=constraints,
    )
    place = f"{spec.repo}:{spec.compose}:1:1"
    desired = replace(desired, external_at=tuple((thing, place) for thing in desired.external))
    return Sourced(
        desired=desired,
        release=_release(desired, made_up_revision(spec.repo, generation), spec.compose),
    )


def made_up_revision(repo: str, generation: int = 1) -> Revision:
    """Return the revision that the made-up files of a repository are of."""
    sha = sha1(f"{repo}#{generation}".encode(), usedforsecurity=False).hexdigest()
    return Revision(repo, sha)


def made_up(
    unit: Unit,
    services: Iterable[str],
    *,
    image: str,
    ports: tuple[int, ...] = (),
    shared: tuple[str, ...] = (),
    finishes: tuple[str, ...] = (),
    constraints: tuple[str, ...] = (),
) -> DesiredStack:
    """Return a stack of such services, the first of which publishes `ports`.

    All of them join the networks of the stacks `shared`, and have the placement `constraints`.
    Those that `finishes` names are started again only if they fail.
    """
    placed = tuple(Fact("placement constraint", words, "") for words in constraints)
    published = tuple(PublishedPort(port=port, mode="host") for port in ports)
    first, *others = services
    server = DesiredService(
        name=first,
        image=image,
        ports=published,
        facts=placed,
        start_seconds=_HEALTH_SECONDS if published else 0.0,
    )
    once = (Fact("restart", "condition", "on-failure"),)
    plain = (
        DesiredService(name=name, image=image, facts=(*placed, *(once if name in finishes else ())))
        for name in dict.fromkeys((*others, *(name for name in finishes if name != first)))
    )
    network, secret, config = data_names(unit.stack)
    others_data = [data_names(stack) for stack in shared]
    desired = DesiredStack(
        unit=unit,
        services=(server, *plain),
        external_networks=tuple(name for name, _, _ in others_data),
        external_secrets=tuple(name for _, name, _ in others_data),
        external_configs=tuple(name for _, _, name in others_data),
    )
    return replace(
        desired,
        services=_with_facts(replace(desired, unit=Unit(stack=unit.stack, site=""))),
        networks=(network,),
        secrets=(secret,),
        configs=(config,),
    )


@lru_cache(1024)
def _with_facts(desired: DesiredStack) -> tuple[DesiredService, ...]:
    """Return services with the facts that their compose file comes to; alike at every site."""
    root = _tree(_document(desired))
    if not isinstance(root, Table):
        raise TypeError("a compose file is a mapping")
    return with_facts(desired, root, env_files={}, plain={}, secrets={}).services


def _tree(value: object) -> Tree:
    if isinstance(value, dict):
        pairs = (Pair(key=key, at=NOWHERE, value=_tree(own)) for key, own in value.items())
        return Table(pairs=tuple(pairs), at=NOWHERE)
    if isinstance(value, list | tuple):
        return Series(items=tuple(map(_tree, value)), at=NOWHERE)
    return Scalar(value=value if isinstance(value, str | int) else None, at=NOWHERE)


def _own_ports(spec: UnitSpec, host: str) -> tuple[int, ...]:
    asked = (
        probe.port
        for probe in spec.probes
        if not isinstance(probe, PostgresProbe) and probe.host in _HERE | {host}
    )
    return tuple(dict.fromkeys(asked))


def _release(desired: DesiredStack, revision: Revision, path: str) -> Release:
    files = (ReleaseFile(path=path, content=compose_text(desired)),)
    digest = digest_of(files)
    return Release(
        unit=desired.unit,
        revision=revision,
        name=name_of(desired.unit, revision, digest),
        digest=digest,
        compose=path,
        files=files,
    )


def compose_text(desired: DesiredStack) -> bytes:
    """Write a made-up stack as a compose file, in the JSON that is also YAML."""
    return (json.dumps(_document(desired), indent=2) + "\n").encode()


def _document(desired: DesiredStack) -> dict[str, object]:
    services = {service.name: _service(service, desired) for service in desired.services}
    text: dict[str, object] = {"version": COMPOSE_VERSION, "services": services}
    for kind, names in _shared(desired).items():
        text[kind] = {name: {"external": True} for name in names}
    return text


def _shared(desired: DesiredStack) -> dict[str, tuple[str, ...]]:
    kinds = {
        "networks": desired.external_networks,
        "configs": desired.external_configs,
        "secrets": desired.external_secrets,
    }
    return {kind: names for kind, names in kinds.items() if names}


def _service(service: DesiredService, desired: DesiredStack) -> dict[str, object]:
    deploy: dict[str, object] = {"mode": service.mode.value, "replicas": service.replicas}
    text: dict[str, object] = {
        "image": service.image,
        "stop_grace_period": f"{service.grace_seconds:g}s",
        "deploy": deploy,
    }
    for fact in service.facts:
        if (fact.kind, fact.item) == ("restart", "condition"):
            deploy["restart_policy"] = {"condition": fact.value}
    shared = _shared(desired)
    text |= shared
    if "networks" in shared:
        text["networks"] = ("default", *shared["networks"])
    if service.constraints:
        deploy["placement"] = {"constraints": list(service.constraints)}
    if service.ports:
        text["ports"] = [
            {"target": p.port, "published": p.port, "protocol": p.protocol, "mode": p.mode}
            for p in service.ports
        ]
    if service.start_seconds:
        text["healthcheck"] = _HEALTH_CHECK
    return text
