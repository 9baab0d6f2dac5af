"""How a stand-in can misbehave. Pure."""

from enum import Enum


class Kind(Enum):
    """What a service of a stand-in stack does."""

    GOOD = "good"
    CRASH_LOOP = "crash-loop"
    NEVER_HEALTHY = "never-healthy"  # its health check fails but never runs out of retries
    UNHEALTHY = "unhealthy"  # its health check fails and it is replaced, over and over
    IGNORES_SIGTERM = "ignores-sigterm"  # ends by SIGKILL after its grace period
    STUCK = "stuck"  # ignores SIGTERM and asked for a grace period of hours
    OTHER_MACHINE = "other-machine"  # its image says that it is for another architecture
    MISSING = "missing"  # the registry has no such tag

    @property
    def tag(self) -> str:
        """The image tag that makes it so."""
        same_image = {Kind.GOOD: "latest", Kind.STUCK: Kind.IGNORES_SIGTERM.value}
        return same_image.get(self, self.value)

    @property
    def grace_period(self) -> str | None:
        """The stop_grace_period that goes with it."""
        return "12h" if self is Kind.STUCK else None


PUSHED = (
    Kind.GOOD,
    Kind.CRASH_LOOP,
    Kind.NEVER_HEALTHY,
    Kind.UNHEALTHY,
    Kind.IGNORES_SIGTERM,
    Kind.OTHER_MACHINE,
)
