"""What dtdeploy looks like in a terminal: `python -m tests.ui.screens FOLDER`.

Writes each screen as text, at 80 columns, and as a picture (SVG) made of the very cells that a
terminal shows. Everything is rehearsed on the simulated fleet, whose live board is caught in the
middle of a restart. It has no past: `live-expected` is a made-up run that has one.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

from tests.ui.terminal import ROOT, Terminal

_RUN = [sys.executable, "-m", "orchestrator"]
_STEPPING = [sys.executable, "-m", "tests.ui.stepping"]
_COLOURS = {"brown": "yellow", "brightbrown": "bright_yellow", "default": ""}


@dataclass(frozen=True)
class Screen:
    """A command, and when to look: at its end, or as soon as `caught` can be seen.

    `events`: so many of them are let happen, in the run of tests/ui/stepping.py.
    """

    name: str
    words: tuple[str, ...] = ()
    caught: str = ""
    events: int = 0
    columns: int = 80
    rows: int = 40


SCREENS = (
    Screen("status", ("--simulate", "scenarios/cut-site.yaml", "status")),
    Screen("doctor", ("--simulate", "scenarios/cut-site.yaml", "doctor")),
    Screen("plan", ("--simulate", "scenarios/datatrail.yaml", "plan", "--all"), rows=60),
    Screen(
        "logs",
        ("--simulate", "scenarios/datatrail.yaml", "logs", "--since", "20s"),
        columns=110,
        rows=45,
    ),
    Screen("error", ("--simulate", "scenarios/bad-client.yaml", "restart", "--all", "--yes")),
    Screen("live-expected", caught="2 of 3 tasks to run", events=27),
    *(
        Screen(
            f"live-{caught.replace(' ', '-')}-{columns}",
            ("--simulate", "scenarios/datatrail.yaml", "--real-time", "restart", "--all", "--yes"),
            caught,
            columns=columns,
            rows=rows,
        )
        for columns, rows in ((80, 24), (40, 15), (120, 30))
        for caught in ("going down", "coming up", "watching")
    ),
)


def main() -> None:
    """Write every screen into the folder given."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for screen in SCREENS:
        text, picture = taken(screen)
        (folder / f"{screen.name}.txt").write_text(text, encoding="utf-8")
        (folder / f"{screen.name}.svg").write_text(picture, encoding="utf-8")
        sys.stdout.write(f"{folder / screen.name}.txt, .svg\n")


def taken(screen: Screen) -> tuple[str, str]:
    """Return a screen as text and as a picture."""
    words = _STEPPING if screen.events else [*_RUN, *screen.words]
    with Terminal(words, columns=screen.columns, rows=screen.rows) as seen:
        seen.type("\n" * screen.events)
        if screen.caught:
            seen.until(_can_be_seen(seen, screen.caught), seconds=60)
        else:
            seen.ends()
        text, cells = seen.display(), seen.cells()
    while text and not text[-1]:
        text, cells = text[:-1], cells[:-1]
    return "\n".join(text) + "\n", _picture(cells, f"dtdeploy {' '.join(screen.words[2:])}".strip())


def _can_be_seen(seen: Terminal, words: str) -> Callable[[], bool]:
    return lambda: any(words in line for line in seen.display())


def _picture(cells: list[list[pyte.screens.Char]], title: str) -> str:
    console = Console(record=True, width=len(cells[0]) if cells else 80, file=StringIO())
    for row in cells:
        line = Text(no_wrap=True, end="\n")
        for cell in row:
            style = Style(color=_COLOURS.get(cell.fg, _rich(cell.fg)) or None, bold=cell.bold)
            line.append(cell.data, style)
        line.rstrip()
        console.print(line, crop=False, highlight=False)
    return console.export_svg(title=title)


def _rich(colour: str) -> str:
    """Return pyte's name of a colour as rich says it."""
    if len(colour) == 6 and all(letter in "0123456789abcdef" for letter in colour):
        return f"#{colour}"
    return colour.replace("bright", "bright_")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
