"""Compare the mutants that survived mutmut's run in this folder with those that a page explains.

Give the page as the argument. A row of its table explains one: | `where` | `what it says` | why |.
Ends in 1 when one that is not explained survived, or one that is explained is gone.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_KILLED = {"killed", "timeout", "caught by type check"}
_RESULT = re.compile(r"^\s*(?P<name>\S+__mutmut_\d+): (?P<status>.+)$", re.MULTILINE)
_ROW = re.compile(r"^\| `(?P<where>[\w.]+)` \| `(?P<says>[^`]+)` \| [^\s|]", re.MULTILINE)


@dataclass(frozen=True, slots=True, order=True)
class Survivor:
    """A change that no test noticed: in which function, and what its line says then."""

    where: str
    says: str

    def __str__(self) -> str:
        return f"{self.where}: {self.says}"


def where(name: str) -> str:
    """Return the function that a mutant is of, in words: `procedures.remove._guarded`."""
    module, _, function = name.removeprefix("orchestrator.").rpartition(".")
    function = re.sub(r"__mutmut_\d+$", "", function)
    if function.startswith("x\N{LATIN LETTER LATERAL CLICK}"):
        function = function[2:].replace("\N{LATIN LETTER LATERAL CLICK}", ".")
    else:
        function = function.removeprefix("x_")
    return f"{module}.{function}"


def says(diff: str) -> str:
    """Return what the changed lines of a diff say, or what is missing."""
    lines = diff.splitlines()
    added = [line[1:].strip() for line in lines if re.match(r"\+(?!\+\+ )", line)]
    removed = [line[1:].strip() for line in lines if re.match(r"-(?!-- )", line)]
    return " ".join(added) or f"without {' '.join(removed)}"


def explained(page: str) -> set[Survivor]:
    """Return the mutants that a page's table explains."""
    return {Survivor(row["where"], row["says"].replace(r"\|", "|")) for row in _ROW.finditer(page)}


def statuses(results: str) -> dict[str, str]:
    """Return how each mutant ended, by name, from what `mutmut results --all true` prints."""
    return {found["name"]: found["status"] for found in _RESULT.finditer(results)}


def verdict(known: set[Survivor], alive: set[Survivor], tried: set[str]) -> list[str]:
    """Return what is wrong: `known` are explained, `alive` survived, `tried` are the functions."""
    modules = {_module(name) for name in tried}
    gone = {survivor for survivor in known - alive if _module(survivor.where) in modules}
    return [
        *(f"survived unexplained: {survivor}" for survivor in sorted(alive - known)),
        *(f"explained, but did not survive: {survivor}" for survivor in sorted(gone)),
        *(["nothing was changed"] if not tried else []),
    ]


def _module(name: str) -> str:
    return ".".join(name.split(".")[:2])


def _mutmut(*arguments: str) -> str:
    command = [str(Path(sys.executable).parent / "mutmut"), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - mutmut
    return ended.stdout


def main(page: Path) -> int:
    """Say what is wrong, and how many mutants there were."""
    ended = statuses(_mutmut("results", "--all", "true"))
    names = [name for name, status in ended.items() if status not in _KILLED]
    alive = {Survivor(where(name), says(_mutmut("show", name))) for name in names}
    wrong = verdict(explained(page.read_text(encoding="utf-8")), alive, {*map(where, ended)})
    print("\n".join([*wrong, f"{len(ended)} mutants, {len(alive)} survived"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
