"""Output compared with files in goldens/; UPDATE_GOLDENS=1 writes them anew."""

import os
from pathlib import Path

_FOLDER = Path(__file__).parent / "goldens"


def assert_golden(name: str, lines: list[str]) -> None:
    path = _FOLDER / f"{name}.txt"
    text = "\n".join(lines) + "\n"
    if os.environ.get("UPDATE_GOLDENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    expected = path.read_text(encoding="utf-8")
    assert text == expected, f"{path} differs; UPDATE_GOLDENS=1 pytest tests/ui writes it anew"
