from dataclasses import replace

from orchestrator.planning.graph import reachable
from orchestrator.planning.plan import StepKind
from orchestrator.ui.plan_graph import Graph, graph_of
from tests.ui.test_plan_view import PLANS


def needs(graph: Graph) -> dict[str, tuple[str, ...]]:
    return {
        node.key: tuple(before for before, after in graph.arrows if after == node.key)
        for node in graph.nodes
    }


def test_every_step_is_a_box() -> None:
    plan = PLANS["restart-all"]
    labels = [node.label for node in graph_of(plan).nodes]
    assert len(labels) == len(plan.steps)
    assert "down datatrail-client@kko" in labels
    assert "preflight passed" in labels


def test_the_order_is_that_of_the_plan() -> None:
    plan = PLANS["restart-all"]
    graph = graph_of(plan)
    keys = {step.id: node.key for step, node in zip(plan.steps, graph.nodes, strict=True)}
    drawn = needs(graph)
    planned = {step.id: step.needs for step in plan.steps}
    for step in plan.steps:
        above = {keys[need] for need in reachable(planned, frozenset({step.id}))}
        assert reachable(drawn, frozenset({keys[step.id]})) == above


def test_no_arrow_says_what_others_say() -> None:
    drawn = needs(graph_of(PLANS["restart-all"]))
    for key, direct in drawn.items():
        for need in direct:
            others = frozenset(direct) - {need}
            assert need not in reachable(drawn, others), key


def test_of_many_sites_those_of_a_stack_share_a_box() -> None:
    graph = graph_of(PLANS["twenty-five"])
    labels = [node.label for node in graph.nodes]
    assert "down datatrail-client at 24 sites" in labels
    assert "check 25 sites" in labels
    assert len(labels) == 10


def test_a_wave_holds_what_may_be_done_side_by_side() -> None:
    graph = graph_of(PLANS["restart-all"])
    kinds = [{node.kind for node in wave} for wave in graph.waves]
    assert kinds[0] == {StepKind.EXAMINE}
    assert [n.label for n in graph.waves[5]] == ["down datatrail@chime"]


def test_no_steps_are_no_boxes() -> None:
    assert graph_of(replace(PLANS["restart-all"], steps=())) == Graph(nodes=(), arrows=(), waves=())
