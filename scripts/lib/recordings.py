"""Put what was recorded into a page: recordings.py PAGE FILE..., each named as its recording."""

import re
import sys
from pathlib import Path


def replaced(text: str, name: str, recorded: str) -> str:
    """Return the page with what stands in one recording replaced.

    Raises:
        ValueError: the page has no recording of that name, or more than one.

    """
    place = rf"(<!-- recording: {name}\b[^>]*-->\n```text\n).*?(```\n<!-- end of recording -->)"
    body = "\n".join(line.rstrip() for line in recorded.strip("\n").splitlines())
    found = re.subn(place, lambda m: f"{m[1]}{body}\n{m[2]}", text, flags=re.DOTALL)
    if found[1] != 1:
        raise ValueError(f"{found[1]} recordings are called {name}")
    return found[0]


def main() -> None:
    """Replace all that is given."""
    page, *files = map(Path, sys.argv[1:])
    text = page.read_text(encoding="utf-8")
    for file in files:
        text = replaced(text, file.name, file.read_text(encoding="utf-8"))
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
