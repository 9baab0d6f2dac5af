import pytest

from orchestrator.fleet.observed import NodeState
from orchestrator.fleet.platforms import fits, listed, platform, unsupported, usable
from tests.build import node

AMD, ARM = "linux/amd64", "linux/arm64"


@pytest.mark.parametrize(
    ("architecture", "found"),
    [("x86_64", AMD), ("AMD64", AMD), ("aarch64", ARM), ("arm", "linux/"), ("", "linux/")],
)
def test_a_platform_has_one_name(architecture: str, found: str) -> None:
    assert platform("Linux", architecture) == found


@pytest.mark.parametrize(
    ("error", "is_so"),
    [
        ("no suitable node (unsupported platform on 2 nodes)", True),
        ("unsupported platform on 1 node", True),
        (
            "no suitable node (unsupported platform on 1 node; insufficient resources on 1 node)",
            False,
        ),
        ("no suitable node (scheduling constraints not satisfied on 1 node)", False),
        ("", False),
    ],
)
def test_only_where_nothing_else_is_in_the_way_is_it_the_platform(
    error: str, *, is_so: bool
) -> None:
    assert unsupported(error) is is_so


def test_nodes_that_get_no_tasks_do_not_count() -> None:
    nodes = (
        node("a", platform=AMD),
        node("b", platform=AMD),
        node("drained", platform=ARM, availability="drain"),
        node("down", NodeState.DOWN, platform=ARM),
    )
    assert usable(nodes) == (AMD,)


@pytest.mark.parametrize(
    ("image", "nodes", "is_so"),
    [
        ((AMD,), (AMD,), True),
        ((ARM, AMD), (AMD,), True),
        ((ARM,), (AMD,), False),
        (("windows/amd64", "unknown/unknown"), (AMD,), False),
        (("linux/",), ("linux/armv7l",), True),
        (("/",), (AMD,), True),
        ((), (AMD,), True),
        ((ARM,), (), True),
        ((ARM,), (AMD, ""), True),
    ],
)
def test_an_image_fits_where_a_swarm_would_schedule_it_or_nobody_knows(
    image: tuple[str, ...], nodes: tuple[str, ...], *, is_so: bool
) -> None:
    assert fits(image, nodes) is is_so


def test_how_platforms_are_read() -> None:
    assert listed((AMD, "linux/")) == "linux/amd64, linux"
    assert listed(("",)) == "unknown"
