import pytest

from orchestrator.fleet.drift import Change, How
from orchestrator.fleet.observed import Fact, Mode
from orchestrator.planning.gaps import gaps
from tests.build import CLIENT, desired, wanted

IMAGE = Change(service="web", kind="image", how=How.CHANGED)
LABEL = Change(service="web", kind="label", how=How.CHANGED)


def policy(**values: str) -> tuple[Fact, ...]:
    return tuple(Fact("update", name, value) for name, value in values.items())


@pytest.mark.parametrize(
    ("replicas", "facts", "gap"),
    [
        (1, (), True),
        (2, (), False),
        (1, policy(order="start-first"), False),
        (2, policy(parallelism="2"), True),
        (3, policy(parallelism="0"), True),
        (3, policy(parallelism="2"), False),
    ],
)
def test_one_whose_tasks_all_stop_before_a_new_one_starts_is_away(
    replicas: int, facts: tuple[Fact, ...], *, gap: bool
) -> None:
    stack = desired(CLIENT, wanted(replicas=replicas, facts=facts))
    assert gaps(stack, ("web",), (IMAGE,)) == (("web",) if gap else ())


def test_only_what_runs_and_whose_tasks_change_is_away() -> None:
    assert gaps(desired(), (), (IMAGE,)) == ()
    assert gaps(desired(), ("web",), (LABEL,)) == ()
    assert gaps(desired(CLIENT, wanted(mode=Mode.GLOBAL)), ("web",), (IMAGE,)) == ()
