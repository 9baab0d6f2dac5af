"""The reports that the browser looks at, one of each kind."""

from collections.abc import Mapping
from pathlib import Path

from orchestrator.report.forms import Form, written
from orchestrator.report.timeline import Timeline
from tests.build import CLIENT, SERVER
from tests.report.journals import (
    closed,
    failed,
    killed_and_resumed,
    lock,
    opened,
    read,
    removal,
    simulated_failure,
    simulated_restart,
    step,
)


def hostile() -> Timeline:
    """Everything went wrong at once, and Docker says it in HTML."""
    return read(
        opened(1000.0),
        lock(1000.5, "taken"),
        *removal(CLIENT, 1001.0, 1003.0),
        step(1002.0, f"remove {SERVER}", "started"),
        failed(1004.0, f"remove {SERVER}"),
        step(1003.0, f"deploy {CLIENT}", "started"),
        failed(1009.0, f"deploy {CLIENT}"),
        step(1009.0, f"settle {CLIENT}", "skipped", because=f"deploy {CLIENT}"),
        closed(1010.0, 21, {"owed": {str(CLIENT): "<b>it</b> crashes " + "x" * 200}}, kept=True),
    )


def runs() -> Mapping[str, Timeline]:
    """Return a run for each kind of page."""
    return {
        "restart": simulated_restart(),
        "failed-and-resumed": simulated_failure(),
        "killed-and-resumed": killed_and_resumed(),
        "everything-wrong": hostile(),
    }


def write_pages(folder: Path) -> dict[str, Path]:
    """Write the page of each run to `folder`."""
    paths = {}
    for name, run in runs().items():
        paths[name] = folder / f"{name}.html"
        paths[name].write_text(written(run, Form.HTML), encoding="utf-8")
    return paths
