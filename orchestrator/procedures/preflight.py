"""Preflight of a site: find out everything, change nothing, report all that is wrong at once."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from orchestrator.errors import ExitCode, Problem, Retry
from orchestrator.fleet.desired import DesiredStack
from orchestrator.fleet.observed import Look, Sight, Unseen
from orchestrator.fleet.unit import Unit
from orchestrator.planning.lost import counted, must_be_gone
from orchestrator.planning.plan import Action, Command, Step, StepKind
from orchestrator.procedures.asking import Asking, ask_examine, ask_in_time
from orchestrator.procedures.book import Book
from orchestrator.procedures.copies import copies_at, former_release
from orchestrator.procedures.deploy import dependency_blockers, deploy_effect
from orchestrator.procedures.effects import (
    Answer,
    Done,
    Examine,
    Failed,
    Procedure,
    Result,
    ShipRelease,
)
from orchestrator.procedures.findings import refused_deploy
from orchestrator.procedures.fitness import Wanted, judge_sight, judge_site
from orchestrator.procedures.guards import (
    direct_dependencies,
    removal_guard,
    unhealthy_dependency,
)
from orchestrator.procedures.ports import Wish
from orchestrator.procedures.pull_images import pull_images, unprepared

_MAY_LEAVE_OUT = (Command.RESTART, Command.UP, Command.DOWN, Command.DEPLOY)
"""The commands that take --without."""


def examine(book: Book, step: Step) -> Procedure:
    """Examine `step.site` and judge it against what the plan wants there.

    Ends in Failed with every problem found; nothing at the site was changed either way.
    """
    wanted = _wanted(book, step.site)
    answer = yield from ask_examine(
        Examine(
            site=step.site,
            images=wanted.images,
            requires=wanted.requires,
            ports=tuple(sorted({wish.port.port for wish in wanted.ports})),
        )
    )
    if isinstance(answer, Unseen):
        return Failed(problems=(_or_without(book, answer),))
    problems = list(judge_site(_through(book, wanted, answer.sight), answer))
    problems += yield from _unmet_dependencies(book, step.site)
    return Failed(problems=tuple(problems)) if problems else Done(words="passed")


def foreseen(book: Book, looks: Mapping[str, Look]) -> tuple[Problem, ...]:
    """Return what preflight would refuse the plan for, as far as the looks tell that it rests on.

    What a site has to be asked for besides (images, ports, room, probes) is for preflight alone.
    """
    seen = counted(book.plan, looks)
    sites = [step.site for step in book.plan.steps if step.kind is StepKind.EXAMINE]
    return tuple(problem for site in sites for problem in _foreseen_at(book, site, seen))


def _foreseen_at(book: Book, site: str, looks: Mapping[str, Look]) -> Iterator[Problem]:
    look = looks[site]
    if isinstance(look, Unseen):
        yield _or_without(book, look)
        return
    yield from judge_sight(_through(book, _wanted(book, site), look), look)
    for unit in book.deployed_at(site):
        words = {u: unhealthy_dependency(book, u, looks[u.site]) for u in _not_ours(book, unit)}
        if blockers := {other: said for other, said in words.items() if said}:
            yield refused_deploy(book, unit, blockers)


def _through(book: Book, wanted: Wanted, sight: Sight) -> Wanted:
    """Let what is advised be typed at the manager that answers."""
    return replace(wanted, ssh=book.inventory.site(sight.site).ssh(sight.via))


def _or_without(book: Book, unseen: Unseen) -> Problem:
    """Add how to go on without a site that cannot be seen; nothing goes on without the lock's."""
    site = unseen.site
    if site == book.inventory.coordinator or book.plan.command not in _MAY_LEAVE_OUT:
        return unseen.problem
    way = f"or go on without it: add --without {site} --because TEXT"
    fix = f"{unseen.problem.fix}\n{way}".lstrip()
    return replace(unseen.problem, fix=fix, retry=Retry(adds=(("--without", site),)))


def prepare(book: Book, step: Step) -> Procedure:
    """Ship the site's releases, have them read there, and pull its images wherever they may run.

    Copies of releases that would lie at one manager alone are left at another one as well.
    What runs is not touched.
    """
    for unit in book.deployed_at(step.site):
        deploy = deploy_effect(book, unit)
        former = former_release(book.plan.unit(unit))
        ship = ShipRelease(site=step.site, release=deploy.release, deploy=deploy, former=former)
        answer = yield from ask_in_time(ship)
        if answer.result is not Result.OK and not _is_refused(answer):
            # Shipping is whole or not at all and checked by hash, so once more is safe.
            answer = yield from ask_in_time(ship)
        if answer.result is not Result.OK:
            return Failed(problems=(unprepared(step.site, answer),))
    for release in copies_at(book, step.site):
        # A spare one: the run does not fail for it.
        yield from ask_in_time(ShipRelease(site=step.site, release=release))
    return (yield from pull_images(book, step))


def _is_refused(answer: Answer) -> bool:
    """Whether the manager's docker command does not take the compose file."""
    return answer.problem is not None and answer.problem.exit_code is ExitCode.SOURCE_FAILED


def _wanted(book: Book, site: str) -> Wanted:
    deployed = book.deployed_at(site)
    acted = book.acted_at(site)
    requires = [probe for unit in deployed for probe in book.inventory.spec(unit).requires]
    return Wanted(
        site=site,
        limits=book.limits,
        acted=acted,
        desired=_desired(book, site),
        in_place=frozenset(item.unit for item in book.plan.units if item.action is Action.UPDATE),
        images=_images(book, site),
        requires=tuple(dict.fromkeys(requires)),
        ports=tuple(
            Wish(port, str(unit))
            for unit in deployed
            for service in book.sourced[unit].desired.services
            for port in service.ports
        ),
        declared=book.declared_at(site) if _strays_matter(book, site) else None,
        ownership=book.inventory.ownership,
        must_be_gone=_watched_dependents(book, site),
        command=book.plan.command,
        removed=frozenset(unit.stack for unit in _removed(book) if unit.site == site),
        ours=book.declared_at(site),
        uses=book.inventory.uses,
        goes=must_be_gone(book.inventory, book.plan, without=_left_out(book)),
    )


def _left_out(book: Book) -> frozenset[str]:
    return frozenset(item.unit.site for item in book.plan.left_out)


def _strays_matter(book: Book, site: str) -> bool:
    """Tell whether an undeclared stack at `site` would be in the way of a removal."""
    if book.plan.command is Command.UP:
        return False
    return any(site in removal_guard(book, unit).sites for unit in _removed(book))


def _watched_dependents(book: Book, site: str) -> tuple[Unit, ...]:
    """Return the units at `site` that block a removal and that this run will not remove."""
    removed = set(_removed(book))
    blockers = {other for unit in removed for other in removal_guard(book, unit).dependents}
    return tuple(sorted(unit for unit in blockers - removed if unit.site == site))


def _removed(book: Book) -> tuple[Unit, ...]:
    return tuple(planned.unit for planned in book.plan.units if planned.action.removes)


def _images(book: Book, site: str) -> tuple[str, ...]:
    if book.prepared:
        # They have been pulled: no registry is needed any more.
        return ()
    images = (image for stack in _desired(book, site) for image in stack.images)
    return tuple(dict.fromkeys(images))


def _desired(book: Book, site: str) -> tuple[DesiredStack, ...]:
    return tuple(map(book.desired, book.deployed_at(site)))


def _not_ours(book: Book, unit: Unit) -> list[Unit]:
    """Return what `unit` depends on and this run does not bring up."""
    return [other for other in direct_dependencies(book, unit) if other not in book.sourced]


def _unmet_dependencies(book: Book, site: str) -> Asking[list[Problem]]:
    """Find dependencies that this run does not bring up and that are not healthy now.

    Asked at the site of the unit, so that it is reported before anything goes down.
    """
    problems = []
    for unit in book.deployed_at(site):
        blockers = yield from dependency_blockers(book, _not_ours(book, unit))
        if blockers:
            problems.append(refused_deploy(book, unit, blockers))
    return problems
