from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """One stack at one site: the thing that is removed, deployed and judged."""

    stack: str
    site: str

    def __str__(self) -> str:
        return f"{self.stack}@{self.site}"


@dataclass(frozen=True, slots=True, order=True)
class Revision:
    """A repository at a full commit SHA."""

    repo: str
    sha: str

    @property
    def short(self) -> str:
        """The first ten digits, for people."""
        return self.sha[:10]

    def __str__(self) -> str:
        return f"{self.repo}@{self.short}"
