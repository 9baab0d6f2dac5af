import hashlib

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.fleet.unit import Revision, Unit
from orchestrator.sources.model import Release
from orchestrator.sources.release import build, listing, release_files
from orchestrator.sources.tree import Entry, Kind
from tests.sources.commits import Commit, Link, Script, Submodule, Thing

UNIT = Unit("datatrail", "chime")
REVISION = Revision(repo="datatrail", sha="0123456789abcdef" * 2 + "01234567")


def release(things: dict[str, Thing]) -> Release:
    commit = Commit(things)
    chosen, _ = release_files(commit, "stacks", {})
    return build(UNIT, REVISION, "stacks/a.yaml", chosen, commit)


def test_holds_the_whole_folder_and_what_is_referred_to_elsewhere() -> None:
    commit = Commit(
        {
            "stacks/a.yaml": b"a",
            "stacks/sub/b": b"bb",
            "config/c": b"ccc",
            "config/d": b"dddd",
            "README": b"x",
        }
    )
    referred = {"config/c": Entry(path="config/c", kind=Kind.FILE, size=3)}

    chosen, size = release_files(commit, "stacks", referred)

    assert sorted(chosen) == ["config/c", "stacks/a.yaml", "stacks/sub/b"]
    assert size == 6


def test_holds_everything_for_a_compose_file_at_the_root() -> None:
    chosen, _ = release_files(Commit({"a.yaml": b"", "x/y": b""}), "", {})

    assert sorted(chosen) == ["a.yaml", "x/y"]


def test_replaces_links_by_what_they_lead_to_and_leaves_out_those_that_lead_astray() -> None:
    things: dict[str, Thing] = {
        "stacks/a.yaml": b"a",
        "stacks/in": Link("../config/c"),
        "stacks/out": Link("/etc/passwd"),
        "stacks/gone": Link("nothing"),
        "stacks/dir": Link("../config"),
        "stacks/sub": Submodule(),
        "config/c": b"c",
    }

    files = {file.path: file.content for file in release(things).files}

    assert files == {"stacks/a.yaml": b"a", "stacks/in": b"c"}


def test_keeps_exact_bytes_and_the_executable_bit() -> None:
    [yaml, script] = release({"stacks/a.yaml": b"\r\n\x00\xff ", "stacks/r": Script(b"#!")}).files

    assert (yaml.content, yaml.executable) == (b"\r\n\x00\xff ", False)
    assert (script.content, script.executable) == (b"#!", True)


def test_is_named_after_stack_commit_and_content() -> None:
    made = release({"stacks/a.yaml": b"a"})

    assert made.name == f"datatrail-0123456789ab-{made.digest[:12]}"
    assert (made.compose, made.unit, made.revision) == ("stacks/a.yaml", UNIT, REVISION)


def test_is_hashed_over_content_mode_and_path() -> None:
    made = release({"stacks/r": Script(b"#!"), "stacks/a.yaml": b"a"})

    lines = (
        hashlib.sha256(b"a").hexdigest().encode() + b" - stacks/a.yaml\0",
        hashlib.sha256(b"#!").hexdigest().encode() + b" x stacks/r\0",
    )
    assert listing(made.files) == b"".join(lines)
    assert made.digest == hashlib.sha256(b"".join(lines)).hexdigest()


def test_does_not_show_its_content() -> None:
    assert "hunter2" not in repr(release({"stacks/a.yaml": b"hunter2"}))


names = st.sampled_from(["stacks/a", "stacks/b", "stacks/c/d"])
contents = st.binary(max_size=4)
trees = st.dictionaries(names, st.one_of(contents, contents.map(Script)), min_size=1)


@given(trees, trees)
def test_two_releases_share_a_digest_only_if_they_are_the_same(
    one: dict[str, Thing], two: dict[str, Thing]
) -> None:
    assert (release(one).digest == release(two).digest) == (one == two)


@given(trees)
def test_the_order_of_the_files_does_not_matter(things: dict[str, Thing]) -> None:
    assert release(dict(reversed(things.items()))) == release(things)
