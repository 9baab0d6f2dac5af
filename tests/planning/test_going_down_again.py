"""A resume that meets a unit which somebody deployed by hand on the way."""

from dataclasses import replace

from orchestrator.fleet.observed import Look, Sight
from orchestrator.fleet.running import LABEL_RUN
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action
from orchestrator.planning.progress import Mark, Progress, progress
from tests.build import CLIENT, SERVER, plan, running, sight, unit_plan

DONE = frozenset(
    f"{kind} {unit}" for kind in ("remove", "deploy", "settle") for unit in (SERVER, CLIENT)
)


def ours(unit: Unit) -> Sight:
    seen = running(unit)
    labels = ((LABEL_RUN, "r1"),)
    return replace(seen, services=tuple(replace(s, labels=labels) for s in seen.services))


def judged(home: Look, far: Look, action: Action = Action.RESTART) -> Progress:
    server = unit_plan(SERVER, action, dependents=(CLIENT,), services=("web",))
    client = unit_plan(CLIENT, action, services=("web",))
    looks = {"home": home, "far": far}
    return progress(plan(server, client), "r1", looks, recorded=DONE, touched=True, announced=True)


def test_what_stands_as_the_run_left_it_is_done() -> None:
    assert {unit.mark for unit in judged(ours(SERVER), ours(CLIENT)).units} == {Mark.DONE}


def test_what_depends_on_a_unit_that_somebody_deployed_goes_down_again_before_it() -> None:
    server, client = judged(running(SERVER), ours(CLIENT)).units
    assert (server.mark, server.done) == (Mark.TODO, frozenset())
    assert (client.mark, client.done) == (Mark.TODO, frozenset())
    assert client.words == "to go down again with what it needs"


def test_what_is_gone_need_not_go_down_again() -> None:
    _, client = judged(running(SERVER), sight()).units
    assert client.done == {f"remove {CLIENT}"}


def test_where_nothing_is_taken_down_nothing_goes_down_again() -> None:
    _, client = judged(running(SERVER), ours(CLIENT), Action.UP).units
    assert client.mark is Mark.DONE
