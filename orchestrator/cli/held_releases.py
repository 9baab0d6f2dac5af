"""What an unfinished run needs of its commits: from the managers that hold it, else from git."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace

from orchestrator.cli.planning import contacted
from orchestrator.cli.wiring import World
from orchestrator.engine.held_releases import Recalled, Wanted, recall
from orchestrator.engine.record import RunRecord
from orchestrator.engine.session import Sources
from orchestrator.errors import ExitCode, Problem, SourceError, Where
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.planning.plan import Plan
from orchestrator.planning.restoring import formers
from orchestrator.sources.model import Release, Sourced

_SAID = 6


def planned_sources(world: World, record: RunRecord) -> Sources:
    """Return what a run's plan deploys (SourceError)."""
    deployed = [i for i in record.plan.units if i.after is not None and i.action.deploys]
    revisions = {item.unit: item.after for item in deployed if item.after is not None}
    return read_held(world, revisions, {item.unit: item.release for item in deployed})


def former_sources(world: World, plan: Plan) -> Sources:
    """Return what ran before a plan was carried out, where that is known (SourceError)."""
    known = formers(world.inventory, plan)
    return read_held(world, known.revisions, known.releases)


def read_held(
    world: World, revisions: Mapping[Unit, Revision], digests: Mapping[Unit, str]
) -> Sources:
    """Return desired state and release of units, each at its own revision.

    Managers are asked first: what they hold needs no git server, and is checked by its hash. Git
    is asked for what no manager holds, or of which no hash was written down.

    Args:
        world: what it is read with.
        revisions: of each unit.
        digests: the hashes of the releases, where they are known.

    Raises:
        SourceError: neither has it, both differ, or it cannot be used here: a secret variable is
            not in the environment.

    """
    wanted = [
        Wanted(unit=unit, revision=revision, digest=digests[unit])
        for unit, revision in revisions.items()
        if digests.get(unit)
    ]
    found = recall(world.backend, wanted, contacted(world.inventory), world.reaches)
    if found.damaged:
        world.talk.problems(found.damaged)
    held = world.checkout.read_released(
        _release(world, item, found) for item in wanted if item.digest in found.files
    )
    rest = {unit: revision for unit, revision in revisions.items() if unit not in held}
    return {**held, **_from_git(world, rest, digests, found)} if rest else held


def _release(world: World, item: Wanted, found: Recalled) -> Release:
    return Release(
        unit=item.unit,
        revision=item.revision,
        name=item.name,
        digest=item.digest,
        compose=posixpath.normpath(world.inventory.spec(item.unit).compose),
        files=found.files[item.digest],
    )


def _from_git(
    world: World, rest: Mapping[Unit, Revision], digests: Mapping[Unit, str], found: Recalled
) -> Sources:
    try:
        read = world.checkout.read_at(rest)
    except SourceError as error:
        said = tuple(_said(rest, digests, found))
        raise SourceError(_lost(problem, said) for problem in error.problems) from error
    wrong = {u: s for u, s in read.items() if digests.get(u) not in (None, "", s.release.digest)}
    if wrong:
        raise SourceError(_differs(unit, source, digests[unit]) for unit, source in wrong.items())
    return read


def _said(
    rest: Mapping[Unit, Revision], digests: Mapping[Unit, str], found: Recalled
) -> Iterator[str]:
    """Say where the files were looked for in vain."""
    lines = dict.fromkeys(
        line for unit in rest for line in found.missing.get(digests.get(unit, ""), ())
    )
    yield from list(lines)[:_SAID]


def _lost(problem: Problem, said: tuple[str, ...]) -> Problem:
    if not said:
        return problem
    fix = f"{problem.fix}; or bring back a manager that held it"
    return replace(problem, evidence=(*problem.evidence, *said), fix=fix)


def _differs(unit: Unit, source: Sourced, digest: str) -> Problem:
    return Problem(
        code="release.differs",
        what=f"the files of {unit} that git has at {source.release.revision} are not those that"
        " were deployed",
        exit_code=ExitCode.SOURCE_FAILED,
        where=Where(site=unit.site, stack=unit.stack),
        evidence=(
            f"their hash is {source.release.digest}, and {digest} was written down",
            "no manager that can be reached holds the files with that hash",
        ),
        fix="use the dtdeploy that began it: another version may ship other files; or bring back"
        f" the manager of {unit.site}",
        state_left="nothing was touched by this command",
        runbook="run-stopped-half-way",
    )
