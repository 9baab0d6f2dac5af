"""Compose files as Datatrail's people would write them. Pure."""

from collections.abc import Iterable

from lab.standins.images import CLIENT_IMAGE
from lab.standins.stacks import Service
from lab.topology import COORDINATOR, KNOWN_SITES, POSTGRES, REGISTRY

SERVER_PORT = 8001
_SERVER_HOST = KNOWN_SITES[COORDINATOR]
_REGISTRY = f"{REGISTRY.name}:5000"

_HEAD = """\
# {title}
version: "3.8"

x-service: &service
  env_file: {env_file}
  networks: [default]
  extra_hosts:
{extra_hosts}
  deploy: &deploy
{endpoint_mode}    restart_policy:
      condition: any
      delay: 5s
    update_config:
      parallelism: 1
      order: stop-first
      failure_action: pause

services:
"""
_TAIL = """\
networks:
  default:
    driver: overlay
"""
_HEALTH_CHECK = """\
    healthcheck:
      test: ["CMD", "/bin/maestro", "health"]
      interval: 1s
      timeout: 3s
      retries: 15
      start_period: 15s
"""


def compose_file(
    title: str,
    services: Iterable[Service],
    *,
    env_file: str,
    hosts: dict[str, str],
    config: str,
    virtual_addresses: bool = True,
) -> str:
    """Write a compose file; the config file is mounted into its first service.

    Without `virtual_addresses` their names resolve to those of the tasks (dnsrr).
    """
    listed = list(services)
    extra_hosts = "\n".join(f'    - "{name}:{address}"' for name, address in hosts.items())
    endpoint_mode = "" if virtual_addresses else "    endpoint_mode: dnsrr\n"
    head = _HEAD.format(
        title=title, env_file=env_file, extra_hosts=extra_hosts, endpoint_mode=endpoint_mode
    )
    blocks = [_service(service, config if at == 0 else None) for at, service in enumerate(listed)]
    configs = f"configs:\n  settings:\n    file: {config}\n\n"
    return head + "\n".join(blocks) + "\n" + configs + _TAIL


def _service(service: Service, config: str | None) -> str:
    words = ", ".join(f'"{word}"' for word in service.command)
    text = (
        f"  {service.name}:\n"
        "    <<: *service\n"
        f"    image: {_REGISTRY}/{service.image}:{_tag(service)}\n"
        f"    command: [{words}]\n"
        "    environment:\n"
        f"      SERVICE: {service.name}\n"
        "      LOG_LEVEL: ${DATATRAIL_LOG_LEVEL:-info}\n"
    )
    if config:
        text += "    configs:\n      - source: settings\n        target: /etc/datatrail.toml\n"
    if service.is_server:
        ports = f"      - target: {SERVER_PORT}\n        published: {SERVER_PORT}\n"
        text += f"    ports:\n{ports}        protocol: tcp\n        mode: host\n{_HEALTH_CHECK}"
    if service.kind.grace_period:
        text += f"    stop_grace_period: {service.kind.grace_period}\n"
    if service.constraint:
        placement = f'      placement:\n        constraints: ["{service.constraint}"]\n'
        text += f"    deploy:\n      <<: *deploy\n{placement}"
    return text


def image(service: Service) -> str:
    """Name the image that a service runs when nobody sets another tag."""
    return f"{_REGISTRY}/{service.image}:{service.kind.tag}"


def _tag(service: Service) -> str:
    if service.kind.tag != "latest":
        return service.kind.tag
    variable = "CLIENT_TAG" if service.image == CLIENT_IMAGE else "DATATRAIL_TAG"
    return f"${{{variable}:-latest}}"


def idle_stack(*, replicas: int = 1, published: int | None = None) -> str:
    """Write a compose file with one service that does nothing, perhaps on an ingress port."""
    ports = f'    ports: ["{published}:{SERVER_PORT}"]\n' if published else ""
    return (
        'version: "3.8"\nservices:\n  idle:\n'
        f'    image: {_REGISTRY}/{CLIENT_IMAGE}:latest\n    command: ["idle"]\n{ports}'
        f"    deploy:\n      replicas: {replicas}\n"
    )


def environment_file() -> str:
    """Write what every service needs to know."""
    return (
        "# Shared by every Datatrail service.\n"
        f"DATATRAIL_SERVER={_SERVER_HOST}:{SERVER_PORT}\n"
        f"DATATRAIL_DB={POSTGRES.name}:5432\n"
        "DATATRAIL_DB_USER=datatrail\n"
    )
