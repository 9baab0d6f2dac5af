import pytest

from orchestrator.fleet.observed import Sight
from orchestrator.procedures.effects import Observe
from orchestrator.simulation.pacing import PacedBackend
from tests.simulation.rig import SITE, Rig, stack


def test_as_much_real_time_passes_as_virtual_time() -> None:
    slept: list[float] = []
    rig = Rig(stack())
    backend = PacedBackend(rig.backend, slept.append)
    backend.submit(1, Observe(site=SITE))
    answer = backend.wait(None)
    assert answer is not None
    assert isinstance(answer[1], Sight)
    assert sum(slept) == pytest.approx(backend.now())
    assert backend.wait(backend.now() + 7.5) is None
    assert sum(slept) == pytest.approx(backend.now())
    assert max(slept) <= 0.2


def test_to_be_woken_costs_no_time() -> None:
    slept: list[float] = []
    backend = PacedBackend(Rig(stack()).backend, slept.append)
    backend.wake()
    assert backend.wait(100.0) is None
    assert slept == []
