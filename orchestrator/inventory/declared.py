"""All files of an inventory as far as they could be read, before names are resolved."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import Field, ValidationError

from orchestrator.errors import Problem, Where
from orchestrator.fleet.unit import Unit
from orchestrator.inventory import diagnostics
from orchestrator.inventory.document import Data, Document, Trail, complaint
from orchestrator.inventory.schema import (
    RepoText,
    SitesText,
    SiteText,
    StackText,
    Text,
    UnitText,
)
from orchestrator.inventory.words import RepoName, SiteName

_NAMED_PARTS = ("sites", "repos")
_PLAIN = UnitText()


class _SoundStack(StackText):
    """What is left of a stack file without its broken parts; "" stands for those."""

    repo: str = ""
    compose: str = ""


class _SoundSites(SitesText):
    """What is left of sites.yaml without its broken parts; "" and {} stand for those."""

    version: int = 1  # type: ignore[assignment]
    managed_prefix: str = ""
    coordinator: str = ""
    repos: dict[RepoName, RepoText] = Field(default_factory=dict)
    sites: dict[SiteName, SiteText] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFile:
    """One file of the stacks folder; `text` is None where the file as a whole is of no use.

    What could not be used of it is left out of `text`: "" where a word is required.
    """

    document: Document
    text: StackText | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One stack at one site, and the place in sites.yaml that says so."""

    unit: Unit
    text: UnitText
    trail: Trail


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the files say. Broken sites and repositories are known by name only.

    `stacks` is None where the folder of stack files could not be listed.
    """

    document: Document
    sites: SitesText
    stacks: Mapping[str, StackFile] | None
    declarations: tuple[Declaration, ...]
    """Every unit of every site that could be read, in the order of the file."""

    @property
    def stack_texts(self) -> Mapping[str, StackText]:
        """The stack files that could be read, by stack."""
        files = self.stacks or {}
        return {name: file.text for name, file in files.items() if file.text}

    def known(self, part: str) -> frozenset[str]:
        """Return the names in `sites` or `repos`, broken entries included."""
        data = self.document.data
        named = data.get(part) if isinstance(data, dict) else None
        return frozenset(named) if isinstance(named, dict) else frozenset()

    def whole(self, part: str) -> bool:
        """Whether all of `sites` or `repos` could be read, so that what is absent is absent."""
        lost = any(trail[:1] in ((), (part,)) for trail in self.document.incomplete)
        readable = self.sites.sites if part == "sites" else self.sites.repos
        return bool(readable) and not lost and self.known(part) == frozenset(readable)


def declarations_of(sites: SitesText) -> tuple[Declaration, ...]:
    """Return every unit that `sites` declares, in the order of the file."""
    return tuple(found for name, site in sites.sites.items() for found in _of_site(name, site))


def _of_site(name: str, site: SiteText) -> Iterator[Declaration]:
    trail: Trail = ("sites", name, "stacks")
    if isinstance(site.stacks, list):
        for index, stack in enumerate(site.stacks):
            yield Declaration(unit=Unit(stack, name), text=_PLAIN, trail=(*trail, index))
        return
    for stack, text in site.stacks.items():
        yield Declaration(unit=Unit(stack, name), text=text or _PLAIN, trail=(*trail, stack))


def parse_sites(document: Document) -> tuple[SitesText, list[Problem]]:
    """Return what can be used of sites.yaml, and what is wrong with its shape."""
    shape = _shape_problems(document, SitesText)
    if shape or not isinstance(document.data, dict):
        return _SoundSites(), shape
    try:
        return SitesText.model_validate(document.data), []
    except ValidationError as error:
        found = diagnostics.problems(error, document, SitesText)
        return _SoundSites.model_validate(_without(document.data, error)), found


def parse_stack(document: Document) -> tuple[StackFile, list[Problem]]:
    """Return a stack file, and what is wrong with its shape."""
    shape = _shape_problems(document, StackText)
    if shape or not isinstance(document.data, dict):
        return StackFile(document=document, text=None), shape
    try:
        text = StackText.model_validate(document.data)
    except ValidationError as error:
        found = diagnostics.problems(error, document, StackText)
        sound = _SoundStack.model_validate(_without(document.data, error))
        return StackFile(document=document, text=sound), found
    return StackFile(document=document, text=text), []


def _shape_problems(document: Document, root: type[Text]) -> list[Problem]:
    """Return why the document as a whole cannot be used, if so."""
    if not document.usable:
        return list(document.problems)
    needed = ", ".join(name for name, key in root.model_fields.items() if key.is_required())
    fix = f"write `key: value` lines from the beginning of the line; needed are {needed}"
    if document.data is None:
        where = Where(file=document.file, line=1, column=1)
        return [complaint("empty", "the file holds nothing", where, fix=fix)]
    if not isinstance(document.data, dict):
        what = "the file must be a mapping of keys to values"
        return [complaint("wrong-type", what, document.at(()), fix=fix)]
    return []


def _without(data: Mapping[str, Data], error: ValidationError) -> dict[str, Data]:
    """Return `data` without the top-level keys, sites and repositories that `error` names."""
    broken = {_part(details["loc"]) for details in error.errors()}
    sound = {key: value for key, value in data.items() if (key,) not in broken}
    for part in _NAMED_PARTS:
        entries = sound.get(part)
        if isinstance(entries, dict):
            sound[part] = {k: v for k, v in entries.items() if (part, k) not in broken}
    return sound


def _part(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    return loc[:2] if loc[0] in _NAMED_PARTS else loc[:1]
