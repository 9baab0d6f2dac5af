"""How many addresses of the ingress network are in use, as far as the Engine API shows it."""

from dataclasses import dataclass
from ipaddress import ip_network
from typing import Annotated

from pydantic import BeforeValidator, Field, TypeAdapter

from orchestrator.fleet.observed import TaskState
from orchestrator.swarm.service_spec import Model, OrEmpty

_RESERVED = 2
"""The addresses of the network itself and for broadcasts."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Addresses that may be used, and that are: the gateway, nodes, services and their tasks.

    Those that were leaked are not seen: until Docker 29 nothing counts them (swarmkit#3230).
    """

    size: int
    used: int


class _Config(Model):
    subnet: str = Field("", alias="Subnet")


def _none_is_empty(value: object) -> object:
    return () if value is None else value


class _Ipam(Model):
    config: Annotated[tuple[_Config, ...], BeforeValidator(_none_is_empty)] = Field(
        (), alias="Config"
    )


class _Network(Model):
    id: str = Field("", alias="Id")
    ingress: bool = Field(default=False, alias="Ingress")
    ipam: OrEmpty[_Ipam] = Field(default=_Ipam(), alias="IPAM")


class _Address(Model):
    network: str = Field("", alias="NetworkID")


class _Endpoint(Model):
    addresses: Annotated[tuple[_Address, ...], BeforeValidator(_none_is_empty)] = Field(
        (), alias="VirtualIPs"
    )


class _Service(Model):
    endpoint: OrEmpty[_Endpoint] = Field(default=_Endpoint(), alias="Endpoint")


class _Attached(Model):
    id: str = Field("", alias="ID")


class _Attachment(Model):
    network: OrEmpty[_Attached] = Field(default=_Attached(), alias="Network")
    addresses: Annotated[tuple[str, ...], BeforeValidator(_none_is_empty)] = Field(
        (), alias="Addresses"
    )


class _Status(Model):
    state: str = Field("", alias="State")


class _Task(Model):
    status: OrEmpty[_Status] = Field(default=_Status(), alias="Status")
    attachments: Annotated[tuple[_Attachment, ...], BeforeValidator(_none_is_empty)] = Field(
        (), alias="NetworksAttachments"
    )


_NETWORKS = TypeAdapter(tuple[_Network, ...])
_SERVICES = TypeAdapter(tuple[_Service, ...])
_TASKS = TypeAdapter(tuple[_Task, ...])
_ENDED = frozenset(state.name.lower() for state in TaskState if state.terminal)


def pool(networks: bytes, services: bytes, tasks: bytes, *, nodes: int) -> Pool | None:
    """Count them from `GET /networks`, `/services` and `/tasks`; None without ingress network."""
    found = next((net for net in _NETWORKS.validate_json(networks) if net.ingress), None)
    if found is None or not found.ipam.config or not found.ipam.config[0].subnet:
        return None
    size = ip_network(found.ipam.config[0].subnet).num_addresses - _RESERVED
    virtual = sum(
        address.network == found.id
        for service in _SERVICES.validate_json(services)
        for address in service.endpoint.addresses
    )
    given = sum(
        len(attachment.addresses)
        for task in _TASKS.validate_json(tasks)
        for attachment in task.attachments
        if attachment.network.id == found.id and task.status.state not in _ENDED
    )
    return Pool(size=size, used=1 + nodes + virtual + given)
