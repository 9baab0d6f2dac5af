from collections.abc import Callable

from orchestrator.engine.digests import image_digests
from orchestrator.procedures.effects import CheckedImages, CheckImages, Effect, ImageCheck
from tests.build import unseen
from tests.engine.desk import Desk


def registry(*known_at: str) -> Callable[[Effect], object]:
    """Answer at some sites about `app:1` and `db:1`; deny it elsewhere."""

    def perform(effect: Effect) -> object:
        assert isinstance(effect, CheckImages)
        if effect.site == "lost":
            return unseen("lost")
        known = effect.site in known_at
        checks = (
            ImageCheck(image=name, ok=True, digest=f"sha256:{name}")
            if known
            else ImageCheck(image=name, ok=False, denied=True)
            for name in effect.images
        )
        return CheckedImages(site=effect.site, images=tuple(checks))

    return perform


def test_each_image_is_asked_for_once_over_the_first_site() -> None:
    desk = Desk(perform=registry("home", "far"))
    found = image_digests(desk, {"app:1": ("home", "far"), "db:1": ("home",), "x:1": ("far",)})
    assert found == {name: f"sha256:{name}" for name in ("app:1", "db:1", "x:1")}
    assert desk.sent(CheckImages) == [
        CheckImages(site="home", images=("app:1", "db:1")),
        CheckImages(site="far", images=("x:1",)),
    ]
    assert {time for time, _ in desk.submitted} == {0.0}


def test_where_one_site_cannot_tell_the_next_is_asked() -> None:
    desk = Desk(perform=registry("far"))
    asked = {"app:1": ("home", "far"), "db:1": ("lost", "far"), "x:1": ("home",)}
    found = image_digests(desk, asked)
    assert found == {"app:1": "sha256:app:1", "db:1": "sha256:db:1"}
    assert desk.sent(CheckImages)[-1] == CheckImages(site="far", images=("app:1", "db:1"))


def test_no_more_than_two_sites_are_asked() -> None:
    desk = Desk(perform=registry())
    assert image_digests(desk, {"app:1": ("a", "b", "c")}) == {}
    assert [effect.site for effect in desk.sent(CheckImages)] == ["a", "b"]
