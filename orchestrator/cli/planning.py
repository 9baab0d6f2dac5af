"""From what was typed to a plan: look at the fleet, fetch the repos, decide."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from orchestrator.cli.differing import compared, digests_of
from orchestrator.cli.pricing import priced
from orchestrator.cli.scoping import scope_by_files
from orchestrator.cli.wiring import World
from orchestrator.engine.gather import look_at
from orchestrator.fleet.observed import Look
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.asked import Asked
from orchestrator.planning.deploying import changed
from orchestrator.planning.lost import with_lost
from orchestrator.planning.pinning import pinned
from orchestrator.planning.plan import Command
from orchestrator.planning.planner import make_plan
from orchestrator.planning.premises import swarms_of
from orchestrator.planning.selection import Request, dependencies, dependents, select
from orchestrator.planning.sharing import seen_uses, with_uses
from orchestrator.procedures.book import Book
from orchestrator.sources.model import Sourced


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A plan as a book, and what was seen and pinned to make it; `images` are digests."""

    book: Book
    looks: Mapping[str, Look]
    pins: Mapping[str, Revision]
    images: Mapping[str, str]


def make_book(world: World, command: Command, request: Request, refs: Mapping[str, str]) -> Book:
    """Plan `command`, see `draw`."""
    return draw(world, Asked(command=command, request=request, refs=refs)).book


def draw(
    world: World,
    asked: Asked,
    check: Callable[[Mapping[str, Revision]], None] = lambda _: None,
    *,
    resolved: Mapping[str, str] | None = None,
    repos: Iterable[str] = (),
) -> Drawn:
    """Plan what was asked for: the fleet is looked at while the repos are fetched.

    Args:
        world: what it is planned with.
        asked: what was asked for.
        check: raises when the refs may not lead where they do; nothing was read there yet.
        resolved: the digests of images, where they were asked for before; no registry is asked.
        repos: those that are read besides: of a saved plan, all that it was made from.

    Raises:
        UsageError, RefusedError: the selection makes no sense, or is not ours to change.
        SourceError: a repo cannot be fetched, or what it holds cannot be deployed.

    """
    inventory, command, request = world.inventory, asked.command, asked.request
    chosen = frozenset(select(inventory, request))
    if command is not Command.DOWN:
        world.checkout.begin([*_repos(inventory, chosen), *repos], asked.refs)
    looks = look_at(world.backend, contacted(inventory))
    inventory, _ = with_uses(inventory, seen_uses(inventory, looks))
    if command is not Command.DOWN:
        world.checkout.begin(_repos(inventory, chosen), asked.refs)
    pins = {} if command is Command.DOWN else world.checkout.pins()
    check(pins)
    read = world.checkout.read(sorted(chosen)) if command is Command.DEPLOY else {}

    def digests(sourced: Mapping[Unit, Sourced]) -> Mapping[str, str]:
        return digests_of(world, looks, sourced) if resolved is None else resolved

    images = dict(digests(read))
    found = {u: changed(inventory, source, looks[u.site], images) for u, source in read.items()}
    scoped = scope_by_files(
        inventory, asked, looks, pins, found=found, read=read, files=_Files(world, asked)
    )
    inventory, scope, sourced = scoped.inventory, scoped.scope, scoped.sourced
    pins |= {source.release.revision.repo: source.release.revision for source in sourced.values()}
    plan = make_plan(
        inventory, command=command, request=request, scope=scope, looks=looks, sourced=sourced
    )
    plan = with_lost(inventory, request, plan, looks, sourced=sourced)
    images |= digests({u: s for u, s in sourced.items() if u not in read})
    plan = compared(world, priced(world, plan, looks, sourced), looks, sourced, images)
    plan = pinned(plan, sourced, images)
    book = Book(
        run=world.run_id,
        inventory=inventory,
        plan=plan,
        sourced=sourced,
        swarms=swarms_of(looks),
    )
    return Drawn(book=book, looks=looks, pins=pins, images=images)


@dataclass(frozen=True, slots=True)
class _Files:
    """The compose files of a world's repositories, at what was asked for."""

    world: World
    asked: Asked

    def read(self, units: Iterable[Unit]) -> dict[Unit, Sourced]:
        """Read what is acted on, in repos that turned out to be needed as well."""
        wanted = tuple(units)
        repos = [self.world.inventory.spec(unit).repo for unit in wanted]
        self.world.checkout.begin(repos, self.asked.refs)
        return self.world.checkout.read(wanted)

    def search(self, units: Iterable[Unit]) -> dict[Unit, Sourced]:
        """Read what can be read."""
        return self.world.checkout.search(units)


def contacted(inventory: Inventory) -> tuple[str, ...]:
    """Return every site that may be contacted."""
    return tuple(site.name for site in inventory.sites if site.state is not SiteState.PLANNED)


def _repos(inventory: Inventory, chosen: frozenset[Unit]) -> list[str]:
    """Return the repos of all that may be acted on: safety may drag in more than was chosen."""
    may = chosen | dependents(inventory, chosen) | dependencies(inventory, chosen)
    return [spec.repo for spec in inventory.units if spec.unit in may]
