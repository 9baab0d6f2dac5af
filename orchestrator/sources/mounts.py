"""Mounts of a compose file, short and long, as docker/cli reads them."""

from collections.abc import Iterator
from dataclasses import replace

from orchestrator.fleet.spec import Mount
from orchestrator.sources.document import Table, Tree, items, table
from orchestrator.sources.full_names import full_name, is_external
from orchestrator.sources.reading import Reader, parsed

_PROPAGATIONS = frozenset({"rprivate", "private", "rshared", "shared", "rslave", "slave"})
_SHORTEST = 3
"""From so many characters on the short form is looked into; `v:` is a target to Docker."""


def mounts(tree: Tree | None, volumes: Table, stack: str, reader: Reader) -> tuple[Mount, ...]:
    """Return a service's mounts, as they stand there; without those that cannot be read."""
    return tuple(_named(mount, volumes, stack, reader) for _, mount in mounted(tree, reader))


def mounted(tree: Tree | None, reader: Reader) -> Iterator[tuple[Tree, Mount]]:
    """Give each mount of a service with the tree it stands in, its source by the file's name."""
    for item in items(tree):
        if isinstance(item, Table):
            yield item, _long(item, reader)
        elif mount := parsed(short_mount, reader.text(item), None):
            yield item, mount


def _long(body: Table, reader: Reader) -> Mount:
    bind, volume, tmpfs = (table(body.get(name)) for name in ("bind", "volume", "tmpfs"))
    return Mount(
        kind=reader.text(body.get("type")),
        target=reader.text(body.get("target")),
        source=reader.text(body.get("source")),
        read_only=reader.flag(body.get("read_only")),
        propagation=reader.text(bind.get("propagation")) or "rprivate",
        no_copy=reader.flag(volume.get("nocopy")),
        size_bytes=reader.whole(tmpfs.get("size")),
    )


def short_mount(text: str) -> Mount:
    """Read `[source:]target[:options]` (docker/cli compose/loader/volume.go).

    Raises:
        ValueError: it is none, in Docker's words.

    """
    if not text:
        raise ValueError("invalid empty volume spec")
    source, target, options = _sections(text)
    kind = "bind" if _is_path(source) else "volume"
    words = options.split(",")
    if kind == "volume" and _PROPAGATIONS & set(words):
        raise ValueError("bind options are incompatible with type volume")
    if kind == "bind" and "nocopy" in words:
        raise ValueError("volume options are incompatible with type bind")
    return Mount(
        kind=kind,
        target=target,
        source=source,
        read_only=[word == "ro" for word in words if word in {"ro", "rw"}][-1:] == [True],
        propagation=next((word for word in reversed(words) if word in _PROPAGATIONS), "rprivate"),
        no_copy="nocopy" in words,
    )


def _sections(text: str) -> tuple[str, str, str]:
    """Split at colons, but for those behind the letter of a Windows drive."""
    if len(text) < _SHORTEST:
        return "", text, ""
    sections = [""]
    for character in text:
        section = sections[-1]
        if character != ":" or (len(section) == 1 and section.isalpha()):
            sections[-1] += character
        else:
            sections.append("")
    if "" in sections:
        raise ValueError(f"invalid spec: {text}: empty section between colons")
    match sections:
        case [target]:
            return "", target, ""
        case [source, target]:
            return source, target, ""
        case [source, target, options]:
            return source, target, options
    raise ValueError(f"invalid spec: {text}: too many colons")


def _is_path(source: str) -> bool:
    drive = source[:1].isalpha() and source[1:2] == ":"
    return drive or source.startswith((".", "/", "~", "\\\\"))


def _named(mount: Mount, volumes: Table, stack: str, reader: Reader) -> Mount:
    if mount.kind != "volume":
        return mount
    if not mount.source:
        # Docker leaves out the options of a volume without a name.
        return replace(mount, no_copy=False)
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
