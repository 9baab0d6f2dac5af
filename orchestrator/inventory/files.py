"""The inventory's files on disk: the only place here that opens any."""

from pathlib import Path

from orchestrator.errors import Problem, Where
from orchestrator.inventory.document import Document, complaint
from orchestrator.inventory.reading import LARGEST_BYTES, read

SUFFIX = ".yaml"
_LOOKALIKES = frozenset({".yml", ".json", ".YAML", ".YML"})


def read_document(path: Path) -> Document:
    """Return what stands in the file at `path`; an unreadable one becomes a problem."""
    try:
        if path.exists() and not path.is_file():
            return _unreadable(path, "this is not a file", "name the file sites.yaml itself")
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        fix = "run this in a checkout with a sites.yaml, or name the right file"
        return _unreadable(path, "there is no such file", fix)
    except OSError as error:
        fix = f"make it readable: chmod u+r {path}"
        return _unreadable(path, f"the file cannot be read ({error.strerror})", fix)
    return read(content, str(path))


def stack_files(folder: Path) -> tuple[Path, ...]:
    """Return the stack files in `folder`, by name (OSError if it cannot be listed)."""
    return tuple(path for path in _visible(folder) if path.suffix == SUFFIX)


def stray_files(folder: Path) -> tuple[Problem, ...]:
    """Return a warning for each file in `folder` that looks like a stack file but is none."""
    return tuple(
        complaint(
            "ignored-file",
            f"{path.name} is ignored: stack files end in {SUFFIX}",
            Where(file=str(path), line=1, column=1),
            fix=f"rename it to {path.stem}{SUFFIX}, or delete it",
        )
        for path in _visible(folder)
        if path.suffix in _LOOKALIKES
    )


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _unreadable(path: Path, what: str, fix: str) -> Document:
    problem = complaint("unreadable", what, Where(file=str(path)), fix=fix)
    return Document(file=str(path), usable=False, problems=(problem,))
