"""Bare mirrors of the repositories, kept in a cache folder and fetched side by side."""

import hashlib
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from orchestrator.errors import ExitCode, Problem, SourceError
from orchestrator.inventory.model import Repo
from orchestrator.sources.address import fault, parted, shown
from orchestrator.sources.findings import RUNBOOK
from orchestrator.sources.lock import held
from orchestrator.sources.repository import Ran, git_at, git_environment, run, with_login

CONNECT_SECONDS = 10.0
REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
"""Branches and tags as the remote has them; the `+` follows a force-push."""
_OTHER_HASH = re.compile(r"mismatched algorithms: client \w+; server (sha\d+)")
_FETCHED = "dtdeploy-fetched"
"""An empty file in a mirror whose time is that of the last fetch; git passes over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchResult:
    """A repository and its bare mirror, as fresh as its remote was a moment ago."""

    repo: Repo
    mirror: Path


def mirror_path(repo: Repo, cache: Path) -> Path:
    """Return where a repository's mirror lies; another URL gets another mirror."""
    digest = hashlib.sha256(repo.url.encode()).hexdigest()
    return cache / f"{repo.name}-{digest[:12]}.git"


def fetched_at(mirror: Path) -> float | None:
    """Return when a mirror was last fetched, seconds since 1970; None where nobody noted it."""
    try:
        return (mirror / _FETCHED).stat().st_mtime
    except OSError:
        return None


def fetch_all(
    repos: Sequence[Repo],
    cache: Path,
    *,
    deadline_seconds: float,
    environment: Mapping[str, str],
    workers: int,
    clock: Callable[[], float] = monotonic,
) -> tuple[FetchResult, ...]:
    """Bring the mirrors of all repositories up to date, side by side.

    A missing mirror is made, a damaged one is made anew, once. Commits that a force-push took
    from a branch stay readable. Nobody is asked anything: git and ssh fail instead.

    Args:
        repos: what to fetch.
        cache: the folder of the mirrors; made if it is missing.
        deadline_seconds: each repository has this long, waiting for its lock included; then
            git and its children are killed.
        environment: the operator's; git sees it besides what this process itself has.
        workers: how many are fetched at once.
        clock: seconds that only go forward.

    Returns:
        The mirrors, in the order asked.

    Raises:
        SourceError: exit code 14, with one problem for each repository that failed.

    """
    _make(cache)
    seen = git_environment(environment, min(CONNECT_SECONDS, deadline_seconds))

    def one(repo: Repo) -> FetchResult | Problem:
        return _Fetch(repo, mirror_path(repo, cache), seen, clock, deadline_seconds).run()

    pool = ThreadPoolExecutor(max_workers=max(1, workers))
    try:
        results = list(pool.map(one, repos))
    finally:
        pool.shutdown(cancel_futures=True)
    problems = [result for result in results if isinstance(result, Problem)]
    if problems:
        raise SourceError(problems)
    return tuple(result for result in results if isinstance(result, FetchResult))


def _make(cache: Path) -> None:
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(_unusable(cache, error)) from error


def _unusable(path: Path, error: OSError) -> Problem:
    return Problem(
        code="source.cache-unusable",
        what=f"the folder for mirrors {path} cannot be used",
        exit_code=ExitCode.SOURCE_FAILED,
        evidence=(str(error),),
        fix=f"df -h {path}; ls -ld {path}",
        runbook=RUNBOOK,
    )


class _Fetch:
    """One repository's fetch: its lock, its deadline, and one second chance."""

    def __init__(
        self,
        repo: Repo,
        mirror: Path,
        environment: Mapping[str, str],
        clock: Callable[[], float],
        seconds: float,
    ) -> None:
        self._repo = repo
        self._mirror = mirror
        self._url, login = parted(repo.url)
        self._environment = with_login(environment, login)
        self._clock = clock
        self._seconds = seconds
        self._end = clock() + seconds

    def run(self) -> FetchResult | Problem:
        if why := fault(self._repo.url):
            return self._problem(
                "bad-url",
                f"the URL of repository {self._repo.name} is refused: {why}",
                exit_code=ExitCode.INVENTORY_INVALID,
                fix=f"correct `url:` of {self._repo.name} in sites.yaml",
            )
        lock = self._mirror.with_suffix(".lock")
        try:
            with held(lock, seconds=self._left()):
                return self._fetched()
        except TimeoutError as error:
            return self._problem(
                "mirror-busy",
                f"another process has been fetching {self._repo.name} for {self._seconds:g} s",
                evidence=(str(error),),
                fix=f"fuser -v {lock}",
            )
        except SourceError as error:
            return error.problems[0]
        except OSError as error:
            return _unusable(self._mirror.parent, error)

    def _fetched(self) -> FetchResult | Problem:
        ran = self._fetch()
        if other := _OTHER_HASH.search(ran.said):
            # An empty mirror is made for SHA-1, and a repository may have moved to the other.
            shutil.rmtree(self._mirror)
            ran = self._fetch(f"--object-format={other[1]}")
        if not ran.killed and not self._whole():
            shutil.rmtree(self._mirror)
            ran = self._fetch()
        if ran.ok:
            (self._mirror / _FETCHED).touch()
            return FetchResult(repo=self._repo, mirror=self._mirror)
        return self._failed(ran)

    def _fetch(self, *made_with: str) -> Ran:
        self._mirror.mkdir(mode=0o700, exist_ok=True)
        self._drop_stale_locks()
        made = self._git("init", "--quiet", "--bare", "--template=", *made_with)
        if not made.ok:
            return made
        return self._git(
            *("fetch", "--quiet", "--prune", "--no-auto-maintenance", "--no-write-fetch-head"),
            # Without the first of these, a clone of little depth is served as an empty one.
            *("--update-shallow", "--no-recurse-submodules", "--no-tags", "--end-of-options"),
            *(self._url, *REFSPECS),
        )

    def _drop_stale_locks(self) -> None:
        """Remove what a killed git left: we hold the mirror's lock, so no git is at work."""
        for stale in [*self._mirror.glob("*.lock"), *self._mirror.glob("refs/**/*.lock")]:
            stale.unlink()

    def _whole(self) -> bool:
        """Whether all that the branches and tags point at is there, history left aside."""
        return self._git("rev-list", "--objects", "--no-walk", "--quiet", "--all").ok

    def _git(self, *words: str) -> Ran:
        return run(git_at(self._mirror, self._environment), *words, seconds=self._left())

    def _left(self) -> float:
        return max(0.1, self._end - self._clock())

    def _failed(self, ran: Ran) -> Problem:
        name, url = self._repo.name, shown(self._repo.url)
        if ran.late:
            return self._problem(
                "fetch-timeout",
                f"fetching {name} from {url} took longer than {self._seconds:g} s",
                evidence=(f"git was killed after {self._seconds:g} s",),
                fix=f"git ls-remote {url}",
            )
        return self._problem(
            "fetch-failed",
            f"fetching {name} from {url} failed",
            evidence=ran.evidence,
            fix=_advice(ran.said, url),
        )

    def _problem(
        self,
        code: str,
        what: str,
        *,
        exit_code: ExitCode = ExitCode.SOURCE_FAILED,
        evidence: tuple[str, ...] = (),
        fix: str = "",
    ) -> Problem:
        return Problem(
            code=f"source.{code}",
            what=what,
            exit_code=exit_code,
            evidence=evidence,
            fix=fix,
            runbook=RUNBOOK,
        )


_ADVICE = (
    ("Host key verification failed", "compare the host's key fingerprint, then connect once: "),
    ("Permission denied", "see which keys you offer with `ssh-add -l`, then try: "),
    ("Could not resolve hostname", "check the host's name and your network, then try: "),
)


def _advice(said: str, url: str) -> str:
    hint = next((advice for words, advice in _ADVICE if words in said), "")
    return f"{hint}git ls-remote {url}"
