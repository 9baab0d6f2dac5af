"""Do the names in a stack file fit sites.yaml? One function a question."""

from collections.abc import Iterator, Mapping, Sequence

from orchestrator.errors import Problem
from orchestrator.inventory import placeholders
from orchestrator.inventory.declared import Declared
from orchestrator.inventory.document import Document, complaint
from orchestrator.inventory.placeholders import COORDINATOR, SITE
from orchestrator.inventory.quoting import quoted, suggestion
from orchestrator.inventory.schema import StackText

# swarmkit manager/controlapi/common.go: a name must be a DNS label, so 63 characters.
LONGEST_SERVICE_NAME = 63


def stack_problems(declared: Declared) -> Iterator[Problem]:
    """Yield what is wrong with each stack file in the light of sites.yaml."""
    for name, file in (declared.stacks or {}).items():
        if file.text:
            yield from _repo(declared, file.document, file.text)
            yield from _dependency_names(declared, file.document, file.text)
            yield from _services(declared, name, file.document, file.text)
            yield from _entries_twice(file.document, file.text)


def members(declared: Declared) -> Mapping[str, tuple[str, ...]]:
    """Return what each placeholder stands for in `services`: site names, planned ones left out."""
    expected = {n: s for n, s in declared.sites.sites.items() if s.state != "planned"}
    lists: dict[str, tuple[str, ...]] = {
        group: () for site in declared.sites.sites.values() for group in site.groups
    }
    for name, site in expected.items():
        for group in dict.fromkeys(site.groups):
            lists[group] = (*lists[group], name)
    return lists | {SITE: tuple(expected), COORDINATOR: (declared.sites.coordinator,)}


def _repo(declared: Declared, document: Document, text: StackText) -> Iterator[Problem]:
    known = declared.known("repos")
    if text.repo and text.repo not in known and declared.whole("repos"):
        what = f"repo: sites.yaml has no repository {quoted(text.repo)}"
        fix = suggestion(text.repo, known)
        yield complaint("unknown-repo", what, document.at(("repo",)), fix=fix)


def _dependency_names(declared: Declared, document: Document, text: StackText) -> Iterator[Problem]:
    sites = declared.known("sites")
    certain = declared.whole("sites")
    for index, dependency in enumerate(text.depends_on):
        stack, site = dependency.split("@")
        where = document.at(("depends_on", index))
        if stack not in (declared.stacks or {}):
            what = f"depends_on: there is no stack {quoted(stack)}"
            fix = suggestion(stack, declared.stacks or {})
            yield complaint("unknown-stack", what, where, fix=fix)
        if certain and not site.startswith("{") and site not in sites:
            what = f"depends_on: there is no site {quoted(site)}"
            yield complaint("unknown-site", what, where, fix=suggestion(site, sites))


def _services(
    declared: Declared, name: str, document: Document, text: StackText
) -> Iterator[Problem]:
    if not declared.whole("sites"):
        return  # the broken site may be the one in the group
    lists = members(declared)
    named = [("services", *item) for item in enumerate(text.services)]
    named += [("finishes", *item) for item in enumerate(text.finishes)]
    for key, index, service in named:
        where = document.at((key, index))
        unknown = [word for word in placeholders.names(service) if word not in lists]
        if unknown:
            what = f"{key}: no site is in a group {quoted(unknown[0])}"
            fix = suggestion(unknown[0], lists)
            yield complaint("bad-placeholder", what, where, fix=fix)
            continue
        names = [f"{name}_{short}" for short in placeholders.each(service, lists)]
        longest = max(names, key=len, default="")
        if len(longest) > LONGEST_SERVICE_NAME:
            what = f"{key}: {quoted(longest)} has {len(longest)} characters"
            fix = f"Docker allows {LONGEST_SERVICE_NAME}: shorten it in the compose file and here"
            yield complaint("bad-service", what, where, fix=fix)


def _entries_twice(document: Document, text: StackText) -> Iterator[Problem]:
    for key in ("depends_on", "services", "finishes"):
        entries: list[str] = getattr(text, key)
        for index in _repeated(entries):
            what = f"{key}: {quoted(entries[index])} is listed twice"
            where = document.at((key, index))
            yield complaint("duplicate-entry", what, where, fix="delete one of the two")


def _repeated(entries: Sequence[str]) -> list[int]:
    return [index for index, entry in enumerate(entries) if entry in entries[:index]]
