"""Releases read back from managers, none of which is believed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from orchestrator.engine.held_releases import Recalled, Wanted, recall
from orchestrator.fleet.observed import Look
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.procedures.effects import Effect, HeldRelease, ReadRelease
from orchestrator.sources.model import ReleaseFile
from orchestrator.sources.release import digest_of
from tests.build import unseen
from tests.engine.desk import Desk

FILES = (ReleaseFile(path="a.yaml", content=b"a"), ReleaseFile(path="conf/b", content=b"b"))
DIGEST = digest_of(FILES)
REVISION = Revision(repo="app", sha="c" * 40)
HERE, THERE = Unit("app", "here"), Unit("app", "there")
ASKED = tuple(Wanted(unit=unit, revision=REVISION, digest=DIGEST) for unit in (HERE, THERE))
NAME = f"app-{'c' * 12}-{DIGEST[:12]}"
Held = tuple[ReleaseFile, ...] | str | Look | None
CHANGED = (replace(FILES[0], content=b"evil"), ReleaseFile(path="new", content=b""))


@dataclass
class Managers:
    """What lies at which site: files, why there are none that can be read, or nothing."""

    hold: dict[str, Held] = field(default_factory=dict)

    def __call__(self, effect: Effect) -> object:
        assert isinstance(effect, ReadRelease)
        held = self.hold.get(effect.site) if effect.name == NAME else None
        if isinstance(held, tuple | str | None):
            words = held if isinstance(held, str) else ""
            files = held if isinstance(held, tuple) else None
            return HeldRelease(site=effect.site, name=effect.name, files=files, words=words)
        return held


def recalled(
    hold: dict[str, Held],
    asked: tuple[Wanted, ...] = ASKED,
    *,
    sites: tuple[str, ...] = ("here", "there", "spare"),
    reaches: Callable[[str], bool] = lambda _: True,
) -> tuple[Recalled, list[str]]:
    desk = Desk(perform=Managers(hold))
    found = recall(desk, asked, sites, reaches)
    return found, [effect.site for effect in desk.sent(ReadRelease)]


def test_each_site_is_asked_for_its_own_and_one_good_copy_is_enough() -> None:
    found, asked = recalled({"there": FILES})
    assert found == Recalled(files={DIGEST: FILES}, damaged=(), missing={})
    assert asked == ["here", "there"]


def test_what_is_nowhere_where_it_belongs_is_looked_for_everywhere() -> None:
    found, asked = recalled({"spare": FILES}, ASKED[:1])
    assert found.files == {DIGEST: FILES}
    assert asked == ["here", "there", "spare"]


def test_nothing_is_asked_twice() -> None:
    assert recalled({})[1] == ["here", "there", "spare"]


def test_sites_that_are_not_reached_are_not_waited_for() -> None:
    found, asked = recalled({"here": FILES}, reaches=lambda site: site != "there")
    assert (found.files, asked) == ({DIGEST: FILES}, ["here"])
    found, asked = recalled({"here": FILES}, reaches=lambda _: False)
    assert (found.files, asked) == ({DIGEST: FILES}, ["here", "there"])
    found, asked = recalled({"there": FILES}, reaches=lambda site: site == "here")
    assert asked == ["here"]
    assert found.missing[DIGEST][:2] == (
        "there: it cannot be reached",
        "spare: it cannot be reached",
    )


def test_what_nobody_has_is_missing_and_it_is_said_where_it_was_looked_for() -> None:
    found, asked = recalled({"there": unseen("there")}, ASKED[:1])
    assert found.files == {}
    assert asked == ["here", "there", "spare"]
    assert found.missing == {
        DIGEST: (
            f"here: {NAME}: it is not there",
            f"there: {NAME}: {unseen('there').problem.what}",
            f"spare: {NAME}: it is not there",
        )
    }


def test_a_changed_copy_is_not_used_and_its_files_are_named() -> None:
    found, _ = recalled({"here": CHANGED, "there": FILES})
    assert found.files == {DIGEST: FILES}
    (problem,) = found.damaged
    assert (problem.code, problem.where.site) == ("release.damaged", "here")
    assert problem.evidence == ("a.yaml is another", "conf/b is missing", "new was added")


def test_a_file_that_became_executable_is_another() -> None:
    (first, second) = FILES
    found, _ = recalled({"here": (replace(first, executable=True), second), "there": FILES})
    assert found.damaged[0].evidence == ("a.yaml is another",)


def test_of_many_changed_files_a_few_are_named() -> None:
    many = tuple(ReleaseFile(path=f"x{n}", content=b"") for n in range(7))
    found, _ = recalled({"here": (*FILES, *many), "there": FILES})
    assert found.damaged[0].evidence[-2:] == ("x4 was added", "and 2 more")


@pytest.mark.parametrize(
    ("held", "words"),
    [("it is larger than allowed", "it is larger than allowed"), (CHANGED, "its hash is")],
)
def test_where_nobody_has_a_good_copy_a_damaged_one_is_still_named(held: Held, words: str) -> None:
    found, _ = recalled({"here": held}, ASKED[:1])
    assert found.files == {}
    assert words in found.damaged[0].evidence[0]
    assert found.missing[DIGEST][0].endswith("what lies there is not what was shipped")


def test_many_are_read_some_at_a_time() -> None:
    units = [Unit("app", f"site{n:02}") for n in range(40)]
    asked = tuple(Wanted(unit=unit, revision=REVISION, digest=DIGEST) for unit in units)
    found, sites = recalled({"site39": FILES}, asked, sites=())
    assert found.files == {DIGEST: FILES}
    assert sites == [unit.site for unit in units]


def test_nothing_is_asked_where_nothing_is_wanted() -> None:
    assert recalled({}, ()) == (Recalled(files={}, damaged=(), missing={}), [])


def test_an_answer_of_another_kind_is_a_bug() -> None:
    with pytest.raises(TypeError):
        recall(Desk(perform=lambda _: None), ASKED, (), lambda _: True)
