"""Do the names in sites.yaml fit together? One function a question."""

import re
from collections.abc import Iterator

from orchestrator.errors import Problem
from orchestrator.fleet.ownership import Ownership
from orchestrator.inventory.declared import Declaration, Declared
from orchestrator.inventory.document import Trail, complaint
from orchestrator.inventory.placeholders import RESERVED
from orchestrator.inventory.quoting import quoted, suggestion
from orchestrator.inventory.schema import ManagerText, OnceText, managers_of

_SECRET = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY)$", re.IGNORECASE)


def sites_problems(declared: Declared) -> Iterator[Problem]:
    """Yield what is wrong between the parts of sites.yaml, and with its use of stack files."""
    yield from _coordinator(declared)
    yield from _hosts(declared)
    yield from _groups(declared)
    yield from _listed_twice(declared)
    yield from _differing_in_case(declared)
    yield from _ignored(declared)
    yield from _stack_files(declared)
    yield from _both_kinds_of_variable(declared)
    yield from _backward_freezes(declared)
    yield from _guards_alike(declared)


def sites_warnings(declared: Declared) -> Iterator[Problem]:
    """Yield what is no error but hardly meant."""
    used = {text.repo for text in declared.stack_texts.values()}
    for name in declared.sites.repos:
        if name not in used:
            where = declared.document.at_key(("repos", name))
            what = f"no stack comes from repository {quoted(name)}"
            yield complaint("unused-repo", what, where, fix="delete it if it is not needed")
    listed = {declaration.unit.stack for declaration in declared.declarations}
    for name, file in (declared.stacks or {}).items():
        if name not in listed:
            where = file.document.at(())
            fix = f"list {name} in the stacks of a site in sites.yaml, or delete the file"
            yield complaint("unused-stack", f"no site lists {quoted(name)}", where, fix=fix)
    yield from _plain_secrets(declared)


def _coordinator(declared: Declared) -> Iterator[Problem]:
    name, where = declared.sites.coordinator, declared.document.at(("coordinator",))
    known = declared.known("sites")
    if name and name not in known and declared.whole("sites"):
        what = f"coordinator: there is no site {quoted(name)}"
        yield complaint("unknown-site", what, where, fix=suggestion(name, known))
    site = declared.sites.sites.get(name)
    if site and site.state != "active":
        what = f"coordinator: {name} is {site.state}, and the lock needs an active site"
        active = [n for n, s in declared.sites.sites.items() if s.state == "active"]
        fix = f"name an active site ({', '.join(active) or 'there is none'}), or make {name} active"
        yield complaint("coordinator-not-active", what, where, fix=fix)


def _backward_freezes(declared: Declared) -> Iterator[Problem]:
    for index, freeze in enumerate(declared.sites.freeze):
        if isinstance(freeze, OnceText) and freeze.ends <= freeze.begins:
            what = f"until: {quoted(freeze.ends)} is not after {quoted(freeze.begins)}"
            where = declared.document.at(("freeze", index, "until"))
            yield complaint("backward-freeze", what, where, fix="write a later time")


def _guards_alike(declared: Declared) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, guard in enumerate(declared.sites.guard):
        if guard.name in seen:
            what = f"two guards are called {quoted(guard.name)}"
            where = declared.document.at(("guard", index, "name"))
            yield complaint("duplicate-guard", what, where, fix="give one of them another name")
        seen.add(guard.name)


def _hosts(declared: Declared) -> Iterator[Problem]:
    seen: dict[tuple[str, int], str] = {}
    for name, site in declared.sites.sites.items():
        mine: set[tuple[str, int]] = set()
        for index, manager in enumerate(managers_of(site)):
            trail: Trail = ("sites", name, "manager")
            listed = (index,) if isinstance(site.manager, list) else ()
            where = declared.document.at((*trail, *listed))
            address = _address(manager)
            first = seen.setdefault(address, name)
            if first != name:
                what = f"sites {first} and {name} have the same manager {quoted(address[0])}"
                fix = "a Swarm belongs to one site: correct the host, or join the two sites"
                yield complaint("duplicate-host", what, where, fix=fix)
            elif address in mine:
                what = f"site {name} names the manager {quoted(address[0])} twice"
                yield complaint("duplicate-host", what, where, fix="name it once")
            mine.add(address)


def _address(manager: str | ManagerText) -> tuple[str, int]:
    if isinstance(manager, str):
        return manager.lower(), 0
    return manager.host.lower(), manager.port


def _groups(declared: Declared) -> Iterator[Problem]:
    for name, site in declared.sites.sites.items():
        for index, group in enumerate(site.groups):
            trail: Trail = ("sites", name, "groups", index)
            if group in RESERVED:
                what = f"{quoted('{' + group + '}')} has a meaning of its own: no name for a group"
                fix = "choose another word for the group"
                yield complaint("reserved-name", what, declared.document.at(trail), fix=fix)
            if group in site.groups[:index]:
                what = f"group {quoted(group)} is listed twice"
                where = declared.document.at(trail)
                yield complaint("duplicate-entry", what, where, fix="delete one of the two")


def _listed_twice(declared: Declared) -> Iterator[Problem]:
    seen: set[str] = set()
    for declaration in declared.declarations:
        if str(declaration.unit) in seen:
            what = f"{declaration.unit.stack} is listed twice at {declaration.unit.site}"
            where = declared.document.at_key(declaration.trail)
            yield complaint("duplicate-unit", what, where, fix="delete one of the two")
        seen.add(str(declaration.unit))


def _first_uses(declared: Declared) -> Iterator[Declaration]:
    """Yield the first declaration of each stack: what is wrong with its name is said once."""
    seen: set[str] = set()
    for declaration in declared.declarations:
        if declaration.unit.stack not in seen:
            seen.add(declaration.unit.stack)
            yield declaration


def _differing_in_case(declared: Declared) -> Iterator[Problem]:
    """Docker takes names of services that differ in case alone for the same (swarmkit store)."""
    seen: dict[str, str] = {}
    for declaration in _first_uses(declared):
        stack = declaration.unit.stack
        other = seen.setdefault(stack.lower(), stack)
        if other != stack:
            what = f"{quoted(stack)} and {quoted(other)} are the same name to Docker"
            where = declared.document.at_key(declaration.trail)
            yield complaint("same-name", what, where, fix="give one of the two another name")


def _ignored(declared: Declared) -> Iterator[Problem]:
    ownership = Ownership(ignored=tuple(declared.sites.ignore))
    for declaration in _first_uses(declared):
        stack = declaration.unit.stack
        if ownership.ignores(stack):
            what = f"{quoted(stack)} is declared, and `ignore` says that it is not ours"
            where = declared.document.at_key(declaration.trail)
            fix = f"take {quoted(stack)} out of one of the two"
            yield complaint("ignored-stack", what, where, fix=fix)


def _stack_files(declared: Declared) -> Iterator[Problem]:
    if declared.stacks is None:
        return
    for declaration in _first_uses(declared):
        stack = declaration.unit.stack
        if stack not in declared.stacks:
            folder = declared.sites.stacks.rstrip("/")
            what = f"there is no file {folder}/{stack}.yaml for stack {quoted(stack)}"
            where = declared.document.at_key(declaration.trail)
            own = f"write {folder}/{stack}.yaml"
            guess = suggestion(stack, declared.stacks)
            fix = f"{guess}; or {own}" if guess else own
            yield complaint("unknown-stack", what, where, fix=fix)


def _both_kinds_of_variable(declared: Declared) -> Iterator[Problem]:
    for declaration in declared.declarations:
        secret = declaration.text.secret_variables
        for index, name in enumerate(secret):
            trail = (*declaration.trail, "secret_variables", index)
            if name in declaration.text.variables:
                what = f"{quoted(name)} is among the variables as well"
                fix = "keep it here if its value is a secret, else in variables"
                yield complaint("duplicate-entry", what, declared.document.at(trail), fix=fix)
            if name in secret[:index]:
                what = f"{quoted(name)} is listed twice"
                where = declared.document.at(trail)
                yield complaint("duplicate-entry", what, where, fix="delete one of the two")


def _plain_secrets(declared: Declared) -> Iterator[Problem]:
    for declaration in declared.declarations:
        for name in declaration.text.variables:
            if _SECRET.search(name):
                where = declared.document.at_key((*declaration.trail, "variables", name))
                what = f"{quoted(name)} looks like a secret in plain text"
                fix = f"delete it here, add {name} to secret_variables and export its value"
                yield complaint("plain-secret", what, where, fix=fix)
