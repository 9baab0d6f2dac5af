from dataclasses import replace

import pytest

from orchestrator.errors import Retry, UsageError
from orchestrator.fleet.observed import Fact, Look, Node, NodeState, Task
from orchestrator.inventory.model import Manager
from orchestrator.planning.lost import (
    amended,
    counted,
    lost_names,
    missing_words,
    must_be_gone,
    node_in_the_way,
    nodes_in_the_way,
    way_out,
    weigh,
    with_lost,
    would_be_lost,
)
from orchestrator.planning.plan import Action, LostNode, LostTask, Plan
from orchestrator.planning.selection import Request
from tests.build import (
    CLIENT,
    DAEMONS,
    HOME_CLIENT,
    SERVER,
    inventory,
    node,
    plan,
    service,
    sight,
    sourced,
    task,
    unit_plan,
    unseen,
    wanted,
)

AWAY = node("far-w1", NodeState.DOWN, leader=False)
THERE = task(number=2, node_id=AWAY.id)
LOST = LostTask(id=THERE.id, unit=CLIENT, name="web.1")
RESTART = plan(*(unit_plan(u) for u in (SERVER, DAEMONS, HOME_CLIENT, CLIENT)))
ALL = Request(everything=True)
ANSWERED = Request(everything=True, accept_lost=("far-w1@far",), because="its power is off")


def looks(*tasks: Task, away: Node = AWAY) -> dict[str, Look]:
    far = sight(nodes=(node(), away), services=(service(),), tasks=(task(), *tasks))
    return {"home": sight("home"), "far": far}


def judged(request: Request, seen: dict[str, Look], made: Plan = RESTART) -> Plan:
    return with_lost(inventory(), request, made, seen, sourced={})


def test_a_node_where_something_was_seen_that_has_to_be_gone_is_in_the_way() -> None:
    found = judged(ALL, looks(THERE))
    assert found.lost == (LostNode(name="far-w1@far", state="down", tasks=(LOST,)),)
    assert found.blocked
    assert found.lost_tasks == frozenset()
    (danger,) = found.dangers
    assert danger == (
        "node far-w1 of far is down, and web.1 of app-client@far last ran there, and may run on: "
        "refused without --accept-lost far-w1@far --because TEXT"
    )
    assert found.warnings == ()
    assert found.lost[0].units == (CLIENT,)


def test_who_wants_units_to_go_down_is_told_which_nodes_are_in_the_way() -> None:
    (problem,) = nodes_in_the_way(
        inventory(), [*looks(THERE).values(), unseen("away")], frozenset({CLIENT})
    )
    assert (problem.code, problem.where.site) == ("swarm.node-not-ready", "far")
    assert problem.retry == Retry(adds=(("--accept-lost", "far-w1@far"),))
    assert nodes_in_the_way(inventory(), looks(THERE).values(), frozenset({SERVER})) == ()


@pytest.mark.parametrize("name", ["far-w1@far"])
def test_once_somebody_answers_for_it_what_was_seen_there_counts_as_gone(name: str) -> None:
    found = judged(replace(ANSWERED, accept_lost=(name,)), looks(THERE))
    assert not found.blocked
    assert found.lost_tasks == {THERE.id}
    assert found.dangers[0].endswith(
        "taken for gone, though nobody can see whether it is: its power is off"
    )


def test_where_nothing_was_seen_that_goes_down_it_is_a_warning() -> None:
    found = judged(ALL, looks())
    assert (found.lost, found.dangers, found.blocked) == ((), (), False)
    assert found.warnings == (
        "node far-w1 of far is down; nothing of what goes down was seen there",
        "ssh far.example docker node rm --force far-w1   # if its machine is off, for good",
    )


def test_what_does_not_go_down_may_run_on_there() -> None:
    up = plan(unit_plan(CLIENT, Action.UP), steps=RESTART.steps)
    assert not judged(ALL, looks(THERE), up).blocked


def test_a_node_that_is_ready_again_is_nobodys_concern() -> None:
    back = replace(AWAY, state=NodeState.READY)
    found = judged(ANSWERED, looks(THERE, away=back))
    assert (found.lost, found.lost_tasks) == ((), frozenset())
    assert found.warnings == ("node far-w1 of far is ready: whatever runs there counts",)
    assert judged(ALL, looks(THERE, away=back)).warnings == ()


@pytest.mark.parametrize("availability", ["drain", "pause"])
def test_a_node_that_takes_no_tasks_is_no_fault(availability: str) -> None:
    resting = replace(AWAY, state=NodeState.READY, availability=availability)
    found = judged(ALL, looks(THERE, away=resting))
    assert (found.lost, found.warnings, found.dangers) == ((), (), ())


def test_a_site_that_is_left_out_or_unseen_is_judged_otherwise() -> None:
    left = Request(everything=True, without=("far",), because="x")
    assert judged(left, looks(THERE)).lost == ()
    assert judged(ANSWERED, {**looks(), "far": unseen()}).lost == ()


def test_a_node_that_is_not_there_cannot_be_answered_for() -> None:
    with pytest.raises(UsageError) as wrong:
        judged(replace(ANSWERED, accept_lost=("far-w9@far",)), looks(THERE))
    (problem,) = wrong.value.problems
    assert (problem.code, problem.where.site) == ("selection.unknown-node", "far")
    assert problem.fix.startswith("its nodes are far-m, far-w1")


def test_a_lost_manager_is_told_with_how_many_may_follow_and_how_it_leaves() -> None:
    dead = replace(AWAY, manager=True, reachability="unreachable")
    here = replace(node(), reachability="reachable")
    third = replace(node("far-m3", leader=False), manager=True, reachability="reachable")
    far = sight(nodes=(here, third, dead))
    found = judged(ALL, {"home": sight("home", nodes=(here,)), "far": far})
    assert found.warnings[1].startswith(
        "ssh far.example 'docker node demote far-w1 && docker node rm --force far-w1'"
    )
    assert found.warnings[2] == "far: 2 of 3 managers are there: one more loss ends the quorum"


def test_what_no_node_may_run_is_a_danger() -> None:
    placed = wanted(facts=(Fact("placement constraint", "node.role == worker", ""),))
    files = {CLIENT: sourced(CLIENT, placed), SERVER: sourced(SERVER)}
    found = with_lost(inventory(), ALL, RESTART, looks(), sourced=files)
    assert found.dangers == (
        "far: app-client_web needs node.role == worker, which only far-w1 (down) meets",
    )
    assert (
        with_lost(inventory(), ALL, RESTART, {"home": sight("home")}, sourced=files).dangers == ()
    )


def test_tasks_are_told_by_service_and_slot_the_first_few() -> None:
    many = tuple(task(number=n, slot=str(n), node_id=AWAY.id) for n in range(2, 11))
    gone = task("old", number=30, node_id=AWAY.id, slot=AWAY.id)
    (found,) = weigh("far", looks(*many, gone)["far"], frozenset({CLIENT}))
    assert "web.2, web.3, web.4, web.5, web.6, web.7, 4 more of app-client@far" in found.words
    assert found.tasks[-1].name == "a removed service svc-app-clie"


def test_all_that_depends_on_what_goes_down_has_to_be_gone() -> None:
    one = plan(unit_plan(SERVER))
    assert must_be_gone(inventory(), one, without=frozenset({"far"})) == {
        SERVER,
        DAEMONS,
        HOME_CLIENT,
    }
    up = plan(unit_plan(SERVER, Action.UP))
    assert must_be_gone(inventory(), up, without=frozenset()) == frozenset()


def test_a_run_that_is_gone_on_with_may_answer_for_more_nodes() -> None:
    more = amended(inventory(), RESTART, looks(THERE), ANSWERED)
    assert more.lost_tasks == {THERE.id}
    assert more.dangers[-1].endswith(": its power is off")
    again = amended(inventory(), more, looks(THERE), ANSWERED)
    assert again.lost == more.lost
    other = amended(
        inventory(), RESTART, looks(THERE), replace(ANSWERED, accept_lost=("far-m@far",))
    )
    assert other.lost == ()
    with pytest.raises(UsageError):
        amended(inventory(), RESTART, looks(THERE), replace(ANSWERED, accept_lost=("x@far",)))


def test_looks_count_without_what_was_answered_for() -> None:
    made = judged(ANSWERED, looks(THERE))
    far = counted(made, looks(THERE))["far"]
    assert lost_names((far,), frozenset({CLIENT})) == ()
    assert lost_names(looks(THERE).values(), frozenset({CLIENT})) == ("far-w1@far",)


def test_what_is_typed_goes_to_a_manager_that_answers() -> None:
    near, far = inventory().sites
    spare = Manager(host="spare.example", user="ada")
    fleet = replace(inventory(), sites=(near, replace(far, others=(spare,))))
    seen = sight(nodes=(node(), AWAY), via="spare.example")
    [dead] = weigh("far", seen, frozenset())
    assert way_out(fleet, dead).startswith("ssh ada@spare.example docker node rm --force far-w1 ")
    [same] = weigh("far", looks()["far"], frozenset())
    assert way_out(fleet, same).startswith("ssh far.example docker node rm --force far-w1 ")


def test_what_would_go_with_a_node_is_told() -> None:
    mount = Fact("mount", "/data", "volume app_data, read-only")
    here = Fact("placement constraint", "node.labels.disk == fast", "")
    away = replace(AWAY, labels=(("disk", "fast"),))
    pinned = service("db", facts=(mount, here))
    ran = service("web", facts=(mount,))
    spread = service("idle", facts=(mount,))
    bound = service("bind", facts=(Fact("mount", "/x", "bind /x"), here))
    far = sight(nodes=(node(), away), services=(pinned, ran, spread, bound), tasks=(THERE,))
    (weighed,) = weigh("far", far, frozenset({CLIENT}))
    assert would_be_lost(far, weighed.missing) == (
        "app-client_db may run nowhere else: node.labels.disk == fast",
        "app-client_db keeps data there: volume app_data, read-only at /data",
        "app-client_web keeps data there: volume app_data, read-only at /data",
        "app-client_bind may run nowhere else: node.labels.disk == fast",
    )
    problem = node_in_the_way(weighed, far, "far.example")
    assert problem.evidence[-1] == (
        "ssh far.example docker node rm --force far-w1   # if its machine is off, for good"
    )


def test_a_fleet_tells_of_its_missing_nodes_whatever_ran_there() -> None:
    dead = replace(AWAY, manager=True)
    far = sight(nodes=(node(), dead), services=(service(),), tasks=(THERE,))
    assert missing_words(inventory(), {"far": far, "home": unseen("home")}) == (
        "node far-w1 of far is down, and web.1 of app-client@far last ran there",
        "far: 1 of 2 managers are there: one more loss ends the quorum",
    )


@pytest.mark.parametrize(
    ("hostname", "via", "asked"),
    [("other", "far-m2", 1), ("far", "far-m2", 0), ("far.example", "far-m2", 0), ("other", "", 0)],
)
def test_a_first_manager_that_does_not_answer_is_known_by_its_node(
    hostname: str, via: str, asked: int
) -> None:
    seen = sight(nodes=(node(hostname),), services=(service(),), tasks=(task(),))
    seen = replace(seen, via=via)
    plan = judged(ALL, {"home": sight("home"), "far": seen})
    assert len([w for w in plan.warnings if "is it of the same Swarm?" in w]) == asked


def test_of_a_node_that_is_not_known_yet_it_is_said_that_waiting_may_be_enough() -> None:
    doubted = replace(AWAY, state=NodeState.UNKNOWN)
    (danger,) = judged(ALL, looks(THERE, away=doubted)).dangers
    assert danger.endswith("--because TEXT; it may be known again in 30 s")
    far = sight(nodes=(node(), doubted), services=(service(),), tasks=(THERE,))
    (weighed,) = weigh("far", far, frozenset({CLIENT}))
    assert node_in_the_way(weighed, far, "far.example").fix.startswith(
        "type the same again in 30 s"
    )
