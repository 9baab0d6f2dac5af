"""What the tags of images lead to now: each image asked for once, over as few sites as can tell."""

from collections.abc import Mapping, Sequence

from orchestrator.engine.gather import gather
from orchestrator.engine.ports import Backend
from orchestrator.procedures.effects import CheckedImages, CheckImages

_ATTEMPTS = 2
"""So many managers are asked about an image: the login of one may not do."""


def image_digests(backend: Backend, sites: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Ask the registries what images are there now.

    Args:
        backend: asks side by side.
        sites: by image, the sites that can be asked about it, the best first.

    Returns:
        The digest of each image that a registry told about; the others are left out.

    """
    found: dict[str, str] = {}
    for attempt in range(_ATTEMPTS):
        asked: dict[str, list[str]] = {}
        for image, names in sites.items():
            if image not in found and attempt < len(names):
                asked.setdefault(names[attempt], []).append(image)
        effects = [CheckImages(site=site, images=tuple(names)) for site, names in asked.items()]
        for answer in gather(backend, effects):
            if isinstance(answer, CheckedImages):
                found |= {check.image: check.digest for check in answer.images if check.digest}
    return found
