"""The facts of a compose file's services, put on the desired state that was read from it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from orchestrator.fleet.desired import DesiredService, DesiredStack
from orchestrator.fleet.facts import SECRETIVE, facts
from orchestrator.fleet.observed import Facts, Volume
from orchestrator.fleet.spec import ServiceSpec
from orchestrator.sources.convert import Surroundings, service_spec
from orchestrator.sources.document import Table, table
from orchestrator.sources.reading import Reader


def with_facts(
    desired: DesiredStack,
    root: Table,
    *,
    env_files: Mapping[str, bytes],
    plain: Mapping[str, str],
    secrets: Mapping[str, str],
) -> DesiredStack:
    """Return the desired state with the facts of every service.

    Args:
        desired: what was read of the file.
        root: the file, variables resolved but for secret ones.
        env_files: contents by the path the file names.
        plain: the variables that the deploy has in its environment.
        secrets: the same, those that are secret. Their values are in the facts then, which are
            compared and never shown.

    """

    def around(values: Mapping[str, str]) -> Surroundings:
        given = {**plain, **values}
        stack, reader = desired.unit.stack, Reader(values)
        return Surroundings(root=root, stack=stack, reader=reader, env_files=env_files, given=given)

    real, masked = around(secrets), around({name: f"<{name}>" for name in secrets})
    specs = {
        service.name: service_spec(service.name, _body(root, service), real)
        for service in desired.services
    }
    return replace(
        desired,
        services=tuple(
            _service(service, specs[service.name], root, masked) for service in desired.services
        ),
        volume_options=tuple(dict.fromkeys(v for spec in specs.values() for v in _volumes(spec))),
    )


def _body(root: Table, service: DesiredService) -> Table:
    return table(table(root.get("services")).get(service.name))


def _volumes(spec: ServiceSpec) -> Iterator[Volume]:
    """Give what has a driver or options: nothing else of a volume could be another one."""
    for mount in spec.mounts:
        if mount.kind == "volume" and mount.source and (mount.driver or mount.driver_options):
            options = tuple(sorted(mount.driver_options))
            yield Volume(name=mount.source, driver=mount.driver or "local", options=options)


def _service(
    service: DesiredService, spec: ServiceSpec, root: Table, masked: Surroundings
) -> DesiredService:
    found = facts(spec)
    open_ones = facts(service_spec(service.name, _body(root, service), masked))
    return replace(service, facts=found, hidden=_hidden(found, open_ones))


def _hidden(found: Facts, masked: Facts) -> frozenset[str]:
    """Name the kinds that a secret was put into, of those that are shown otherwise.

    A kind whose item holds one is hidden even where its values always are.
    """
    differing = set(found) ^ set(masked)
    items = {(fact.kind, fact.item) for fact in found} ^ {(f.kind, f.item) for f in masked}
    named = {kind for kind, _ in items}
    return frozenset({fact.kind for fact in differing} - SECRETIVE | named)
