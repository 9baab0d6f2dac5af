import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.sources.tree import Entry, Kind, Lost, joined, locate, walk
from tests.sources.commits import Commit, Link, Script, Submodule, Thing

COMMIT = Commit(
    {
        "stacks/a.yaml": b"a",
        "stacks/run.sh": Script(b"run"),
        "stacks/here": Link("a.yaml"),
        "stacks/there": Link("../config/c.json"),
        "stacks/chain": Link("there"),
        "stacks/out": Link("../../etc/passwd"),
        "stacks/root": Link("/etc/passwd"),
        "stacks/loop": Link("pool"),
        "stacks/pool": Link("loop"),
        "stacks/dangling": Link("gone"),
        "stacks/folder": Link("../config"),
        "stacks/up": Link(".."),
        "config/c.json": b"c",
        "vendor": Submodule(),
    }
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("stacks/a.yaml", "stacks/a.yaml"),
        ("./stacks//a.yaml", "stacks/a.yaml"),
        ("stacks/../config/c.json", "config/c.json"),
        ("stacks/here", "stacks/a.yaml"),
        ("stacks/there", "config/c.json"),
        ("stacks/chain", "config/c.json"),
        ("stacks/folder/c.json", "config/c.json"),
        ("stacks/up/stacks/up/config/c.json", "config/c.json"),
    ],
)
def test_follows_a_path_to_its_file(path: str, expected: str) -> None:
    found = locate(COMMIT, path)

    assert isinstance(found, Entry)
    assert found.path == expected


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("stacks/gone", Lost.MISSING),
        ("stacks/a.yaml/x", Lost.MISSING),
        ("stacks/dangling", Lost.MISSING),
        ("../x", Lost.OUTSIDE),
        ("stacks/../../x", Lost.OUTSIDE),
        ("stacks/out", Lost.OUTSIDE),
        ("stacks/root", Lost.OUTSIDE),
        ("stacks/loop", Lost.LOOP),
        ("vendor/x", Lost.SUBMODULE),
        ("vendor", Lost.SUBMODULE),
        ("stacks", Lost.FOLDER),
        ("stacks/folder", Lost.FOLDER),
        ("stacks/up", Lost.FOLDER),
        ("", Lost.FOLDER),
    ],
)
def test_says_why_a_path_leads_to_none(path: str, why: Lost) -> None:
    assert locate(COMMIT, path) is why


def test_walks_a_folder_without_its_submodules() -> None:
    commit = Commit({"a/b/c": b"", "a/d": Link("x"), "a/sub": Submodule(), "e": b""})

    assert [(entry.path, entry.kind) for entry in walk(commit, "a")] == [
        ("a/b/c", Kind.FILE),
        ("a/d", Kind.LINK),
    ]


@pytest.mark.parametrize(
    ("folder", "path", "expected"),
    [
        ("stacks", "a", "stacks/a"),
        ("stacks", "../c/./a", "c/a"),
        ("", "a", "a"),
        ("stacks", "../../a", "../a"),
    ],
)
def test_joins_as_docker_cleans_paths(folder: str, path: str, expected: str) -> None:
    assert joined(folder, path) == expected


steps = st.sampled_from(["a", "b", "..", ".", "c"])
paths = st.lists(steps, min_size=1, max_size=4).map("/".join)
names = st.sampled_from(["a", "b", "c", "a/a", "a/b", "b/a", "b/c", "c/a"])
things = st.one_of(st.just(b"x"), paths.map(Link), st.builds(Submodule))


@given(st.dictionaries(names, things), paths)
def test_every_path_ends_in_a_file_of_the_commit_or_a_reason(
    drawn: dict[str, Thing], path: str
) -> None:
    held = {
        name: thing
        for name, thing in drawn.items()
        if not any(other.startswith(f"{name}/") for other in drawn)
    }

    found = locate(Commit(held), path)

    assert isinstance(found, Lost) or held[found.path] == b"x"
