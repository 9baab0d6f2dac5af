"""From the inventory and pinned revisions to what each unit should run."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from orchestrator.errors import ExitCode, Problem, SourceError, Where
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory, UnitSpec
from orchestrator.sources.commit import commit_files
from orchestrator.sources.compose import compose
from orchestrator.sources.declared_facts import with_facts
from orchestrator.sources.findings import RUNBOOK, Findings
from orchestrator.sources.interpolate import Variables
from orchestrator.sources.model import Reference, Release, Sourced
from orchestrator.sources.references import encrypted, gather
from orchestrator.sources.release import MAX_BYTES, build, release_files
from orchestrator.sources.released_files import ReleasedFiles
from orchestrator.sources.remarks import remarks
from orchestrator.sources.tree import Entry, Files, Lost, joined, locate


def source_units(
    inventory: Inventory,
    units: Sequence[Unit],
    mirrors: Mapping[str, Path],
    pins: Mapping[str, Revision],
    environment_values: Mapping[str, str],
) -> dict[Unit, Sourced]:
    """Read what every unit should run, each repository at its one pinned commit.

    Args:
        inventory: declares the units.
        units: those to read.
        mirrors: the mirror of each repository, by its name.
        pins: the revision of each repository, by its name.
        environment_values: the operator's environment. Of the secret variables in it the values
            become part of the services' facts, which are compared and shown to nobody.

    Returns:
        Desired state and release of each unit, in the order asked.

    Raises:
        SourceError: with all problems of all units. Their exit codes are 14 for what git or a
            compose file holds, an interpolated variable that has no value included: as it
            stands, the file cannot be deployed. 3 for a compose path that no repository could
            have. 64 for a secret variable that is declared and used but not in the operator's
            environment.

    """
    specs = [inventory.spec(unit) for unit in units]
    read: dict[Unit, Sourced] = {}
    problems: list[Problem] = []
    for repo in dict.fromkeys(spec.repo for spec in specs):
        try:
            with commit_files(mirrors[repo], pins[repo]) as files:
                for spec in (spec for spec in specs if spec.repo == repo):
                    outcome = _source(spec, pins[repo], files, environment_values)
                    if isinstance(outcome, Sourced):
                        read[spec.unit] = outcome
                    else:
                        problems.extend(outcome)
        except SourceError as error:
            problems.extend(error.problems)
    if problems:
        raise SourceError(dict.fromkeys(problems))
    return {unit: read[unit] for unit in units}


def source_releases(
    inventory: Inventory, releases: Sequence[Release], environment_values: Mapping[str, str]
) -> dict[Unit, Sourced]:
    """Read what units should run from the files of their releases, as from their commits.

    Args:
        inventory: declares the units.
        releases: of each unit one, checked by its hash.
        environment_values: as for `source_units`.

    Raises:
        SourceError: as `source_units`, but of no repository.

    """
    read: dict[Unit, Sourced] = {}
    problems: list[Problem] = []
    for release in releases:
        spec, files = inventory.spec(release.unit), ReleasedFiles(release.files)
        outcome = _source(spec, release.revision, files, environment_values, release)
        if isinstance(outcome, Sourced):
            read[release.unit] = outcome
        else:
            problems.extend(outcome)
    if problems:
        raise SourceError(dict.fromkeys(problems))
    return read


def _source(
    spec: UnitSpec,
    revision: Revision,
    files: Files,
    environment: Mapping[str, str],
    held: Release | None = None,
) -> Sourced | tuple[Problem, ...]:
    """Read one unit; of a release that is `held` already nothing is built anew."""
    entry = _compose_entry(spec, revision, files)
    if isinstance(entry, Problem):
        return (entry,)
    path = posixpath.normpath(spec.compose)
    composed = compose(
        files.read(entry.path),
        file=f"{spec.repo}:{path}",
        unit=spec.unit,
        variables=_variables(spec, environment),
        declared=spec.position,
    )
    findings = Findings(f"{spec.repo}:{path}", spec.unit, spec.position)
    folder = posixpath.dirname(path)
    referred = gather(composed.references, folder, files, findings)
    chosen, size = release_files(files, folder, {**referred, path: entry})
    if size > MAX_BYTES:
        findings.add(
            "too-large",
            f"the release would have {size} bytes, {MAX_BYTES} is the limit: "
            f"everything in {folder or 'the whole repository'} is shipped",
            fix="keep compose files in a folder of their own",
        )
    if problems := composed.problems + findings.problems:
        return problems
    return Sourced(
        desired=with_facts(
            composed.desired,
            composed.root,
            env_files=_env_files(composed.references, folder, files, referred),
            plain=dict(spec.variables),
            secrets={
                name: environment[name] for name in spec.secret_variables if name in environment
            },
        ),
        release=replace(
            held or build(spec.unit, revision, path, chosen, files),
            holds_secrets=any(reference.kind == "secret" for reference in composed.references),
        ),
        variable_names=composed.variable_names,
        data_digest=_data_digest(composed.references, folder, referred, files),
        remarks=(
            *remarks(composed.root),
            *encrypted(composed.references, folder, files, referred),
        ),
    )


def _env_files(
    references: Sequence[Reference], folder: str, files: Files, referred: Mapping[str, Entry]
) -> dict[str, bytes]:
    paths = [reference.path for reference in references if reference.kind == "env_file"]
    return {path: files.read(referred[joined(folder, path)].path) for path in paths}


def _data_digest(
    references: tuple[Reference, ...], folder: str, referred: Mapping[str, Entry], files: Files
) -> str:
    paths = {joined(folder, r.path) for r in references if r.kind in ("config", "secret")}
    if not paths:
        return ""
    whole = sha256()
    for path in sorted(paths):
        content = files.read(referred[path].path)
        whole.update(f"{path}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()


def _variables(spec: UnitSpec, environment: Mapping[str, str]) -> Variables:
    secret = frozenset(spec.secret_variables)
    present = frozenset(name for name, value in environment.items() if value)
    return Variables(plain=dict(spec.variables), secret=secret, present=secret & present)


def _compose_entry(spec: UnitSpec, revision: Revision, files: Files) -> Entry | Problem:
    path = spec.compose
    if not path or path.startswith(("/", "-")) or ".." in path.split("/") or "\\" in path:
        return _bad_path(spec, "is no path inside a repository")
    found = locate(files, path)
    if isinstance(found, Entry):
        return found
    if found is Lost.FOLDER:
        return _bad_path(spec, found.value)
    return _missing(spec, revision, files, found)


def _bad_path(spec: UnitSpec, why: str) -> Problem:
    return Problem(
        code="source.compose-path",
        what=f"`compose: {spec.compose}` of {spec.unit} {why}",
        exit_code=ExitCode.INVENTORY_INVALID,
        where=_declared(spec),
        fix="give the compose file's path from the repository's root, as in stacks/server.yaml",
        runbook="inventory-invalid",
    )


def _declared(spec: UnitSpec) -> Where:
    file, *place = spec.position.rsplit(":", 2)
    line, column = (int(text) if text.isdecimal() else 0 for text in [*place, "", ""][:2])
    return Where(site=spec.unit.site, stack=spec.unit.stack, file=file, line=line, column=column)


def _missing(spec: UnitSpec, revision: Revision, files: Files, lost: Lost) -> Problem:
    folder = posixpath.dirname(posixpath.normpath(spec.compose))
    names = [child.path for child in files.children(folder) if child.is_file]
    there = f"{folder or 'the root'} holds: {', '.join(names) or 'no files'}"
    site = spec.unit.site
    return Problem(
        code="source.compose-missing",
        what=f"the compose file of {spec.unit}, {spec.compose}, {lost.value} ({revision})",
        exit_code=ExitCode.SOURCE_FAILED,
        where=Where(site=site, stack=spec.unit.stack, file=f"{spec.repo}:{spec.compose}"),
        evidence=(there,),
        fix=(
            f"set `compose:` of {spec.unit.stack} for site {site} ({spec.position}) to a file "
            f"that exists, or make the site watched: `state: watched` under {site} in sites.yaml"
        ),
        runbook=RUNBOOK,
    )
