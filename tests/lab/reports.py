"""The report that a run in the lab left, and what the witness says of the same."""

import json
import re
from pathlib import Path
from typing import Any

from lab.witness import records
from tests.lab.conftest import Done

SERVER = "datatrail@chime"
_REPORT = re.compile(r"^report: (?P<page>\S+\.html)$", re.MULTILINE)
_DOWN = re.compile(rf"{SERVER} was down for (?P<seconds>[0-9.]+) s")


def report_of(done: Done) -> dict[str, Any]:
    """Return the report that a run says it left: its page is there, and its JSON is read."""
    said = _REPORT.search(done.err)
    assert said, done
    page = Path(said["page"])
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    report: dict[str, Any] = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert report["exit_code"] == done.code
    return report


def outage_told(report: dict[str, Any]) -> float:
    """Return how long the server was down by a report."""
    (seconds,) = [o["seconds"] for o in report["outages"] if o["unit"] == SERVER and o["over"]]
    return float(seconds)


def outage_said(done: Done) -> float:
    """Return how long the server was down by the summary on the screen."""
    said = _DOWN.search(done.err)
    assert said, done
    return float(said["seconds"])


def outage_seen(since: float) -> float:
    """Return for how long the witness saw no server: from its removal to its next start.

    What a report measures begins before, with the removal's last look, and ends after, with health.
    """
    removed = records.service_removed("datatrail_server", since=since)[-1]
    starts = records.containers("start", since=removed, stack="datatrail")
    return starts[0].at - removed
