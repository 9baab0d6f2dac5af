"""A plan's graph as a Mermaid flowchart, which GitHub and GitLab draw.

Nothing foreign is ever an id. In a label every character that is no letter, digit or harmless is
written as a number, `#35;` for a hash: Mermaid's own escape (mermaid.js.org, flowchart syntax).
"""

from orchestrator.planning.plan import Plan, StepKind
from orchestrator.ui.plan_graph import Node, graph_of

_SHAPES = {
    StepKind.GATE: ("{{", "}}"),
    StepKind.SETTLE: ("(", ")"),
}
_CLASSES = (
    "  classDef remove fill:#fdd,stroke:#a00,color:#000",
    "  classDef deploy fill:#dfd,stroke:#080,color:#000",
    "  classDef gate fill:#eee,stroke:#888,color:#000",
)
_CLASSED = (StepKind.REMOVE, StepKind.DEPLOY, StepKind.GATE)
_KEPT = " -.,()/"


def plan_mermaid(plan: Plan) -> list[str]:
    """Return the lines of a flowchart; a plan without steps gives a box that says so."""
    graph = graph_of(plan)
    if not graph.nodes:
        return ["flowchart LR", '  n0["nothing to do"]']
    lines = ["flowchart LR"]
    lines += [f"  {_box(node)}" for node in graph.nodes]
    lines += [f"  {before} --> {after}" for before, after in graph.arrows]
    lines += _CLASSES
    for kind in _CLASSED:
        if keys := [node.key for node in graph.nodes if node.kind is kind]:
            lines.append(f"  class {','.join(keys)} {kind.value}")
    return lines


def _box(node: Node) -> str:
    left, right = _SHAPES.get(node.kind, ("[", "]"))
    # Mermaid takes no empty label.
    return f'{node.key}{left}"{mermaid_text(node.label) or " "}"{right}'


def mermaid_text(text: str) -> str:
    """Return `text` as a label in quotes takes it."""
    return "".join(c if c.isalnum() or c in _KEPT else f"#{ord(c)};" for c in text)
