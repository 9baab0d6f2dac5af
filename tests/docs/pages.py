"""The pages that people read, taken apart."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RUNBOOKS = ROOT / "runbooks"
DOCS = ROOT / "docs"
PAGES = (
    *(ROOT / page for page in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted(DOCS.glob("*.md")),
    *sorted(RUNBOOKS.glob("*.md")),
)
_FENCE = re.compile(r"^ *```(?P<info>[^\n`]*)\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block; `info` is what stands behind the opening fence."""

    info: str
    body: str


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(text: str) -> tuple[Block, ...]:
    return tuple(Block(m["info"].strip(), m["body"]) for m in _FENCE.finditer(text))


def prose(text: str) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", text)


def spans(text: str) -> tuple[str, ...]:
    """Return what stands between single backquotes."""
    return tuple(_SPAN.findall(prose(text)))


def links(text: str) -> tuple[str, ...]:
    """Return where the links in a page's prose lead."""
    return tuple(_LINK.findall(prose(text)))


def anchors(text: str) -> frozenset[str]:
    """Return the names by which a link may reach a heading, as GitHub makes them."""
    words = (re.sub(r"[^\w\- ]", "", match[2].lower()) for match in _HEADING.finditer(prose(text)))
    return frozenset(word.replace(" ", "-") for word in words)


def sections(text: str) -> dict[str, str]:
    """Return the text below each heading, up to the next heading of any level."""
    plain = list(_HEADING.finditer(text))
    ends = [*(match.start() for match in plain[1:]), len(text)]
    return {m[2]: text[m.end() : end] for m, end in zip(plain, ends, strict=True)}


def rows(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the cells of every table row, headings and rulers left out."""
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    for index, line in enumerate(lines):
        ruler = set(line) <= set("|-: ")
        heading = index + 1 < len(lines) and set(lines[index + 1]) <= set("|-: ")
        if not (ruler or heading):
            yield tuple(cell.strip() for cell in line.strip("|").split("|"))


def first_codes(text: str) -> tuple[str, ...]:
    """Return what each table row's first cell names in backquotes."""
    return tuple(code for row in rows(text) for code in _SPAN.findall(row[0]))
