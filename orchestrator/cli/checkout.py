"""Repositories for one command: fetched while the fleet is looked at, then read at one SHA."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from orchestrator.engine.watch import Watch
from orchestrator.errors import DtdeployError, ExitCode, Problem, SourceError, UsageError
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory, Repo
from orchestrator.sources.history import log_between, span
from orchestrator.sources.lineage import Descent, Lineage, lineage
from orchestrator.sources.mirror import FetchResult, fetch_all, fetched_at, mirror_path
from orchestrator.sources.model import Release, Sourced
from orchestrator.sources.pin import pin
from orchestrator.sources.read import source_releases, source_units
from orchestrator.sources.span import Span

_FETCH_SECONDS = 60.0
_WORKERS = 8
_MOST_NEWS = 1000


class Checkout(Protocol):
    """Where desired state comes from; live from git, simulated from the inventory itself."""

    def begin(self, repos: Iterable[str], refs: Mapping[str, str]) -> None:
        """Start bringing `repos` up to date, unless that was begun; `refs` overrule theirs."""
        ...

    def recall(self, repos: Iterable[str]) -> dict[str, float | None]:
        """Use what is here of `repos` as it is, instead of `begin`; no git server is asked.

        Returns:
            When each repo that can be used was last fetched (seconds since 1970), if ever.

        """
        ...

    def pins(self) -> dict[str, Revision]:
        """Wait for that, and return the one revision of each repo (SourceError)."""
        ...

    def read(self, units: Iterable[Unit]) -> dict[Unit, Sourced]:
        """Return desired state and release of `units` at the pinned revisions (SourceError)."""
        ...

    def search(self, units: Iterable[Unit]) -> dict[Unit, Sourced]:
        """Return what can be read of `units`, of repos that were not begun as well.

        Nothing rests on those that cannot be read: they are left out.
        """
        ...

    def lineages(self, running: Mapping[str, Iterable[str]]) -> tuple[Lineage, ...]:
        """Return how the pinned revision of each repo stands to the SHAs that run of it."""
        ...

    def spans(self, ends: Iterable[tuple[Revision, Revision]]) -> tuple[Span, ...]:
        """Return the commits between pairs of revisions, old and new, of repos begun."""
        ...

    def read_at(self, revisions: Mapping[Unit, Revision]) -> dict[Unit, Sourced]:
        """Return desired state and release of units, each at its own revision.

        Raises:
            SourceError: a commit is not there any more, or what it holds cannot be deployed.

        """
        ...

    def read_released(self, releases: Iterable[Release]) -> dict[Unit, Sourced]:
        """Return desired state and release of units, of releases that were checked; no git.

        Raises:
            SourceError: a secret variable is not in the environment, or the like.

        """
        ...

    def news(self, revision: Revision) -> int | None:
        """Return how many commits a repo's pin has that `revision` lacks; None: nobody knows."""
        ...


class GitCheckout:
    """From git, through mirrors in `cache`."""

    def __init__(
        self,
        inventory: Inventory,
        cache: Path,
        environment: Mapping[str, str],
        watch: Watch | None = None,
    ) -> None:
        """Fetch nothing yet; `watch` is told when git is waited for."""
        self._watch = watch or Watch(float)
        self._inventory = inventory
        self._cache = cache
        self._environment = environment
        self._refs: dict[str, str] = {}
        self._begun: set[str] = set()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fetch")
        self._fetching: Future[tuple[FetchResult, ...]] | None = None
        self._mirrors: dict[str, Path] = {}
        self._pins: dict[str, Revision] = {}

    def begin(self, repos: Iterable[str], refs: Mapping[str, str]) -> None:
        """Start fetching in a thread of its own."""
        check_refs(self._inventory, refs)
        self._refs = dict(refs)
        names = [name for name in dict.fromkeys(repos) if name not in self._begun]
        if names:
            self.pins()
            self._begun.update(names)
            wanted = [self._inventory.repo(name) for name in names]
            self._fetching = self._pool.submit(self._fetch, wanted)

    def recall(self, repos: Iterable[str]) -> dict[str, float | None]:
        """Pin what the mirrors know; a repo whose mirror is missing or broken is left out."""
        found: dict[str, float | None] = {}
        for repo in map(self._inventory.repo, dict.fromkeys(repos)):
            mirror = mirror_path(repo, self._cache)
            try:
                if mirror.is_dir():
                    self._pins[repo.name] = pin(repo, mirror, repo.ref)
                    self._mirrors[repo.name] = mirror
                    found[repo.name] = fetched_at(mirror)
            except SourceError:
                continue
        return found

    def pins(self) -> dict[str, Revision]:
        """Wait for the fetch and pin every repo to one SHA."""
        if (fetching := self._fetching) is not None:
            self._fetching = None
            try:
                results = fetching.result()
                self._mirrors |= {result.repo.name: result.mirror for result in results}
                self._pins |= self._pin_all([result.repo for result in results])
            except DtdeployError:
                self._begun.intersection_update(self._pins)
                raise
        return dict(self._pins)

    def read(self, units: Iterable[Unit]) -> dict[Unit, Sourced]:
        """Read the compose files of `units` and what they refer to."""
        wanted = tuple(units)
        return source_units(self._inventory, wanted, self._mirrors, self.pins(), self._environment)

    def search(self, units: Iterable[Unit]) -> dict[Unit, Sourced]:
        """Fetch and read one by one, so that what is broken stands in nothing else's way."""
        found: dict[Unit, Sourced] = {}
        lost: set[str] = set()
        for unit in units:
            repo = self._inventory.spec(unit).repo
            if repo in lost:
                continue
            try:
                self.begin([repo], self._refs)
                self.pins()
            except DtdeployError:
                lost.add(repo)
                continue
            with suppress(SourceError):
                found |= self.read([unit])
        return found

    def lineages(self, running: Mapping[str, Iterable[str]]) -> tuple[Lineage, ...]:
        """Ask git, repo by repo."""
        pins = self.pins()
        return tuple(
            lineage(self._inventory.repo(repo), self._mirrors[repo], pins[repo], shas)
            for repo, shas in running.items()
        )

    def spans(self, ends: Iterable[tuple[Revision, Revision]]) -> tuple[Span, ...]:
        """Ask git, pair by pair."""
        return tuple(span(self._mirrors[new.repo], old, new) for old, new in ends)

    def read_at(self, revisions: Mapping[Unit, Revision]) -> dict[Unit, Sourced]:
        """Read commits that the mirrors have; only where one is missing, git is asked.

        What a commit holds never changes, so going on with a run needs no git server.
        """
        wanted = dict.fromkeys(revisions.values())
        if missing := [revision for revision in wanted if self._lost(revision)]:
            repos = dict.fromkeys(revision.repo for revision in missing)
            self._fetch([self._inventory.repo(name) for name in repos])
        if lost := [p for revision in missing if (p := self._lost(revision))]:
            raise SourceError(lost)
        read: dict[Unit, Sourced] = {}
        for revision in wanted:
            units = [unit for unit, at in revisions.items() if at == revision]
            mirrors, pins = {revision.repo: self._mirror(revision)}, {revision.repo: revision}
            read |= source_units(self._inventory, units, mirrors, pins, self._environment)
        return read

    def read_released(self, releases: Iterable[Release]) -> dict[Unit, Sourced]:
        """Read the compose files in the releases themselves."""
        return source_releases(self._inventory, tuple(releases), self._environment)

    def news(self, revision: Revision) -> int | None:
        """Count them in the mirror; a commit that it never had is nobody's to compare with."""
        new = self.pins()[revision.repo]
        try:
            return len(log_between(self._mirrors[new.repo], revision, new, _MOST_NEWS))
        except SourceError:
            return None

    def _mirror(self, revision: Revision) -> Path:
        return mirror_path(self._inventory.repo(revision.repo), self._cache)

    def _lost(self, revision: Revision) -> Problem | None:
        mirror = self._mirror(revision)
        try:
            if mirror.is_dir():
                pin(self._inventory.repo(revision.repo), mirror, revision.sha)
                return None
            evidence: tuple[str, ...] = (f"there is no mirror {mirror}",)
        except SourceError as error:
            evidence = tuple(line for problem in error.problems for line in problem.evidence)
        return commit_gone(revision, evidence)

    def _fetch(self, repos: list[Repo]) -> tuple[FetchResult, ...]:
        names = ", ".join(repo.name for repo in repos)
        with self._watch.waiting(f"git fetch of {names}", at_most=_FETCH_SECONDS):
            return fetch_all(
                repos,
                self._cache,
                deadline_seconds=_FETCH_SECONDS,
                environment=self._environment,
                workers=_WORKERS,
            )

    def _pin_all(self, repos: list[Repo]) -> dict[str, Revision]:
        pins: dict[str, Revision] = {}
        problems: list[Problem] = []
        for repo in repos:
            try:
                pins[repo.name] = pin(
                    repo, self._mirrors[repo.name], self._refs.get(repo.name, repo.ref)
                )
            except DtdeployError as error:
                problems += error.problems
        if problems:
            raise SourceError(problems)
        return pins


class MadeUpCheckout:
    """For a simulated fleet: what the repositories would hold, made up from the inventory."""

    def __init__(
        self,
        inventory: Inventory,
        sources: Mapping[Unit, Sourced],
        former: Mapping[Unit, Sourced] | None = None,
    ) -> None:
        """Take what the repositories hold now, and held in `former` times."""
        self._inventory = inventory
        self._sources = sources
        self._former = former or {}

    def begin(self, repos: Iterable[str], refs: Mapping[str, str]) -> None:
        """Check the names; there is nothing to fetch."""
        del repos
        check_refs(self._inventory, refs)

    def recall(self, repos: Iterable[str]) -> dict[str, float | None]:
        """Return every repo: what is made up was never fetched."""
        return dict.fromkeys(repos)

    def pins(self) -> dict[str, Revision]:
        """Return the made-up revision of each repo."""
        revisions = (sourced.release.revision for sourced in self._sources.values())
        return {revision.repo: revision for revision in revisions}

    def read(self, units: Iterable[Unit]) -> dict[Unit, Sourced]:
        """Return the made-up sources of `units`."""
        return {unit: self._sources[unit] for unit in units}

    def search(self, units: Iterable[Unit]) -> dict[Unit, Sourced]:
        """Return the made-up sources of `units`."""
        return self.read(units)

    def lineages(self, running: Mapping[str, Iterable[str]]) -> tuple[Lineage, ...]:
        """Say of what is made up that it is newer than what runs."""
        pins = self.pins()
        return tuple(
            Lineage(
                revision=pins[repo],
                ref=self._inventory.repo(repo).ref,
                usual=True,
                descents=tuple(
                    (sha, Descent.SAME if sha == pins[repo].sha else Descent.FORWARD)
                    for sha in shas
                ),
            )
            for repo, shas in running.items()
        )

    def spans(self, ends: Iterable[tuple[Revision, Revision]]) -> tuple[Span, ...]:
        """Return that nobody knows: what is made up has no history."""
        return tuple(Span(old=old, new=new, told=False) for old, new in ends)

    def read_at(self, revisions: Mapping[Unit, Revision]) -> dict[Unit, Sourced]:
        """Return the made-up sources of units at revisions that there were."""
        read = {
            unit: sources[unit]
            for sources in (self._former, self._sources)
            for unit, revision in revisions.items()
            if unit in sources and sources[unit].release.revision == revision
        }
        if lost := dict.fromkeys(at for unit, at in revisions.items() if unit not in read):
            raise SourceError(commit_gone(revision, ()) for revision in lost)
        return read

    def read_released(self, releases: Iterable[Release]) -> dict[Unit, Sourced]:
        """Return the made-up sources that these releases are of."""
        known = {
            (unit, sourced.release.digest): sourced
            for sources in (self._former, self._sources)
            for unit, sourced in sources.items()
        }
        return {release.unit: known[release.unit, release.digest] for release in releases}

    def news(self, revision: Revision) -> int | None:
        """Say one: made-up revisions have no history, and follow each other."""
        return 1 if self.pins()[revision.repo] != revision else 0


def commit_gone(revision: Revision, evidence: tuple[str, ...]) -> Problem:
    """Say that a commit that ran is not to be had any more."""
    return Problem(
        code="source.commit-gone",
        what=f"{revision.repo} has no commit {revision.sha} any more",
        exit_code=ExitCode.SOURCE_FAILED,
        evidence=evidence,
        fix="push the commit again, to any branch or tag",
        state_left="nothing was touched by this command",
        runbook="git-source-failed",
    )


def check_refs(inventory: Inventory, refs: Mapping[str, str]) -> None:
    """Raise UsageError when `refs` names a repo that the inventory does not know."""
    known = [repo.name for repo in inventory.repos]
    if unknown := [name for name in refs if name not in known]:
        raise UsageError(
            Problem(
                code="selection.unknown-repo",
                what=f"there is no repo called {', '.join(unknown)}",
                exit_code=ExitCode.USAGE,
                fix=f"known are: {', '.join(known)}",
            )
        )
