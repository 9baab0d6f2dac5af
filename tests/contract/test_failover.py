"""Another manager takes over on the simulated fleet as it does on a real Swarm.

The real one tells the same story in tests/lab/test_managers.py.
"""

from tests.contract.failover import DEPUTIES, failover, hold
from tests.contract.simulated import SimulatedWorld


def test_another_manager_takes_over() -> None:
    world = SimulatedWorld(deputies=DEPUTIES)
    hold(failover(world, world.lose_manager))
