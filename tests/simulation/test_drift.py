"""Changes that a person makes by hand, and images that move, on the simulated fleet."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.fleet.desired import DesiredService, DesiredStack
from orchestrator.fleet.drift import drift, moved_images
from orchestrator.fleet.observed import Contents, Mode, Sight, Volume, contents
from orchestrator.procedures.effects import CheckedImages, CheckedVolumes, CheckImages, CheckVolumes
from orchestrator.simulation.faults import Fault, FaultKind
from orchestrator.simulation.synthetic import compose_text, made_up
from orchestrator.sources.compose import compose
from orchestrator.sources.declared_facts import with_facts
from orchestrator.sources.interpolate import Variables
from tests.simulation.rig import SITE, UNIT, Rig

IMAGE = "registry.example/web:1"
STACK = made_up(UNIT, ("app", "db"), image=IMAGE, ports=(8001,))


def found(rig: Rig) -> Contents:
    look = rig.look()
    assert isinstance(look, Sight)
    return contents(look, UNIT.stack)


def lines(rig: Rig, desired: DesiredStack = STACK) -> list[str]:
    return [str(change) for change in drift(desired, found(rig))]


def test_what_was_deployed_has_no_drift() -> None:
    assert lines(Rig(STACK).running()) == []


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (
            Fault(at=0, kind=FaultKind.SERVICE_SCALE, stack="web", service="db", count=3),
            "db: replicas 3, declared 1",
        ),
        (
            Fault(at=0, kind=FaultKind.SERVICE_UPDATE, stack="web", service="app"),
            "app: environment BY_HAND not declared",
        ),
    ],
)
def test_what_a_person_changed_shows_until_it_is_deployed_again(fault: Fault, line: str) -> None:
    rig = Rig(STACK).running()
    rig.fault(fault)
    rig.pass_time(1)
    assert lines(rig) == [line]
    rig.ok(rig.deploy_effect())
    assert lines(rig) == []


def test_another_environment_restarts_tasks_and_another_number_none() -> None:
    rig = Rig(STACK).running()
    before = {task.id for task in rig.sight().tasks}
    rig.fault(Fault(at=0, kind=FaultKind.SERVICE_SCALE, stack="web", service="db", count=2))
    rig.pass_time(20)
    kept = {task.id for task in rig.sight().tasks if not task.state.terminal}
    assert before < kept
    rig.fault(Fault(at=0, kind=FaultKind.SERVICE_UPDATE, stack="web", service="db"))
    rig.pass_time(60)
    now = {task.id for task in rig.sight().tasks if not task.state.terminal}
    assert len(now & kept) == 1


def test_everything_of_a_stack_is_changed_where_no_service_is_named() -> None:
    rig = Rig(STACK).running()
    rig.fault(Fault(at=0, kind=FaultKind.SERVICE_UPDATE, stack="web"))
    rig.pass_time(1)
    assert len(lines(rig)) == 2


def test_an_image_moves_under_its_tag() -> None:
    rig = Rig(STACK).running()
    rig.fault(Fault(at=0, kind=FaultKind.IMAGE_MOVED, stack="web"))
    rig.pass_time(1)
    checked = rig.ask(CheckImages(site=SITE, images=(IMAGE,)))
    assert isinstance(checked, CheckedImages)
    digests = {check.image: check.digest for check in checked.images}
    moved = moved_images(STACK, found(rig), digests)
    assert [change.service for change in moved] == ["app", "db"]
    rig.ok(rig.deploy_effect())
    assert moved_images(STACK, found(rig), digests) == ()


_SERVICES = st.builds(
    DesiredService,
    name=st.sampled_from(["app", "db", "poll", "x.y"]),
    image=st.sampled_from([IMAGE, "web", "docker.io/library/web:2"]),
    mode=st.sampled_from([Mode.REPLICATED, Mode.GLOBAL]),
    grace_seconds=st.sampled_from([0.0, 3.0, 10.0, 90.0]),
    start_seconds=st.sampled_from([0.0, 30.0]),
)


@given(st.lists(_SERVICES, min_size=1, max_size=4, unique_by=lambda service: service.name))
@settings(max_examples=30)
def test_what_went_through_a_swarm_is_equal_to_what_was_declared(
    services: list[DesiredService],
) -> None:
    text = compose_text(DesiredStack(unit=UNIT, services=tuple(services)))
    read = compose(text, file="x", unit=UNIT, variables=Variables())
    desired = with_facts(read.desired, read.root, env_files={}, plain={}, secrets={})
    rig = Rig(desired)
    rig.ok(rig.deploy_effect())
    seen = {service.name: service.facts for service in found(rig).services}
    assert seen == {desired.service_name(s): s.facts for s in desired.services}
    assert [change for change in drift(desired, found(rig)) if change.service] == []


def test_a_volume_of_the_managers_node_is_found_by_its_name() -> None:
    rig = Rig(STACK)
    rig.site.volumes.append(Volume(name="web_data", options=(("o", "addr=nas"),)))
    answer = rig.ask(CheckVolumes(site=SITE, names=("web_data", "web_other")))
    assert answer == CheckedVolumes(site=SITE, volumes=tuple(rig.site.volumes))
