"""What a compose file's parts refer to: networks, configs, secrets, volumes and files."""

from orchestrator.sources.document import Scalar, Table, Tree, items, table
from orchestrator.sources.findings import Findings
from orchestrator.sources.model import Reference
from orchestrator.sources.service import flag, text

_ALWAYS_THERE = {"host", "bridge", "none", "default"}
"""Every node has these networks; Docker does not look for them in the Swarm."""


def _bodies(root: Table) -> list[Table]:
    return [table(pair.value) for pair in table(root.get("services"))]


def _uses(body: Table, kind: str, findings: Findings) -> list[tuple[str, Tree]]:
    """Name what a service uses of a kind, each with the value that names it."""
    tree = body.get(kind)
    if isinstance(tree, Table):
        return [(pair.key, Scalar(value=pair.key, at=pair.at)) for pair in tree]
    named = [item.get("source") if isinstance(item, Table) else item for item in items(tree)]
    return [(text(item, findings), item) for item in named if item is not None]


def _used(root: Table, kind: str, findings: Findings) -> set[str]:
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
                if name and name not in declared and (kind, name) != ("networks", "default"):
                    _undeclared(kind, name, tree, findings)
    for body in _bodies(root):
        for item in items(body.get("volumes")):
            _check_volume(item, table(root.get("volumes")), findings)


def _undeclared(kind: str, name: str, tree: Tree, findings: Findings) -> None:
    findings.add(
        "undeclared",
        f"{name!r} is not declared under `{kind}:`",
        tree.at,
        fix=f"add it to the top-level `{kind}:`, with `external: true` if it exists already",
    )


def _check_volume(item: Tree, declared: Table, findings: Findings) -> None:
    kind, source = _mount(item, findings)
    if kind == "bind" and source.startswith("."):
        findings.add(
            "relative-bind",
            f"the bind mount {source!r} would lie in the release's folder, "
            "which only the manager has and which does not stay",
            item.at,
            fix="give an absolute path that the nodes have, or use a config",
        )
    if kind == "volume" and source and declared.get(source) is None:
        known = {pair.key for pair in declared}
        if source not in known:
            _undeclared("volumes", source, item, findings)


def _mount(item: Tree, findings: Findings) -> tuple[str, str]:
    if isinstance(item, Table):
        kind, source = text(item.get("type"), findings), text(item.get("source"), findings)
        relative = kind == "bind" and source[:1] not in {"/", "~", ""}
        return kind, f"./{source}" if relative and not source.startswith(".") else source
    source, found, _ = text(item, findings).partition(":")
    if not found:
        return "volume", ""
    return ("bind" if source[:1] in {".", "/", "~"} else "volume"), source


def external_names(root: Table, kind: str, findings: Findings) -> tuple[str, ...]:
    """Name what must exist in the Swarm already: external ones that a service uses."""
    used = _used(root, kind, findings)
    names = [
        _external_name(pair.key, table(pair.value), findings)
        for pair in table(root.get(kind))
        if pair.key in used
    ]
    return tuple(dict.fromkeys(name for name in names if name and name not in _ALWAYS_THERE))


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
    env_files = [
        Reference(kind="env_file", path=text(item, findings), at=item.at)
        for body in _bodies(root)
        for item in items(body.get("env_file"))
    ]
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
        references.append(Reference(kind=kind.removesuffix("s"), path=path, at=file.at))
    return references
