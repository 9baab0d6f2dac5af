"""Metrics as a text file for Prometheus' node_exporter: written whole or not at all.

The exporter's textfile collector reads `*.prom` of a folder at every scrape, so a file is written
beside it under another name and then renamed (rename(2) is atomic).
"""

import os
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

RUN_FILE = "dtdeploy_run.prom"
FLEET_FILE = "dtdeploy_fleet.prom"
_MODE = 0o644
"""The exporter runs as another user, and nothing in it is secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric, a gauge; `labels` are the names of its labels, `file` where it stands."""

    name: str
    help: str
    file: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A value of a metric; `labels` in the order of the metric's names."""

    metric: str
    value: float
    labels: tuple[str, ...] = ()


_UNIT = ("stack", "site")
METRICS = (
    Metric(
        name="dtdeploy_run_end_timestamp_seconds",
        help="When the last run ended, in seconds since 1970.",
        file=RUN_FILE,
        labels=("command",),
    ),
    Metric(
        name="dtdeploy_run_duration_seconds",
        help="How long the last run took.",
        file=RUN_FILE,
        labels=("command",),
    ),
    Metric(
        name="dtdeploy_run_exit_code",
        help="Exit code of the last run; 0 is done.",
        file=RUN_FILE,
        labels=("command",),
    ),
    Metric(
        name="dtdeploy_run_unfinished",
        help="1 if the last run has to be resumed.",
        file=RUN_FILE,
        labels=("command",),
    ),
    Metric(
        name="dtdeploy_run_outage_seconds",
        help="For how long the last run had a unit down that it brought back.",
        file=RUN_FILE,
        labels=_UNIT,
    ),
    Metric(
        name="dtdeploy_fleet_timestamp_seconds",
        help="When the fleet was looked at, in seconds since 1970.",
        file=FLEET_FILE,
    ),
    Metric(
        name="dtdeploy_unit_healthy",
        help="1 if a unit is healthy and nothing is wrong with it.",
        file=FLEET_FILE,
        labels=_UNIT,
    ),
    Metric(
        name="dtdeploy_unit_tasks_running",
        help="Tasks of a unit that run.",
        file=FLEET_FILE,
        labels=_UNIT,
    ),
    Metric(
        name="dtdeploy_unit_tasks_expected",
        help="Tasks of a unit that should run.",
        file=FLEET_FILE,
        labels=_UNIT,
    ),
    Metric(
        name="dtdeploy_unit_owed",
        help="1 if a run left a unit out that is still to be brought up.",
        file=FLEET_FILE,
        labels=_UNIT,
    ),
    Metric(
        name="dtdeploy_site_unreachable",
        help="1 if a site could not be seen.",
        file=FLEET_FILE,
        labels=("site",),
    ),
    Metric(
        name="dtdeploy_lock_held",
        help="1 if a run holds the lock: it is under way, or unfinished.",
        file=FLEET_FILE,
    ),
    Metric(
        name="dtdeploy_unit_differences",
        help="In how many things what runs differs from what is declared.",
        file=FLEET_FILE,
        labels=_UNIT,
    ),
)
"""All that dtdeploy writes, and nothing else."""
_KNOWN = {metric.name: metric for metric in METRICS}


def metrics_text(file: str, samples: Iterable[Sample]) -> str:
    """Return samples in Prometheus' text format; KeyError for one that is in no list.

    A metric of `file` without a sample is left out, help and all.
    """
    by_metric: dict[str, list[Sample]] = {metric.name: [] for metric in METRICS}
    for sample in samples:
        by_metric[sample.metric].append(sample)
    lines: list[str] = []
    for name, found in by_metric.items():
        metric = _KNOWN[name]
        if found and metric.file != file:
            raise KeyError(f"{name} does not belong into {file}")
        if found:
            lines += [f"# HELP {name} {metric.help}", f"# TYPE {name} gauge"]
            lines += [_line(metric, sample) for sample in found]
    return "".join(f"{line}\n" for line in lines)


def write_metrics(folder: Path, file: str, samples: Iterable[Sample]) -> None:
    """Write a file of metrics into `folder`, in place of an older one.

    Raises:
        OSError: it cannot be written; an older one stands as it was.

    """
    text = metrics_text(file, samples)
    beside = folder / f".{file}.{secrets.token_hex(4)}"
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "w") as out:
            out.write(text)
        beside.replace(folder / file)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


def _line(metric: Metric, sample: Sample) -> str:
    named = zip(metric.labels, sample.labels, strict=True)
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in named)
    return f"{metric.name}{f'{{{labels}}}' if labels else ''} {sample.value!r}"


def _escaped(value: str) -> str:
    changes: Mapping[str, str] = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
    return "".join(changes.get(char, char) for char in value)
