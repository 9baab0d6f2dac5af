"""What a site's manager hears from the registries about images."""

from orchestrator.fleet.observed import Unseen
from orchestrator.procedures.effects import CheckedImages, CheckImages
from tests.contract.stacks import ABSENT_IMAGE, IMAGE, OTHER_IMAGE
from tests.contract.stories import story
from tests.contract.world import DISTANT, QUIET, World

ASKED = (IMAGE, ABSENT_IMAGE, OTHER_IMAGE)


@story(QUIET)
def images(world: World) -> object:
    """Ask about two images that are there and one that is not."""
    return world.at_once((CheckImages(site=QUIET, images=ASKED),))[0]


@story(DISTANT)
def images_of_a_lost_site(world: World) -> object:
    """Ask a site that cannot be reached."""
    world.refuse(DISTANT)
    try:
        return world.at_once((CheckImages(site=DISTANT, images=(IMAGE,)),))[0]
    finally:
        world.mend(DISTANT)


def test_an_image_that_is_there_has_a_digest_and_another_image_another(images: object) -> None:
    assert isinstance(images, CheckedImages), images
    first, absent, second = images.images
    assert (first.image, absent.image, second.image) == ASKED
    assert first.ok
    assert second.ok
    assert first.digest.startswith("sha256:")
    assert len(first.digest) == len(second.digest) == len("sha256:") + 64
    assert first.digest != second.digest


def test_an_image_that_is_not_there_is_missing_and_has_none(images: object) -> None:
    assert isinstance(images, CheckedImages), images
    absent = images.images[1]
    assert (absent.ok, absent.missing, absent.denied, absent.digest) == (False, True, False, "")
    assert absent.words


def test_a_site_that_cannot_be_reached_is_unseen(images_of_a_lost_site: object) -> None:
    assert isinstance(images_of_a_lost_site, Unseen), images_of_a_lost_site
