"""Foreign text inside Markdown, so that GitHub and GitLab show it and do nothing else with it.

A commit subject must neither open HTML, a link or a table cell, nor mention a person, nor close an
issue. All that is not plain prose stands in `<code>`, where neither site looks for mentions and
references; every character that Markdown could take for its own is written as an entity, which
CommonMark never reads as structure (CommonMark 0.31, section 2.5).
"""

import re
from collections.abc import Sequence
from itertools import groupby

from orchestrator.words.foreign import clean

_PLAIN_WORD = re.compile(r"\(?(?:[A-Za-z]+(?:'[a-z]+)?|[0-9]{1,6}(?:\.[0-9]+)?)[,;.:]?\)?[,;.:]?")
_KEPT = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,;()/+-=")


def prose(text: str) -> str:
    """Return foreign words for a sentence: what is no plain word stands in `<code>`."""
    words = clean(text).split()
    return " ".join(
        part
        for is_plain, group in groupby(words, key=_is_plain)
        for part in [" ".join(group)]
        for part in [_entities(part) if is_plain else f"<code>{_entities(part)}</code>"]
    )


def code(text: str) -> str:
    """Return foreign words in `<code>`, "" for none."""
    bare = clean(text)
    return f"<code>{_entities(bare)}</code>" if bare else ""


def fenced(lines: list[str], language: str = "") -> list[str]:
    """Return lines as a fenced block, its fence longer than any run of backticks in it."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *lines, fence]


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return a table; its cells are Markdown already."""
    return [_row(head), _row(("---",) * len(head)), *(_row(cells) for cells in rows)]


def folded(summary: str, lines: list[str]) -> list[str]:
    """Return lines that are shown when the reader opens them."""
    return ["<details>", f"<summary>{summary}</summary>", "", *lines, "", "</details>", ""]


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _is_plain(word: str) -> bool:
    return _PLAIN_WORD.fullmatch(word) is not None


def _entities(text: str) -> str:
    return "".join(c if c in _KEPT or not c.isascii() else f"&#{ord(c)};" for c in text)
