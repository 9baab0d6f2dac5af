from orchestrator.fleet.desired import DesiredStack
from orchestrator.inventory.model import UnitSpec


def missing_must_have(spec: UnitSpec, desired: DesiredStack) -> tuple[str, ...]:
    """Name the services that operators rely on and the compose file does not have.

    That is no error, what is deployed is what the compose file says; it is a danger to show.
    """
    there = {service.name for service in desired.services}
    return tuple(name for name in spec.must_have if name not in there)
