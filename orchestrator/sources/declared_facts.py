"""The facts of a compose file's services, put on the desired state that was read from it."""

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.fleet.desired import DesiredService, DesiredStack
from orchestrator.fleet.facts import SECRETIVE, facts
from orchestrator.fleet.observed import Facts
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
    return replace(
        desired,
        services=tuple(_service(service, root, real, masked) for service in desired.services),
    )


def _service(
    service: DesiredService, root: Table, real: Surroundings, masked: Surroundings
) -> DesiredService:
    body = table(table(root.get("services")).get(service.name))
    found = facts(service_spec(service.name, body, real))
    open_ones = facts(service_spec(service.name, body, masked))
    return replace(service, facts=found, hidden=_hidden(found, open_ones))


def _hidden(found: Facts, masked: Facts) -> frozenset[str]:
    """Name the kinds that a secret was put into, of those that are shown otherwise.

    A kind whose item holds one is hidden even where its values always are.
    """
    differing = set(found) ^ set(masked)
    items = {(fact.kind, fact.item) for fact in found} ^ {(f.kind, f.item) for f in masked}
    named = {kind for kind, _ in items}
    return frozenset({fact.kind for fact in differing} - SECRETIVE | named)
