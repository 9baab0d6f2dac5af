"""Preflight of a site: find out everything, change nothing, report all that is wrong at once."""

from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.desired import DesiredStack
from orchestrator.fleet.observed import Unseen
from orchestrator.fleet.unit import Unit
from orchestrator.planning.lost import must_be_gone
from orchestrator.planning.plan import Action, Command, Step
from orchestrator.procedures.asking import Asking, ask_examine, ask_in_time
from orchestrator.procedures.book import Book
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
from orchestrator.procedures.fitness import Wanted, judge_site
from orchestrator.procedures.guards import direct_dependencies, lacks, removal_guard
from orchestrator.procedures.ports import Wish
from orchestrator.procedures.pull_images import pull_images, unprepared


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
        return Failed(problems=(answer.problem,))
    problems = list(judge_site(wanted, answer))
    problems += yield from _unmet_dependencies(book, step.site)
    return Failed(problems=tuple(problems)) if problems else Done(words="passed")


def prepare(book: Book, step: Step) -> Procedure:
    """Ship the site's releases, have them read there, and pull its images wherever they may run.

    What runs is not touched.
    """
    for unit in book.deployed_at(step.site):
        deploy = deploy_effect(book, unit)
        ship = ShipRelease(site=step.site, release=deploy.release, deploy=deploy)
        answer = yield from ask_in_time(ship)
        if answer.result is not Result.OK and not _is_refused(answer):
            # Shipping is whole or not at all and checked by hash, so once more is safe.
            answer = yield from ask_in_time(ship)
        if answer.result is not Result.OK:
            return Failed(problems=(unprepared(step.site, answer),))
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
        managed_prefix=book.inventory.managed_prefix,
        must_be_gone=_watched_dependents(book, site),
        command=book.plan.command,
        removed=frozenset(unit.stack for unit in _removed(book) if unit.site == site),
        ours=book.declared_at(site),
        uses=book.inventory.uses,
        goes=must_be_gone(book.inventory, book.plan, without=_left_out(book)),
        ssh=book.inventory.site(site).manager.target,
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
    images = (image for stack in _desired(book, site) for image in stack.images)
    return tuple(dict.fromkeys(images))


def _desired(book: Book, site: str) -> tuple[DesiredStack, ...]:
    return tuple(map(book.desired, book.deployed_at(site)))


def _unmet_dependencies(book: Book, site: str) -> Asking[list[Problem]]:
    """Find dependencies that this run does not bring up and that are not healthy now.

    Asked at the site of the unit, so that it is reported before anything goes down.
    """
    problems = []
    for unit in book.deployed_at(site):
        others = [unit for unit in direct_dependencies(book, unit) if unit not in book.sourced]
        blockers: tuple[str, ...] = ()
        down: tuple[Unit, ...] = ()
        for other in others:
            words = yield from dependency_blockers(book, (other,))
            blockers += words
            down += (other,) if any(lacks(other) in said for said in words) else ()
        if blockers:
            problems.append(refused_deploy(unit, blockers, down))
    return problems
