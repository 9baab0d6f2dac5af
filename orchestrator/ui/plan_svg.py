"""A plan's graph as a drawing: a column a wave, left to right; read aloud by its description."""

from xml.etree import ElementTree as ET

from orchestrator.planning.plan import Plan, StepKind
from orchestrator.ui.plan_graph import Graph, graph_of
from orchestrator.words.foreign import clean
from orchestrator.words.phrases import asked, count

_GAP, _ROW, _BOX_HEIGHT, _MARGIN = 56, 44, 30, 20
_CHARACTER = 7.8
"""Width of a character at 13 px in a monospaced font, with a little to spare."""
_FILLS = {
    StepKind.REMOVE: ("#fdd", "#a00"),
    StepKind.DEPLOY: ("#dfd", "#080"),
    StepKind.GATE: ("#eee", "#888"),
}
_OTHER = ("#fff", "#666")
_NAMESPACE = "http://www.w3.org/2000/svg"


def plan_svg(plan: Plan) -> list[str]:
    """Return the drawing as one XML document."""
    graph = graph_of(plan)
    boxes = _place(graph)
    width = max((x + w for x, _, w in boxes.values()), default=200.0) + _MARGIN
    height = max((y + _BOX_HEIGHT for _, y, _ in boxes.values()), default=40.0) + _MARGIN
    root = ET.Element(
        "svg",
        {
            "xmlns": _NAMESPACE,
            "role": "img",
            "aria-labelledby": "title desc",
            "viewBox": f"0 0 {width:g} {height:g}",
            "width": f"{width:g}",
            "height": f"{height:g}",
            "font-family": "monospace",
            "font-size": "13",
        },
    )
    title = asked(plan.command.value, clean(plan.selection))
    _child(root, "title", {"id": "title"}, f"Plan of {title}")
    _child(root, "desc", {"id": "desc"}, _described(graph))
    _child(root, "rect", {"width": "100%", "height": "100%", "fill": "#fff"})
    for before, after in graph.arrows:
        _arrow(root, boxes[before], boxes[after])
    for node in graph.nodes:
        _box(root, boxes[node.key], node.kind, node.label)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode").splitlines()


def _place(graph: Graph) -> dict[str, tuple[float, float, float]]:
    """Return left, top and width of each box."""
    boxes: dict[str, tuple[float, float, float]] = {}
    tallest = max((len(wave) for wave in graph.waves), default=0)
    left = float(_MARGIN)
    for wave in graph.waves:
        width = max(len(node.label) for node in wave) * _CHARACTER + 20
        top = _MARGIN + (tallest - len(wave)) * _ROW / 2
        for row, node in enumerate(wave):
            boxes[node.key] = (left, top + row * _ROW, width)
        left += width + _GAP
    return boxes


def _described(graph: Graph) -> str:
    """Say the waves in words: what a screen reader reads instead of the drawing."""
    if not graph.waves:
        return "Nothing to do."
    waves = (
        f"{number}: {', '.join(node.label for node in wave)}"
        for number, wave in enumerate(graph.waves, start=1)
    )
    return f"{count(len(graph.waves), 'wave')}, one after the other. {'. '.join(waves)}."


def _arrow(
    root: ET.Element, start: tuple[float, float, float], end: tuple[float, float, float]
) -> None:
    x1, y1 = start[0] + start[2], start[1] + _BOX_HEIGHT / 2
    x2, y2 = end[0], end[1] + _BOX_HEIGHT / 2
    bend = _GAP / 2
    line = f"M{x1:g} {y1:g} C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2 - 5:g} {y2:g}"
    head = f"M{x2 - 6:g} {y2 - 4:g} L{x2:g} {y2:g} L{x2 - 6:g} {y2 + 4:g} Z"
    _child(root, "path", {"d": line, "fill": "none", "stroke": "#888"})
    _child(root, "path", {"d": head, "fill": "#888"})


def _box(root: ET.Element, place: tuple[float, float, float], kind: StepKind, label: str) -> None:
    x, y, width = place
    fill, stroke = _FILLS.get(kind, _OTHER)
    shape = {"x": f"{x:g}", "y": f"{y:g}", "width": f"{width:g}", "height": str(_BOX_HEIGHT)}
    _child(root, "rect", shape | {"rx": "4", "fill": fill, "stroke": stroke})
    _child(root, "text", {"x": f"{x + 10:g}", "y": f"{y + 20:g}"}, label)


def _child(parent: ET.Element, name: str, attributes: dict[str, str], text: str = "") -> None:
    made = ET.SubElement(parent, name, attributes)
    if text:
        made.text = text
