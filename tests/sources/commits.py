from dataclasses import dataclass, field

from orchestrator.sources.tree import Entry, Kind


@dataclass(frozen=True, slots=True)
class Link:
    target: str


@dataclass(frozen=True, slots=True)
class Script:
    content: bytes


class Submodule:
    pass


Thing = bytes | Link | Script | Submodule


@dataclass(slots=True)
class Commit:
    """A commit's files in memory."""

    things: dict[str, Thing] = field(default_factory=dict)

    def entry(self, path: str) -> Entry | None:
        if path in self.things:
            return _entry(path, self.things[path])
        if not path or any(name.startswith(f"{path}/") for name in self.things):
            return Entry(path=path, kind=Kind.FOLDER)
        return None

    def children(self, folder: str) -> tuple[Entry, ...]:
        prefix = f"{folder}/" if folder else ""
        names = {
            prefix + name.removeprefix(prefix).split("/")[0]
            for name in self.things
            if name.startswith(prefix)
        }
        entries = [self.entry(name) for name in sorted(names)]
        return tuple(entry for entry in entries if entry is not None)

    def read(self, path: str) -> bytes:
        match self.things[path]:
            case bytes(content) | Script(content=content):
                return content
            case Link(target=target):
                return target.encode()
        raise FileNotFoundError(path)


def _entry(path: str, thing: Thing) -> Entry:
    match thing:
        case bytes(content):
            return Entry(path=path, kind=Kind.FILE, size=len(content))
        case Script(content=content):
            return Entry(path=path, kind=Kind.EXECUTABLE, size=len(content))
        case Link():
            return Entry(path=path, kind=Kind.LINK)
    return Entry(path=path, kind=Kind.SUBMODULE)
