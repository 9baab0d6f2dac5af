import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.fleet.observed import NodeState, Sight, TaskState
from orchestrator.fleet.presence import Presence, whereabouts
from tests.build import (
    CLIENT,
    container,
    info,
    node,
    resource,
    service,
    sight,
    task,
    unseen,
)

TERMINAL = [state for state in TaskState if state.terminal]
LIVE = [state for state in TaskState if not state.terminal]


def test_nothing_left_is_gone() -> None:
    assert whereabouts(CLIENT, sight()).presence is Presence.GONE


def test_a_site_that_cannot_be_seen_is_unknown_never_gone() -> None:
    there = whereabouts(CLIENT, unseen())
    assert there.presence is Presence.UNKNOWN
    assert there.evidence == ("far cannot be seen: timed out",)


@pytest.mark.parametrize("state", LIVE)
def test_an_unfinished_task_is_present(state: TaskState) -> None:
    seen = sight(tasks=(task(state=state),))
    assert whereabouts(CLIENT, seen).presence is Presence.PRESENT


@pytest.mark.parametrize("state", TERMINAL)
def test_ended_tasks_do_not_count(state: TaskState) -> None:
    """Job tasks of removed services stay listed for ever; waiting for them would never end."""
    assert whereabouts(CLIENT, sight(tasks=(task(state=state),))).gone


@pytest.mark.parametrize("state", [NodeState.DOWN, NodeState.UNKNOWN, NodeState.DISCONNECTED])
def test_a_task_on_a_node_that_is_not_ready_is_unknown_and_names_the_node(state: NodeState) -> None:
    away = node("far-w1", state, leader=False)
    seen = sight(nodes=(node(), away), tasks=(task(node_id="id-far-w1"),))
    there = whereabouts(CLIENT, seen)
    assert there.presence is Presence.UNKNOWN
    assert "far-w1" in there.evidence[0]


def test_something_still_there_outweighs_something_unknown() -> None:
    away = node("far-w1", NodeState.DOWN, leader=False)
    seen = sight(
        nodes=(node(), away), tasks=(task(node_id="id-far-w1"),), networks=(resource("n"),)
    )
    there = whereabouts(CLIENT, seen)
    assert there.presence is Presence.PRESENT
    assert len(there.evidence) == 2


def test_a_ghost_on_a_removed_node_is_not_waited_for() -> None:
    assert whereabouts(CLIENT, sight(tasks=(task(node_id="id-long-removed"),))).gone


def test_a_task_without_a_node_yet_is_present() -> None:
    seen = sight(tasks=(task(state=TaskState.NEW, node_id=""),))
    assert whereabouts(CLIENT, seen).presence is Presence.PRESENT


@pytest.mark.parametrize(
    ("state", "presence"),
    [
        ("running", Presence.PRESENT),
        ("removing", Presence.GONE),
        ("paused", Presence.PRESENT),
        ("exited", Presence.GONE),
        ("dead", Presence.GONE),
    ],
)
def test_containers_count_while_they_hold_anything(state: str, presence: Presence) -> None:
    seen = sight(containers=(container(state=state),))
    assert whereabouts(CLIENT, seen).presence is presence


LEFT = (resource("left"),)


@pytest.mark.parametrize("seen", [sight(networks=LEFT), sight(configs=LEFT), sight(secrets=LEFT)])
def test_leftovers_are_present(seen: Sight) -> None:
    assert whereabouts(CLIENT, seen).presence is Presence.PRESENT


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (
            sight(tasks=(task(),), containers=(container(),)),
            (
                "on far-m: docker rm -f $(docker ps -aq -f "
                "label=com.docker.swarm.task.id=task-app-client-web-1); if there is none, or it "
                "stays: sudo systemctl restart docker"
            ),
        ),
        (
            sight(tasks=(task(node_id="", state=TaskState.PENDING),)),
            "on far-m, which leads the Swarm: sudo systemctl restart docker",
        ),
        (sight(containers=(container(),)), "on far's manager: docker rm -f app-client_web.1"),
        (sight(containers=(container(state="exited"),), networks=(resource("n"),)), ""),
        (sight(services=(service(),), tasks=(task(),)), ""),
    ],
    ids=["task", "task on no node", "container", "network", "still deployed"],
)
def test_what_ends_the_rest_is_said_once_its_services_are_gone(seen: Sight, words: str) -> None:
    assert whereabouts(CLIENT, seen).remedy == words


def test_a_network_that_lost_its_label_is_known_by_its_name() -> None:
    seen = sight(networks=(resource("app-client_default", stack=""),))
    assert whereabouts(CLIENT, seen).gone
    known = frozenset({"app-client_default"})
    assert whereabouts(CLIENT, seen, networks=known).presence is Presence.PRESENT


def test_other_stacks_do_not_count() -> None:
    seen = sight(services=(service(stack="app"),), tasks=(task(stack="app"),))
    assert whereabouts(CLIENT, seen).gone


@pytest.mark.parametrize(
    "told",
    [
        {"error": "The swarm does not have a leader."},
        {"node_state": "locked"},
        {"node_state": "inactive"},
    ],
)
def test_a_swarm_that_is_not_well_shows_nothing(told: dict[str, str]) -> None:
    """Without quorum a manager still answers, from memory."""
    assert whereabouts(CLIENT, sight(info=info(**told))).presence is Presence.UNKNOWN


@given(
    states=st.lists(st.sampled_from(list(TaskState)), max_size=6),
    node_states=st.lists(st.sampled_from(list(NodeState)), min_size=1, max_size=3),
    data=st.data(),
)
def test_gone_means_no_unfinished_task_on_any_node_of_the_swarm(
    states: list[TaskState], node_states: list[NodeState], data: st.DataObject
) -> None:
    nodes = tuple(node(f"n{i}", state) for i, state in enumerate(node_states))
    tasks = tuple(
        task(state=state, number=i, node_id=data.draw(st.sampled_from(nodes)).id)
        for i, state in enumerate(states)
    )
    gone = whereabouts(CLIENT, sight(nodes=nodes, tasks=tasks)).gone
    assert gone == all(state.terminal for state in states)
