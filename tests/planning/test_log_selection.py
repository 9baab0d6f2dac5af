import pytest

from orchestrator.errors import UsageError
from orchestrator.fleet.logs import LogQuery
from orchestrator.fleet.unit import Unit
from orchestrator.planning.log_selection import select_logs
from orchestrator.planning.selection import Request
from tests.build import CLIENT, DAEMONS, HOME_CLIENT, SERVER, inventory

EVERYTHING = (SERVER, DAEMONS, HOME_CLIENT, CLIENT)


def query(unit: Unit, service: str) -> LogQuery:
    return LogQuery(unit=unit, service=service, id=f"{unit}-{service}")


KNOWN = (query(SERVER, "api"), query(CLIENT, "worker"), query(CLIENT, "api"))


def meant(*units: str, **more: tuple[str, ...]) -> list[str]:
    request = Request(units=units, **more)  # type: ignore[arg-type] # sites and stacks only
    return [q.id for q in select_logs(inventory(), request).services(KNOWN)]


def test_nothing_asked_for_is_everything() -> None:
    assert select_logs(inventory(), Request()).units == frozenset(EVERYTHING)
    assert len(meant()) == 3


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (("app-client@far",), ["worker", "api"]),
        (("app-client@far/worker",), ["worker"]),
        (("app-client@far/app-client_worker",), ["worker"]),
        (("app-client@far/w*", "app-client@far/a?i"), ["worker", "api"]),
        (("app-client@far/worker", "app-client@far"), ["worker", "api"]),
    ],
)
def test_services_go_by_name_full_name_or_pattern(
    units: tuple[str, ...], expected: list[str]
) -> None:
    assert meant(*units) == [f"app-client@far-{name}" for name in expected]


def test_a_unit_whole_and_a_service_of_another() -> None:
    assert meant("app@home", "app-client@far/api") == ["app@home-api", "app-client@far-api"]


def test_a_stack_everywhere_as_with_other_commands() -> None:
    assert meant(stacks=("app-client",)) == ["app-client@far-worker", "app-client@far-api"]


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("app-client@far/wroker", "did you mean app-client@far/worker?"),
        ("app-client@far/zzz", "known are: worker, api"),
    ],
)
def test_a_service_that_is_not_there_is_told_with_those_that_are(name: str, fix: str) -> None:
    with pytest.raises(UsageError) as raised:
        meant(name)
    (problem,) = raised.value.problems
    assert (problem.code, problem.fix) == ("selection.unknown-service", fix)


def test_of_a_unit_that_nobody_sees_no_service_can_be_unknown() -> None:
    assert meant("app-daemons@home/api") == []


def test_an_unknown_unit_is_told_without_its_service() -> None:
    with pytest.raises(UsageError, match="no unit called 'app-clint@far'"):
        select_logs(inventory(), Request(units=("app-clint@far/api",)))
