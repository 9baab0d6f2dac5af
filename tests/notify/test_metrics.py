import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from orchestrator.notify.metrics import (
    FLEET_FILE,
    METRICS,
    RUN_FILE,
    Sample,
    metrics_text,
    write_metrics,
)

OUTAGE = "dtdeploy_run_outage_seconds"


@given(st.text(), st.text(), st.floats(allow_nan=False))
def test_whatever_stands_in_a_label_is_read_back_by_prometheus(
    stack: str, site: str, value: float
) -> None:
    text = metrics_text(RUN_FILE, [Sample(metric=OUTAGE, value=value, labels=(stack, site))])
    (family,) = text_string_to_metric_families(text)
    (sample,) = family.samples
    assert (family.name, family.type) == (OUTAGE, "gauge")
    assert family.documentation.startswith("For how long")
    assert sample.labels == {"stack": stack, "site": site}
    assert sample.value == value


def test_every_metric_can_be_written_into_its_file_and_read() -> None:
    for file in (RUN_FILE, FLEET_FILE):
        mine = [metric for metric in METRICS if metric.file == file]
        samples = [Sample(metric=m.name, value=1.0, labels=m.labels) for m in reversed(mine)]
        families = list(text_string_to_metric_families(metrics_text(file, samples)))
        assert [family.name for family in families] == [metric.name for metric in mine]


def test_names_are_such_as_prometheus_wants() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"dtdeploy_[a-z]+(_[a-z]+)*", metric.name)
        assert metric.help.endswith(".")
        assert "\n" not in metric.help


def test_a_metric_that_is_in_no_list_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        metrics_text(RUN_FILE, [Sample(metric="dtdeploy_surprise", value=1.0)])
    with pytest.raises(KeyError, match="does not belong"):
        metrics_text(FLEET_FILE, [Sample(metric=OUTAGE, value=1.0, labels=("a", "b"))])
    with pytest.raises(ValueError, match="zip"):
        metrics_text(RUN_FILE, [Sample(metric=OUTAGE, value=1.0, labels=("a",))])


def test_a_file_is_replaced_whole_and_others_can_read_it(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        write_metrics(tmp_path, FLEET_FILE, [Sample(metric="dtdeploy_lock_held", value=value)])
    (file,) = tmp_path.iterdir()
    assert file.read_text().endswith("dtdeploy_lock_held 2.0\n")
    assert file.stat().st_mode & 0o444 == 0o444


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_metrics(tmp_path, FLEET_FILE, [Sample(metric="dtdeploy_lock_held", value=1.0)])
    before = (tmp_path / FLEET_FILE).read_text()
    with pytest.raises(KeyError):
        write_metrics(tmp_path, FLEET_FILE, [Sample(metric="dtdeploy_surprise", value=1.0)])
    (tmp_path / RUN_FILE).mkdir()
    with pytest.raises(OSError, match=RUN_FILE):
        write_metrics(tmp_path, RUN_FILE, [])
    with pytest.raises(FileNotFoundError):
        write_metrics(tmp_path / "missing", FLEET_FILE, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == [FLEET_FILE, RUN_FILE]
    assert (tmp_path / FLEET_FILE).read_text() == before
