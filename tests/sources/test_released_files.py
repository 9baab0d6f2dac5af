import pytest

from orchestrator.sources.model import ReleaseFile
from orchestrator.sources.released_files import ReleasedFiles
from orchestrator.sources.tree import Entry, Kind, Lost, locate, walk

FILES = ReleasedFiles(
    (
        ReleaseFile(path="stacks/a.yaml", content=b"abc"),
        ReleaseFile(path="stacks/conf/run", content=b"#!", executable=True),
        ReleaseFile(path="env", content=b""),
    )
)


def test_files_and_folders_stand_where_they_do_in_the_commit() -> None:
    assert FILES.entry("stacks/a.yaml") == Entry(path="stacks/a.yaml", kind=Kind.FILE, size=3)
    assert FILES.entry("stacks/conf") == Entry(path="stacks/conf", kind=Kind.FOLDER)
    assert FILES.entry("") == Entry(path="", kind=Kind.FOLDER)
    assert FILES.entry("stack") is None
    assert FILES.read("stacks/a.yaml") == b"abc"
    with pytest.raises(FileNotFoundError):
        FILES.read("stacks")


def test_they_are_walked_and_found_as_there() -> None:
    assert [entry.path for entry in walk(FILES, "stacks")] == ["stacks/a.yaml", "stacks/conf/run"]
    assert [entry.path for entry in FILES.children("")] == ["env", "stacks"]
    assert FILES.children("nowhere") == ()
    assert locate(FILES, "stacks/../env") == Entry(path="env", kind=Kind.FILE)
    assert locate(FILES, "../env") is Lost.OUTSIDE
