"""What really happened in the simulated world, for whoever watches it from outside."""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple


class What(Enum):
    """Kinds of happenings."""

    COMMAND = "command"
    """A mutating effect reached a site and begins to act; `detail` names its kind."""
    SERVICE_CREATED = "service created"
    SERVICE_UPDATED = "service updated"
    SERVICE_REMOVED = "service removed"
    TASK_STATE = "task state"
    TASK_GONE = "task gone"
    CONTAINER_STARTED = "container started"
    CONTAINER_STOPPED = "container stopped"
    NETWORK_CREATED = "network created"
    NETWORK_REMOVED = "network removed"
    CONFIG_CREATED = "config created"
    CONFIG_UPDATED = "config updated"
    CONFIG_REMOVED = "config removed"
    SECRET_CREATED = "secret created"  # noqa: S105 - the name of a kind, no secret
    SECRET_REMOVED = "secret removed"  # noqa: S105 - the name of a kind, no secret
    AUDIT = "audit"
    """A line was written to the audit log on the manager; `detail` is the line."""
    NODE_STATE = "node state"
    ANNOUNCED = "announced"
    """A message was taken where downtime is announced; `detail` is its news and its title."""
    RELEASE_SHIPPED = "release shipped"
    FAULT = "fault"


class Happening(NamedTuple):
    """One change of the world. `at` is virtual time in seconds; empty parts do not apply.

    `by` is whose command did it: an operator's name, "person" for one at the manager's own
    prompt, "" for the Swarm itself.
    """

    at: float
    what: What
    site: str
    stack: str = ""
    service: str = ""
    node: str = ""
    task: str = ""
    detail: str = ""
    by: str = ""


class RunningContainer(NamedTuple):
    """A container that really runs, whatever the Swarm believes. `service` is its short name."""

    site: str
    node: str
    stack: str
    service: str
    since: float
    task: str


Listener = Callable[[Happening], None]
