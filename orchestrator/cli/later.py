"""A checkout that is made when it is first asked: git's code takes a while to load."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from orchestrator.fleet.unit import Revision, Unit

if TYPE_CHECKING:
    from orchestrator.cli.checkout import Checkout
    from orchestrator.sources.lineage import Lineage
    from orchestrator.sources.model import Release, Sourced
    from orchestrator.sources.span import Span


class LaterCheckout:
    """Does what the checkout does that `make` returns; see `cli.checkout.Checkout`."""

    def __init__(self, make: "Callable[[], Checkout]") -> None:
        self._make = make

    @cached_property
    def _real(self) -> "Checkout":
        return self._make()

    def begin(self, repos: Iterable[str], refs: Mapping[str, str]) -> None:
        """Start bringing `repos` up to date."""
        self._real.begin(repos, refs)

    def recall(self, repos: Iterable[str]) -> dict[str, float | None]:
        """Use what is here of `repos` as it is."""
        return self._real.recall(repos)

    def pins(self) -> dict[str, Revision]:
        """Return the one revision of each repo (SourceError)."""
        return self._real.pins()

    def read(self, units: Iterable[Unit]) -> "dict[Unit, Sourced]":
        """Return desired state and release of `units` (SourceError)."""
        return self._real.read(units)

    def search(self, units: Iterable[Unit]) -> "dict[Unit, Sourced]":
        """Return what can be read of `units`."""
        return self._real.search(units)

    def lineages(self, running: Mapping[str, Iterable[str]]) -> "tuple[Lineage, ...]":
        """Return how the pinned revisions stand to those that run."""
        return self._real.lineages(running)

    def spans(self, ends: Iterable[tuple[Revision, Revision]]) -> "tuple[Span, ...]":
        """Return the commits between pairs of revisions."""
        return self._real.spans(ends)

    def read_at(self, revisions: Mapping[Unit, Revision]) -> "dict[Unit, Sourced]":
        """Return desired state and release of units, each at its own revision (SourceError)."""
        return self._real.read_at(revisions)

    def read_released(self, releases: "Iterable[Release]") -> "dict[Unit, Sourced]":
        """Return desired state and release of units, of releases that were checked."""
        return self._real.read_released(releases)

    def news(self, revision: Revision) -> int | None:
        """Return how many commits a repo's pin has that `revision` lacks."""
        return self._real.news(revision)
