"""Whatever happens to the production files, the outcome is an Inventory or an InventoryError."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inventory.rendering import told

ROOT = Path(__file__).parents[2]
FILES = {
    name: (ROOT / name).read_bytes()
    for name in ("sites.yaml", *(f"stacks/{p.name}" for p in (ROOT / "stacks").glob("*.yaml")))
}
WORDS = (
    *("{", "}", "[", "]", ":", "- ", "\t", "&a ", "*a", "!!x ", "<<: ", "'", '"', "|", ">", "%"),
    *("null", "on", "010", "1e999", "{site}", "{}", "@", "x: y", "# ", "\n\n", "\r", "---\n"),
    *("é", "\u202e", "\x00", "\x1b", "\ufeff", "\U0001f600", "-", "..", "/", "~"),
)


def outcome(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "stacks").mkdir()
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        problems = told(Path(folder))
    assert all(p.what and p.fix and p.where.file for p in problems)
    assert all(p.what.isprintable() and p.fix.isprintable() for p in problems)


@settings(max_examples=150)
@given(st.data())
def test_changed_bytes(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FILES)))
    content = FILES[name]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        gone = data.draw(st.integers(0, 3))
        new = data.draw(st.binary(max_size=3))
        content = content[:at] + new + content[at + gone :]
    outcome(FILES | {name: content})


@settings(max_examples=250)
@given(st.data())
def test_changed_lines(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FILES)))
    lines = [
        line for line in FILES[name].decode().splitlines() if line.strip()[:1] not in ("", "#")
    ]
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(lines) - 1))
        word = data.draw(st.sampled_from(WORDS))
        column = data.draw(st.integers(0, len(lines[at])))
        changes = {
            "delete": [],
            "twice": [lines[at], lines[at]],
            "indent": [f"  {lines[at]}"],
            "outdent": [lines[at].removeprefix("  ")],
            "cut": [lines[at][:column]],
            "insert": [lines[at][:column] + word + lines[at][column:]],
            "value": [lines[at].partition(": ")[0] + ": " + word],
            "swap": [lines[data.draw(st.integers(0, len(lines) - 1))]],
        }
        lines[at : at + 1] = changes[data.draw(st.sampled_from(sorted(changes)))]
        lines = lines or ["x"]
    outcome(FILES | {name: "\n".join(lines).encode()})
