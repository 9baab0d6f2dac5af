"""Preflight of a site: find out everything, change nothing, report all that is wrong at once."""

from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.observed import Unseen
from orchestrator.fleet.unit import Unit
from orchestrator.planning.lost import must_be_gone
from orchestrator.planning.pinning import as_pinned
from orchestrator.planning.plan import Command, Step
from orchestrator.procedures.asking import Asking, ask_examine, ask_mutate
from orchestrator.procedures.book import Book
from orchestrator.procedures.deploy import dependency_blockers, deploy_effect
from orchestrator.procedures.effects import (
    Answer,
    Done,
    Examine,
    Failed,
    Procedure,
    PullImages,
    Result,
    ShipRelease,
)
from orchestrator.procedures.findings import not_prepared, refused_deploy
from orchestrator.procedures.fitness import Wanted, judge_site
from orchestrator.procedures.guards import direct_dependencies, removal_guard
from orchestrator.procedures.ports import Wish

_LATE_TRIES = 3


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
    """Ship the site's releases, have them read there, and pull its images.

    What runs is not touched.
    """
    for unit in book.deployed_at(step.site):
        deploy = deploy_effect(book, unit)
        ship = ShipRelease(site=step.site, release=deploy.release, deploy=deploy)
        answer = yield from _in_time(ship)
        if answer.result is not Result.OK and not _is_refused(answer):
            # Shipping is whole or not at all and checked by hash, so once more is safe.
            answer = yield from _in_time(ship)
        if answer.result is not Result.OK:
            return _unprepared(step.site, answer)
    images = _images(book, step.site)
    if images:
        answer = yield from _in_time(PullImages(site=step.site, images=images))
        if answer.result is not Result.OK:
            return _unprepared(step.site, answer)
    return Done(words=f"{len(images)} images in place")


def _is_refused(answer: Answer) -> bool:
    """Whether the manager's docker command does not take the compose file."""
    return answer.problem is not None and answer.problem.exit_code is ExitCode.SOURCE_FAILED


def _in_time(effect: ShipRelease | PullImages) -> Asking[Answer]:
    """Perform `effect`; what could not begin in time, and so did nothing, is tried again."""
    answer = yield from ask_mutate(effect)
    for _ in range(_LATE_TRIES - 1):
        if answer.result is not Result.LATE:
            break
        answer = yield from ask_mutate(effect)
    return answer


def _unprepared(site: str, answer: Answer) -> Failed:
    return Failed(problems=(answer.problem or not_prepared(site, answer.words),))


def _wanted(book: Book, site: str) -> Wanted:
    deployed = book.deployed_at(site)
    acted = book.acted_at(site)
    requires = [probe for unit in deployed for probe in book.inventory.spec(unit).requires]
    return Wanted(
        site=site,
        limits=book.limits,
        acted=acted,
        desired=tuple(book.sourced[unit].desired for unit in deployed),
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
    """Return the images that are deployed at `site`, pinned where the plan pins them."""
    planned = {item.unit: item.images for item in book.plan.units}
    stacks = (
        as_pinned(book.sourced[unit].desired, planned[unit]) for unit in book.deployed_at(site)
    )
    return tuple(dict.fromkeys(image for stack in stacks for image in stack.images))


def _unmet_dependencies(book: Book, site: str) -> Asking[list[Problem]]:
    """Find dependencies that this run does not bring up and that are not healthy now.

    Asked at the site of the unit, so that it is reported before anything goes down.
    """
    problems = []
    for unit in book.deployed_at(site):
        if all(below in book.sourced for below in direct_dependencies(book, unit)):
            continue
        blockers = yield from dependency_blockers(book, unit)
        if blockers:
            problems.append(refused_deploy(unit, blockers))
    return problems
