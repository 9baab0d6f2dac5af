"""The image registry as one site's manager sees it with the login it has."""

from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256

from orchestrator.fleet.facts import with_digest
from orchestrator.procedures.effects import ImageCheck

_PUSHED = 16
"""So often a tag may be pushed at most. What another site's registry has, this one has too."""


class Access(Enum):
    """What the registry makes of the site's login."""

    OK = "ok"
    DENIED = "denied"
    UNREACHABLE = "unreachable"


@dataclass(slots=True, kw_only=True)
class SiteRegistry:
    """`missing` images are not in the registry; `generation` moves what a tag points to."""

    access: Access = Access.OK
    missing: set[str] = field(default_factory=set)
    generation: dict[str, int] = field(default_factory=dict)

    def check(self, image: str) -> ImageCheck:
        """Ask for an image's manifest, as `docker stack deploy` does."""
        name, _, digest = image.partition("@")
        if self.access is Access.UNREACHABLE:
            words = f"Get https://{_host(name)}/v2/: dial tcp: i/o timeout"
            return ImageCheck(image=image, ok=False, words=words)
        if self.access is Access.DENIED:
            words = f"unauthorized: authentication required ({_host(name)})"
            return ImageCheck(image=image, ok=False, denied=True, words=words)
        if name in self.missing:
            words = f"manifest for {name} not found: manifest unknown"
            return ImageCheck(image=image, ok=False, missing=True, words=words)
        if digest and digest not in self._digests(name):
            words = f"manifest for {image} not found: manifest unknown"
            return ImageCheck(image=image, ok=False, missing=True, words=words)
        found = digest or self.digest(name)
        return ImageCheck(image=image, ok=True, digest=found, words="found")

    def resolve(self, image: str) -> str:
        """Return the image with the digest a deploy would write into the service's spec.

        A registry that says no is only warned about by the command line, which then leaves
        the digest out.
        """
        found = self.check(image)
        return with_digest(image, found.digest) if found.ok else image

    def digest(self, image: str) -> str:
        """Return the digest of what the tag points to now."""
        return _digest(image, self.generation.get(image, 0))

    def _digests(self, image: str) -> set[str]:
        """Return the digests of all that the tag has ever pointed to: none is deleted."""
        return {_digest(image, number) for number in range(_PUSHED + 1)}


def _digest(image: str, generation: int) -> str:
    return f"sha256:{sha256(f'{image}#{generation}'.encode()).hexdigest()}"


def _host(image: str) -> str:
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first) else "registry-1.docker.io"
