"""The dashboard names metrics that exist, and every metric is in it."""

import json
import re
from collections.abc import Iterator
from typing import Any

from orchestrator.notify.metrics import METRICS
from tests.docs.pages import DOCS

DASHBOARD = json.loads((DOCS / "grafana" / "datatrail.json").read_text(encoding="utf-8"))
KNOWN = {metric.name: metric for metric in METRICS}
LEFT_OUT: frozenset[str] = frozenset()
"""Metrics that are deliberately not in the dashboard."""
_METRIC = re.compile(r"\bdtdeploy_[a-z_]+")


def queries(value: Any) -> Iterator[tuple[str, str]]:
    """Yield every query with its legend, wherever it stands."""
    if isinstance(value, dict):
        if "expr" in value:
            yield value["expr"], value.get("legendFormat", "")
        for inner in value.values():
            yield from queries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from queries(inner)


def test_every_query_names_a_metric_that_exists() -> None:
    for query, _ in queries(DASHBOARD):
        named = _METRIC.findall(query)
        assert named, query
        assert set(named) <= KNOWN.keys(), query


def test_every_legend_names_labels_that_its_metric_has() -> None:
    for query, legend in queries(DASHBOARD):
        labels = set(re.findall(r"{{(\w+)}}", legend))
        for name in _METRIC.findall(query):
            assert labels <= set(KNOWN[name].labels), (query, legend)


def test_every_metric_is_shown_or_deliberately_not() -> None:
    shown = {name for query, _ in queries(DASHBOARD) for name in _METRIC.findall(query)}
    assert shown == KNOWN.keys() - LEFT_OUT


def test_outages_are_drawn_into_it_by_the_tag_that_they_carry() -> None:
    (drawn,) = DASHBOARD["annotations"]["list"]
    assert drawn["enable"]
    assert drawn["target"]["tags"] == ["dtdeploy"]


def test_there_is_a_place_for_the_datatrail_panel() -> None:
    assert any(panel["title"] == "Datatrail panel" for panel in DASHBOARD["panels"])


def test_panels_neither_overlap_nor_share_an_id() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        mine = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert max(x for x, _ in mine) < 24
        assert not mine & cells, panel["title"]
        cells |= mine
