"""What a compose file's parts refer to: networks, configs, secrets, volumes and files."""

import re

from orchestrator.fleet.spec import Mount
from orchestrator.sources.document import Scalar, Table, Tree, items, table
from orchestrator.sources.findings import Findings, Position
from orchestrator.sources.model import Reference
from orchestrator.sources.mounts import mounted
from orchestrator.sources.reading import Reader
from orchestrator.sources.service import flag, is_known, text

_ALWAYS_THERE = {"host", "bridge", "none", "default"}
"""Every node has these networks; Docker does not look for them in the Swarm."""
_ABSOLUTE = re.compile(r"[/~]|[a-zA-Z]:[\\/]")


def _bodies(root: Table) -> list[Table]:
    return [table(pair.value) for pair in table(root.get("services"))]


def _uses(body: Table, kind: str, findings: Findings) -> list[tuple[str, Tree]]:
    """Name what a service uses of a kind, each with the value that names it."""
    tree = body.get(kind)
    if isinstance(tree, Table):
        return [(pair.key, Scalar(value=pair.key, at=pair.at)) for pair in tree]
    named = [item.get("source") if isinstance(item, Table) else item for item in items(tree)]
    return [
        (text(name, findings), name or Scalar(value="", at=item.at))
        for name, item in zip(named, items(tree), strict=True)
    ]


def _used(root: Table, kind: str, findings: Findings) -> set[str]:
    if kind == "volumes":
        return {
            mount.source
            for body in _bodies(root)
            for _, mount in mounted(body.get(kind), Reader())
            if mount.kind == "volume" and mount.source
        }
    used = {name for body in _bodies(root) for name, _ in _uses(body, kind, findings)}
    if kind == "networks" and any(not _uses(body, kind, findings) for body in _bodies(root)):
        used.add("default")
    return used


def check_links(root: Table, findings: Findings) -> None:
    """Note every network, config, secret and volume that a service uses and nothing declares.

    Docker finds out while deploying, with half of the stack created.
    """
    for kind in ("networks", "configs", "secrets"):
        declared = {pair.key for pair in table(root.get(kind))}
        for body in _bodies(root):
            for name, tree in _uses(body, kind, findings):
                if not is_known(tree) or (kind, name) == ("networks", "default"):
                    continue
                if name not in declared:
                    _undeclared(kind, name, tree, findings)
    for body in _bodies(root):
        for item in items(body.get("volumes")):
            for name in ("type", "source") if isinstance(item, Table) else ("",):
                text(table(item).get(name) if name else item, findings)
        for item, mount in mounted(body.get("volumes"), Reader()):
            _check_mount(item, mount, table(root.get("volumes")), findings)


def _undeclared(kind: str, name: str, tree: Tree, findings: Findings) -> None:
    findings.add(
        "undeclared",
        f"{name!r} is not declared under `{kind}:`",
        tree.at,
        fix=f"add it to the top-level `{kind}:`, with `external: true` if it exists already",
    )


def _check_mount(item: Tree, mount: Mount, declared: Table, findings: Findings) -> None:
    if mount.kind == "volume" and mount.source:
        if mount.source not in {pair.key for pair in declared}:
            _undeclared("volumes", mount.source, item, findings)
    elif mount.kind == "bind" and mount.source and not _ABSOLUTE.match(mount.source):
        findings.add(
            "relative-bind",
            f"the bind mount {mount.source!r} would lie in the release's folder, "
            "which only the manager has and which does not stay",
            item.at,
            fix="give an absolute path that the nodes have, or use a config",
        )


def external_names(root: Table, kind: str, findings: Findings) -> dict[str, Position]:
    """Name what must exist in the Swarm already, each with its place.

    These are the external ones that a service uses.
    """
    used = _used(root, kind, findings)
    names = {
        _external_name(pair.key, table(pair.value), findings): pair.at
        for pair in table(root.get(kind))
        if pair.key in used
    }
    return {name: at for name, at in names.items() if name and name not in _ALWAYS_THERE}


def _external_name(key: str, body: Table, findings: Findings) -> str:
    tree = body.get("external")
    if isinstance(tree, Table):
        return text(tree.get("name"), findings) or text(body.get("name"), findings) or key
    return (text(body.get("name"), findings) or key) if flag(tree, findings) else ""


def file_references(root: Table, findings: Findings) -> tuple[Reference, ...]:
    """List every file that Docker reads while deploying: of configs, secrets and env_file.

    A config or secret of its own without a file is a problem: Docker would stop there.
    """
    found = [_object(kind, root, findings) for kind in ("configs", "secrets")]
    named = [item for body in _bodies(root) for item in items(body.get("env_file"))]
    env_files = [
        Reference(kind="env_file", path=text(item, findings), at=item.at) for item in named
    ]
    for reference, item in zip(env_files, named, strict=True):
        if is_known(item) and not reference.path:
            findings.add("no-file", "this `env_file` has no name", item.at)
    return tuple(ref for ref in [*found[0], *found[1], *env_files] if ref.path)


def _object(kind: str, root: Table, findings: Findings) -> list[Reference]:
    references = []
    for pair in table(root.get(kind)):
        body = table(pair.value)
        file = body.get("file")
        if _external_name(pair.key, body, findings) or body.get("driver") is not None:
            continue
        if file is None:
            findings.add("no-file", f"{pair.key!r} has neither `file` nor `external`", pair.at)
            continue
        path = text(file, findings)
        if is_known(file) and not path:
            findings.add("no-file", f"{pair.key!r} has a `file` without a name", file.at)
        references.append(Reference(kind=kind.removesuffix("s"), path=path, at=file.at))
    return references
