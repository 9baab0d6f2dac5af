"""Releases read back from the managers that hold them, checked by the hash that a run wrote down.

Once prepared, a run needs nothing but its sites: no git, no registry, not its first machine. A
manager is trusted less than git is: what does not come to the hash is not used, and is named.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.engine.gather import gather
from orchestrator.engine.ports import Backend
from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.observed import Unseen
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.procedures.effects import HeldRelease, ReadRelease
from orchestrator.sources.model import ReleaseFile
from orchestrator.sources.release import digest_of, name_of

Files = tuple[ReleaseFile, ...]
_AT_ONCE = 16
"""So many releases are in memory at once before they are checked."""
_FILES_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The release of a unit at a revision, known by the SHA-256 (hex) over its files."""

    unit: Unit
    revision: Revision
    digest: str

    @property
    def name(self) -> str:
        """The name of its folder on a manager."""
        return name_of(self.unit, self.revision, self.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What the managers hold: `files` by digest, all of them checked.

    `damaged` are copies that are not what was shipped, `missing` by digest what was said where it
    was looked for.
    """

    files: Mapping[str, Files]
    damaged: tuple[Problem, ...]
    missing: Mapping[str, tuple[str, ...]]


def recall(
    backend: Backend,
    wanted: Sequence[Wanted],
    sites: Iterable[str],
    reaches: Callable[[str], bool],
) -> Recalled:
    """Read releases at the managers of their units; what is lost there, at those of all others.

    Args:
        backend: performs effects.
        wanted: the releases.
        sites: where else they may lie.
        reaches: whether a connection to a site stands. The others were tried a moment ago, and
            are asked only if that is true of none.

    """
    everywhere = tuple(dict.fromkeys((*(item.unit.site for item in wanted), *sites)))
    near = tuple(filter(reaches, everywhere)) or everywhere
    search = _Search(backend)
    search.ask((item.unit.site, item) for item in wanted if item.unit.site in near)
    search.ask(
        (site, item)
        for item in wanted
        for site in near
        if item.digest not in search.files and site != item.unit.site
    )
    lost = dict.fromkeys(item.digest for item in wanted if item.digest not in search.files)
    away = tuple(f"{site}: it cannot be reached" for site in everywhere if site not in near)
    return Recalled(
        files=search.files,
        damaged=tuple(_damaged(copy, search.files.get(copy.digest)) for copy in search.bad),
        missing={digest: (*away, *search.said.get(digest, ())) for digest in lost},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bad:
    """A copy that is not what was shipped: its files, or why it has none."""

    site: str
    name: str
    digest: str
    files: Files | None
    words: str


class _Search:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._asked: set[ReadRelease] = set()
        self.files: dict[str, Files] = {}
        self.bad: list[_Bad] = []
        self.said: dict[str, list[str]] = {}

    def ask(self, places: Iterable[tuple[str, Wanted]]) -> None:
        """Look at each place, side by side; nothing is asked twice."""
        asked: dict[ReadRelease, str] = {}
        for site, item in places:
            effect = ReadRelease(site=site, name=item.name)
            if effect not in self._asked:
                asked[effect] = item.digest
        self._asked.update(asked)
        effects = tuple(asked)
        for first in range(0, len(effects), _AT_ONCE):
            some = effects[first : first + _AT_ONCE]
            for effect, answer in zip(some, gather(self._backend, some), strict=True):
                self._take(effect, asked[effect], answer)

    def _take(self, effect: ReadRelease, digest: str, answer: object) -> None:
        if isinstance(answer, Unseen):
            self._say(digest, effect, answer.problem.what)
        elif not isinstance(answer, HeldRelease):
            raise TypeError(f"reading a release gave {type(answer).__name__}")
        elif answer.files is not None and digest_of(answer.files) == digest:
            self.files.setdefault(digest, answer.files)
        elif answer.files is None and not answer.words:
            self._say(digest, effect, "it is not there")
        else:
            bad = _Bad(
                site=effect.site,
                name=effect.name,
                digest=digest,
                files=answer.files,
                words=answer.words,
            )
            self.bad.append(bad)
            self._say(digest, effect, "what lies there is not what was shipped")

    def _say(self, digest: str, effect: ReadRelease, words: str) -> None:
        self.said.setdefault(digest, []).append(f"{effect.site}: {effect.name}: {words}")


def _damaged(copy: _Bad, good: Files | None) -> Problem:
    folder = f"~/.dtdeploy/releases/{copy.name}"
    return Problem(
        code="release.damaged",
        what=f"the release {copy.name} on the manager is not what was shipped there",
        exit_code=ExitCode.SOURCE_FAILED,
        where=Where(site=copy.site),
        evidence=tuple(_differences(copy, good)),
        fix=f"find out who changed it: on the manager, ls -la --time-style=full-iso {folder}",
        state_left="it is not used, and is replaced by what was shipped before it would be",
        runbook="run-stopped-half-way",
    )


def _differences(copy: _Bad, good: Files | None) -> Iterator[str]:
    """Say which files are others, where somebody holds the right ones."""
    if copy.files is None:
        yield copy.words
        return
    if good is None:
        yield f"its hash is {digest_of(copy.files)}, and {copy.digest} was written down"
        return
    is_, was = ({file.path: file for file in files} for files in (copy.files, good))
    found = sorted(path for path in is_.keys() | was.keys() if is_.get(path) != was.get(path))
    for path in found[:_FILES_TOLD]:
        how = "is missing" if path not in is_ else "is another" if path in was else "was added"
        yield f"{path} {how}"
    if more := found[_FILES_TOLD:]:
        yield f"and {len(more)} more"
