"""Mounts of a compose file, short and long, as docker/cli reads them."""

from dataclasses import replace

from orchestrator.fleet.spec import Mount
from orchestrator.sources.document import Table, Tree, items, table
from orchestrator.sources.full_names import full_name, is_external
from orchestrator.sources.reading import Reader

_PROPAGATIONS = frozenset({"rprivate", "private", "rshared", "shared", "rslave", "slave"})


def mounts(tree: Tree | None, volumes: Table, stack: str, reader: Reader) -> tuple[Mount, ...]:
    """Return a service's mounts, as they stand there."""
    found = (
        _long(item, reader) if isinstance(item, Table) else _short(reader.text(item))
        for item in items(tree)
    )
    return tuple(_named(mount, volumes, stack, reader) for mount in found)


def _long(body: Table, reader: Reader) -> Mount:
    bind, volume, tmpfs = (table(body.get(name)) for name in ("bind", "volume", "tmpfs"))
    return Mount(
        kind=reader.text(body.get("type")) or "volume",
        target=reader.text(body.get("target")),
        source=reader.text(body.get("source")),
        read_only=reader.flag(body.get("read_only")),
        propagation=reader.text(bind.get("propagation")) or "rprivate",
        no_copy=reader.flag(volume.get("nocopy")),
        size_bytes=reader.size(tmpfs.get("size")),
    )


def _short(text: str) -> Mount:
    """Read `[source:]target[:options]` (docker/cli compose/loader/volume.go)."""
    source, target, options = _sections(text)
    words = options.split(",")
    return Mount(
        kind="bind" if source[:1] in {".", "/", "~"} or ":" in source else "volume",
        target=target,
        source=source,
        read_only=[word == "ro" for word in words if word in {"ro", "rw"}][-1:] == [True],
        propagation=next((word for word in reversed(words) if word in _PROPAGATIONS), "rprivate"),
        no_copy="nocopy" in words,
    )


def _sections(text: str) -> tuple[str, str, str]:
    """Split at colons; one letter before a colon is a Windows drive, and no section."""
    parts: list[str] = []
    drive = ""
    for part in text.split(":"):
        whole = drive + part
        drive = ""
        if len(part) == 1 and part.isalpha() and whole == part:
            drive = f"{part}:"
        else:
            parts.append(whole)
    parts += [drive[:-1]] if drive else []
    if len(parts) == 1:
        return "", parts[0], ""
    source, target, *options = parts
    return source, target, options[0] if options else ""


def _named(mount: Mount, volumes: Table, stack: str, reader: Reader) -> Mount:
    if mount.kind != "volume" or not mount.source:
        return mount
    body = table(volumes.get(mount.source))
    named = replace(mount, source=full_name(mount.source, body, stack, reader))
    if is_external(body, reader):
        return named
    return replace(
        named,
        driver=reader.text(body.get("driver")),
        driver_options=reader.pairs(body.get("driver_opts")),
        labels=reader.pairs(body.get("labels")),
    )
