from orchestrator.fleet.desired import DesiredStack
from tests.build import CLIENT, desired, wanted


def test_services_get_the_name_that_docker_gives_them() -> None:
    assert desired().service_name(wanted("worker")) == "app-client_worker"


def test_each_image_is_named_once_in_order() -> None:
    stack = desired(CLIENT, wanted(image="b"), wanted("x", image="a"), wanted("y", image="b"))
    assert stack.images == ("b", "a")


def test_the_slowest_service_sets_the_pace() -> None:
    stack = desired(CLIENT, wanted(grace_seconds=3, start_seconds=7), wanted("x", grace_seconds=20))
    assert (stack.grace_seconds, stack.start_seconds) == (20, 7)


def test_without_services_docker_defaults_count() -> None:
    empty = DesiredStack(unit=CLIENT, services=())
    assert (empty.grace_seconds, empty.start_seconds, empty.images) == (10.0, 0.0, ())
