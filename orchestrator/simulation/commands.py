"""What a manager does when it is told to: the server's side of every mutating effect."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from orchestrator.fleet.desired import DesiredService, DesiredStack
from orchestrator.fleet.facts import digest_of
from orchestrator.fleet.pulling import LABEL_IMAGE, LABEL_PULL, NodePull
from orchestrator.fleet.usage import NETWORK, used
from orchestrator.simulation import api, rollout
from orchestrator.simulation.clock import Process
from orchestrator.simulation.objects import SimResource
from orchestrator.simulation.swarm import SimSwarm

Labels = tuple[tuple[str, str], ...]
MaySend = Callable[[], Process[bool]]
"""Whether whoever sends requests one by one still can, as soon as that is known."""


def _always() -> Process[bool]:
    yield from ()
    return True


def remove_services(
    swarm: SimSwarm, ids: tuple[str, ...], may_send: MaySend = _always
) -> Process[str]:
    """Delete services by id; see `_delete_each`."""
    return _delete_each(
        swarm, [partial(api.delete_service, swarm, wanted) for wanted in ids], may_send
    )


def remove_leftovers(
    swarm: SimSwarm,
    *,
    networks: tuple[str, ...],
    secrets: tuple[str, ...],
    configs: tuple[str, ...],
    may_send: MaySend = _always,
) -> Process[str]:
    """Delete secrets, configs and networks by id, as `docker stack rm` orders them."""
    deletions = [
        *(partial(api.delete_secret, swarm, wanted) for wanted in secrets),
        *(partial(api.delete_config, swarm, wanted) for wanted in configs),
        *(partial(api.delete_network, swarm, wanted) for wanted in networks),
    ]
    return _delete_each(swarm, deletions, may_send)


def _delete_each(
    swarm: SimSwarm, deletions: Sequence[Callable[[], bool]], may_send: MaySend
) -> Process[str]:
    """Delete one after another, each a request of its own; what is refused stops no other.

    The first is on its way already; who may not send any more sends no further one. Raises one
    error for all that was refused: OutcomeUnknownError if that can be said of any.
    """
    gone = 0
    refused: list[api.ApiError] = []
    for number, delete in enumerate(deletions):
        if number and not (yield from may_send()):
            refused.append(api.UnsentError(f"{number} of {len(deletions)} were sent"))
            break
        try:
            gone += yield from api.write(swarm, delete)
        except api.ApiError as error:
            refused.append(error)
    if refused:
        unknown = (e for e in refused if isinstance(e, api.OutcomeUnknownError))
        kind = type(next(unknown, refused[0]))
        raise kind("\n".join(dict.fromkeys(map(str, refused))))
    return f"{gone} of {len(deletions)} deleted, the others were gone"


def stack_rm(swarm: SimSwarm, stack: str) -> Process[str]:
    """`docker stack rm`, as a person types it: everything at once, nothing waited for."""
    services = tuple(service.id for service in swarm.services_of(stack))
    words = yield from remove_services(swarm, services)
    yield from remove_leftovers(
        swarm,
        networks=_ids(swarm.networks, stack),
        secrets=_ids(swarm.secrets, stack),
        configs=_ids(swarm.configs, stack),
    )
    return words


def _ids(kept: dict[str, SimResource], stack: str) -> tuple[str, ...]:
    return tuple(r.id for r in kept.values() if r.stack == stack and not r.deleted)


def deploy(
    swarm: SimSwarm,
    wanted: DesiredStack,
    labels: Labels,
    *,
    prune: bool = False,
    again: tuple[str, ...] = (),
) -> Process[str]:
    """`docker stack deploy`: networks, secrets, configs, then the services in random order.

    With `prune` services that are not declared are removed first, as the CLI does it
    (docker/cli command/stack/swarm/deploy_composefile.go). The first refusal ends it; what was
    created by then stays.
    """
    yield swarm.between(0.2, 0.4)
    yield from api.settled(swarm)
    api.check_leader(swarm)
    stack = wanted.unit.stack
    _check_externals(swarm, wanted)
    said = yield from _pruned(swarm, wanted) if prune else _nothing()
    said += yield from _networks_and_data(swarm, stack)
    order = list(wanted.services)
    swarm.rng.shuffle(order)
    for service in order:
        said.append((yield from api.write(swarm, partial(_service, swarm, stack, service, labels))))
    for known in [service for service in swarm.services_of(stack) if service.name in again]:
        yield from api.write(swarm, partial(rollout.force_update, swarm, known))
    return "\n".join(said)


def _nothing() -> Process[list[str]]:
    yield from ()
    return []


def _pruned(swarm: SimSwarm, wanted: DesiredStack) -> Process[list[str]]:
    declared = {wanted.service_name(service) for service in wanted.services}
    said = []
    for service in swarm.services_of(wanted.unit.stack):
        if service.name not in declared:
            yield from api.write(swarm, partial(api.delete_service, swarm, service.id))
            said.append(f"Removing service {service.name}")
    return said


def _check_externals(swarm: SimSwarm, wanted: DesiredStack) -> None:
    kinds = (
        ("network", swarm.networks, wanted.external_networks),
        ("secret", swarm.secrets, wanted.external_secrets),
        ("config", swarm.configs, wanted.external_configs),
    )
    for kind, kept, names in kinds:
        known = {resource.name for resource in kept.values() if not resource.deleted}
        for name in names:
            if name not in known:
                raise api.ApiError(
                    f'{kind} "{name}" is declared as external, but could not be found'
                )


def _networks_and_data(swarm: SimSwarm, stack: str) -> Process[list[str]]:
    said = []
    network, secret, config = data_names(stack)
    # The list shows what the manager's node still holds of a deleted network, and so the
    # network is not created: the services then fail (moby#29293).
    if network not in {known.name for known in swarm.network_list()}:
        yield from api.write(swarm, partial(api.create_network, swarm, stack, network))
        said.append(f"Creating network {network}")
    if secret not in {known.name for known in swarm.secrets.values()}:
        yield from api.write(swarm, partial(api.create_secret, swarm, secret, stack=stack))
        said.append(f"Creating secret {secret}")
    if config not in {known.name for known in swarm.configs.values()}:
        yield from api.write(swarm, partial(api.create_config, swarm, config, stack=stack))
        said.append(f"Creating config {config}")
    return said


def data_names(stack: str) -> tuple[str, str, str]:
    """Return the network, secret and config that each simulated stack has."""
    return f"{stack}_default", f"{stack}_password", f"{stack}_settings"


def _service(swarm: SimSwarm, stack: str, desired: DesiredService, labels: Labels) -> str:
    name = f"{stack}_{desired.name}"
    kept = tuple(fact for fact in desired.facts if fact.kind not in swarm.drops)
    desired = replace(desired, facts=kept) if swarm.drops else desired
    known = next((s for s in swarm.services.values() if s.name == name), None)
    verb = "create" if known is None else "update"
    problem = f"failed to {verb} service {name}: Error response from daemon: "
    joined = networks_of(swarm, stack, desired)
    if lost := [name for name, network in joined.items() if network is None]:
        raise api.ApiError(f"{problem}network {lost[0]} not found")
    networks = tuple(network for network in joined.values() if network is not None)
    if known is not None:
        rollout.update_service(swarm, known, desired, labels=labels, networks=networks)
        return f"Updating service {name} (id: {known.id})"
    if clash := _clash(swarm, desired):
        raise api.ApiError(problem + clash)
    rollout.create_service(swarm, stack, desired, labels=labels, networks=networks)
    return f"Creating service {name}"


def networks_of(
    swarm: SimSwarm, stack: str, desired: DesiredService
) -> dict[str, SimResource | None]:
    """Return what a service joins, by name: what its facts say, else the one of its stack."""
    said = [name for kind, name in sorted(used(desired.facts)) if kind == NETWORK]
    there = {network.name: network for network in swarm.networks.values() if not network.deleted}
    return {name: there.get(name) for name in said or [data_names(stack)[0]]}


def _clash(swarm: SimSwarm, desired: DesiredService) -> str:
    ours = {port.port for port in desired.ports if port.mode == "ingress"}
    for other in swarm.services.values():
        for port in sorted(ours.intersection(other.ports("ingress"))):
            return (
                f"rpc error: code = InvalidArgument desc = port '{port}' is already in use by"
                f" service '{other.name}' ({other.id}) as an ingress port"
            )
    return ""


def pull(swarm: SimSwarm, images: tuple[str, ...], seconds: float) -> Process[str]:
    """Pull images side by side on the manager, with the login it has; pulls on nodes end."""
    yield from api.settled(swarm)
    with suppress(api.ApiError):
        yield from _end_pulls(swarm)
    needed = [i for i in images if not (digest_of(i) and swarm.manager.holds(i))]
    checks = [swarm.registry.check(image) for image in needed]
    full = [swarm.registry.resolve(check.image) for check in checks if check.ok]
    yield 0.05 if all(swarm.manager.holds(image) for image in full) else seconds
    for image in full:
        swarm.manager.keep(image)
    refused = [f"{check.image}: {check.words}" for check in checks if not check.ok]
    if refused:
        raise api.ApiError("\n".join(refused))
    return f"{len(images)} images present"


def pull_on_nodes(swarm: SimSwarm, run: str, pulls: tuple[NodePull, ...]) -> Process[str]:
    """Let these pulls on nodes stand, and no others."""
    yield swarm.between(0.1, 0.3)
    yield from api.settled(swarm)
    yield from _end_pulls(swarm)
    for number, pull in enumerate(pulls, 1):
        name = f"dtdeploy-pull-{run}-{number}"
        labels = ((LABEL_PULL, run), (LABEL_IMAGE, pull.image))
        yield from api.write(swarm, partial(rollout.create_pull, swarm, name, pull, labels))
    return f"{len(pulls)} pulls on nodes"


def _end_pulls(swarm: SimSwarm) -> Process[None]:
    for service in [service for service in swarm.services.values() if service.only_pulls]:
        yield from api.write(swarm, partial(api.delete_service, swarm, service.id))
