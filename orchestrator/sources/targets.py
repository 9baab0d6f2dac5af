"""Where a service's volumes, configs and secrets appear in its containers: one thing a place."""

from collections.abc import Iterator
from posixpath import join, normpath

from orchestrator.sources.document import Table, Tree, items, table
from orchestrator.sources.findings import Findings
from orchestrator.sources.mounts import mounted
from orchestrator.sources.reading import Reader

_FOLDERS = {"configs": "/", "secrets": "/run/secrets"}


def check_targets(root: Table, findings: Findings) -> None:
    """Note every second thing at one place.

    The Swarm refuses it while it is deployed ("Duplicate mount point", "conflicting target":
    swarmkit manager/controlapi/service.go), or each of its containers does.
    """
    for service in table(root.get("services")):
        body = table(service.value)
        _note_second(service.key, "volumes", _volumes(body), findings)
        for kind, folder in _FOLDERS.items():
            _note_second(service.key, kind, _files(body, kind, folder), findings)


def _volumes(body: Table) -> Iterator[tuple[str, Tree]]:
    for item, mount in mounted(body.get("volumes"), Reader()):
        yield mount.target, item


def _files(body: Table, kind: str, folder: str) -> Iterator[tuple[str, Tree]]:
    reader = Reader()
    for item in items(body.get(kind)):
        _, target = source_and_target(item, reader)
        yield join(folder, target), item


def source_and_target(item: Tree, reader: Reader) -> tuple[str, str]:
    """Return which config or secret a service uses, and where: at its own name, if nothing says."""
    long = table(item)
    source = reader.text(long.get("source") if isinstance(item, Table) else item)
    return source, reader.text(long.get("target")) or source


def _note_second(
    service: str, kind: str, placed: Iterator[tuple[str, Tree]], findings: Findings
) -> None:
    first: dict[str, Tree] = {}
    for target, item in placed:
        place = normpath(target)
        if place not in first:
            first[place] = item
        else:
            findings.add(
                "duplicate-target",
                f"{service} has two of its {kind} at {place}",
                item.at,
                fix=f"keep one; the first is on line {first[place].at.line}",
            )
