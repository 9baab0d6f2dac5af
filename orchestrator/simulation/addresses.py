"""The ingress network's addresses, and how `docker stack rm` loses them for good."""

from orchestrator.simulation.objects import SimService, SimTask

_RESERVED = 3
"""Network address, broadcast address, gateway."""


class IngressPool:
    """Addresses of one Swarm's ingress network.

    A publishing service takes one for itself and one for each task; each node takes one.
    On a /28 with three replicas that makes the fourth deploy after a leak starve, as measured.
    A task whose own network was deleted before it ended never gives its address back
    (moby#37338), until the leader is restarted.
    """

    __slots__ = ("_used", "capacity", "leaked")

    def __init__(self, *, prefix: int, nodes: int) -> None:
        self.capacity = (1 << (32 - prefix)) - _RESERVED - nodes
        self.leaked = 0
        self._used = 0

    @property
    def free(self) -> int:
        """How many more can be given out."""
        return self.capacity - self._used - self.leaked

    def admit(self, service: SimService) -> None:
        """Take the virtual address of a new service that publishes through ingress."""
        self._used += bool(service.ports("ingress"))

    def dismiss(self, service: SimService) -> None:
        """Take the address of a removed service back."""
        self._used -= bool(service.ports("ingress"))

    def take(self, task: SimTask) -> bool:
        """Give a task its address; False if none is left, and it must stay `new`."""
        if task.addresses or not task.service.ports("ingress"):
            return True
        if self.free <= 0:
            return False
        self._used += 1
        task.addresses = 1
        return True

    def give_back(self, task: SimTask) -> bool:
        """Take a finished task's address back, unless it leaks; True if one became free."""
        held, task.addresses = task.addresses, 0
        self._used -= held
        if task.leaks:
            self.leaked += held
            return False
        return bool(held)

    def restart_leader(self) -> None:
        """Count afresh, as a new leader does: the leaked addresses are found."""
        self.leaked = 0
