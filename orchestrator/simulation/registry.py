"""The image registry as one site's manager sees it with the login it has."""

from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256

from orchestrator.procedures.effects import ImageCheck


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
        name = image.partition("@")[0]
        if self.access is Access.UNREACHABLE:
            words = f"Get https://{_host(name)}/v2/: dial tcp: i/o timeout"
            return ImageCheck(image=name, ok=False, words=words)
        if self.access is Access.DENIED:
            words = f"unauthorized: authentication required ({_host(name)})"
            return ImageCheck(image=name, ok=False, denied=True, words=words)
        if name in self.missing:
            words = f"manifest for {name} not found: manifest unknown"
            return ImageCheck(image=name, ok=False, missing=True, words=words)
        return ImageCheck(image=name, ok=True, digest=self.digest(name), words="found")

    def resolve(self, image: str) -> str:
        """Return the image with the digest a deploy would write into the service's spec.

        A registry that says no is only warned about by the command line, which then leaves
        the digest out.
        """
        found = self.check(image)
        return f"{image}@{found.digest}" if found.ok else image

    def digest(self, image: str) -> str:
        """Return the digest of what the tag points to now."""
        return f"sha256:{sha256(f'{image}#{self.generation.get(image, 0)}'.encode()).hexdigest()}"


def _host(image: str) -> str:
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first) else "registry-1.docker.io"
