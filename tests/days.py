"""Bad days: what a seed does to a fleet and to those who work at it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from random import Random
from typing import Any

from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState, Strategy, UnitSpec
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request
from orchestrator.simulation.behaviour import Behaviour, Kind
from orchestrator.simulation.faults import Fault, FaultKind
from orchestrator.simulation.scenario import Scenario
from tests.hamlet import CLIENTS, DAEMONS, DATABASE, EDGE, SERVER, WORKER, hamlet
from tests.simulated import PRODUCTION, chance

HAMLET = hamlet()
IN_PLACE = hamlet(Strategy.UPDATE)
_PRODUCTION_DAYS = 12
"""One day in so many is one of the real inventory, which takes three times as long to tell."""
_STOPS = (Kind.IGNORES_SIGTERM, Kind.STUCK)
_STARTS = (Kind.CRASH_LOOP, Kind.NEVER_HEALTHY, Kind.MISSING, Kind.NO_NODE)
_HAUNTED = 0.05
_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ills:
    """What befalls one operator's process; 0 or empty: nothing of the kind.

    `at` is in seconds; `at_submit`, `after_submit` and `at_answer` count effects and answers.
    """

    killed_at: float = 0.0
    killed_at_submit: int = 0
    killed_after_submit: int = 0
    killed_at_answer: int = 0
    halted_at: float = 0.0
    halted_at_submit: int = 0
    halted_seconds: float = 0.0
    stopped_at: float = 0.0
    """When Ctrl-C is pressed."""
    full_from: int | None = None
    """From which entry on its journal's disk is full."""
    jumps: tuple[tuple[float, float], ...] = ()
    """When its clock on the wall is set, and by how many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command, as it is typed."""

    command: Command
    request: Request
    on_failure: OnFailure = OnFailure.STOP


class Part(Enum):
    """What a second operator does."""

    NOTHING = "nothing"
    ANOTHER = "begins another command"
    TAKES_OVER = "takes over"
    RESUMES_HERE = "resumes on the same machine, once the first is no more"
    ROLLS_BACK = "rolls back"
    BREAKS = "breaks the lock and begins another command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One bad day, all of it decided before it begins."""

    seed: int
    inventory: Inventory
    scenario: Scenario
    generation: int
    order: Order
    faults: tuple[Fault, ...]
    first: Ills
    second: Part = Part.NOTHING
    second_at: float = 0.0
    second_order: Order | None = None
    ills_of_second: Ills = Ills()
    shared: Mapping[Unit, tuple[str, ...]] = field(default_factory=dict)
    """By unit, the stacks at its site whose network, secret and config it uses."""

    @property
    def delay(self) -> float:
        """Return how many seconds an effect may be held up."""
        held = [f.delay_seconds for f in self.faults if f.kind is FaultKind.DELAY]
        return max(held, default=0.0)


def day_of(seed: int) -> Day:
    """Return the day of `seed`."""
    rng = chance(seed)
    inventory = PRODUCTION if rng.randrange(_PRODUCTION_DAYS) == 0 else HAMLET
    order, sites = _order(rng, inventory)
    order, back = _bury(seed, inventory, order, sites)
    _haunt(rng, inventory, sites)
    second = _part(rng)
    dying = tuple(_dying(seed, inventory))
    fleets = _fleets(seed, inventory, sites)
    return Day(
        seed=seed,
        inventory=IN_PLACE if inventory is HAMLET and seed % 2 else inventory,
        scenario=Scenario.model_validate(
            {
                "sites": _with_deputies(dying, _workers(inventory, sites)),
                "behaviours": _behaviours(rng, inventory),
            }
        ),
        generation=rng.choice((1, 2)),
        order=order,
        faults=(
            *(_fault(rng, inventory) for _ in range(rng.randint(0, 4))),
            *_deaf(seed),
            *_outdated(seed, inventory),
            *dying,
            *fleets,
            *back,
        ),
        first=_ills(rng),
        second=second,
        second_at=round(rng.uniform(0, 45), 2),
        second_order=_order(rng, inventory, quiet=True)[0],
        ills_of_second=_ills(rng) if rng.random() < 0.3 else Ills(),
        shared=_shared(seed) if inventory is HAMLET else {},
    )


def _shared(seed: int) -> Mapping[Unit, tuple[str, ...]]:
    """Let units use what others at their site make, on some days; drawn apart as well."""
    rng = chance(seed + _SHARING)
    if rng.random() > _SHARES:
        return {}
    pairs = rng.sample(_PAIRS, rng.randint(1, len(_PAIRS)))
    return {user: (maker.stack,) for user, maker in pairs}


def _part(rng: Random) -> Part:
    return rng.choices(tuple(Part), weights=(10, 4, 5, 3, 2, 3))[0]


def _workers(inventory: Inventory, sites: dict[str, Any]) -> dict[str, Any]:
    site, name = _worker(inventory)
    sites.setdefault(site, {}).setdefault("workers", [name])
    return sites


def _haunt(rng: Random, inventory: Inventory, sites: dict[str, Any]) -> None:
    """Leave tasks behind that never go away: of nodes that are no more, and of jobs."""
    for kind in ("ghosts", "job_residue"):
        if rng.random() < _HAUNTED:
            unit = rng.choice(_declared(inventory)).unit
            sites.setdefault(unit.site, {})[kind] = [unit.stack]


def _bury(
    seed: int, inventory: Inventory, order: Order, sites: dict[str, Any]
) -> tuple[Order, tuple[Fault, ...]]:
    """Let the worker be dead before some days begin; at times somebody answers for it.

    Its containers run on all the same, and it may be heard again. Drawn apart, as in `_deaf`.
    """
    rng = chance(seed + 2 * _APART)
    if rng.random() >= _DEAD:
        return order, ()
    site, name = _worker(inventory)
    sites.setdefault(site, {})["down"] = [name]
    at = round(rng.uniform(0, 40), 2)
    back = Fault(at=at, kind=FaultKind.NODE_BACK, site=site, node=name)
    request = order.request
    if rng.random() < _ANSWERED and site not in request.without:
        nodes = (f"{name}@{site}",)
        request = replace(request, accept_lost=nodes, because="its power is off")
    return replace(order, request=request), (back,) if rng.random() < _BACK else ()


def _worker(inventory: Inventory) -> tuple[str, str]:
    return ("far", WORKER) if inventory is HAMLET else ("kko", "kko-w1")


def _names(inventory: Inventory) -> list[str]:
    return list(dict.fromkeys(spec.unit.site for spec in _declared(inventory)))


def _declared(inventory: Inventory) -> list[UnitSpec]:
    return [s for s in inventory.units if inventory.state(s.unit) is SiteState.ACTIVE]


def _order(
    rng: Random, inventory: Inventory, *, quiet: bool = False
) -> tuple[Order, dict[str, Any]]:
    """Return a command, and what has to be so at sites for it to make sense."""
    commands = (Command.RESTART, Command.DEPLOY, Command.RESTART, Command.UP, Command.DOWN)
    command = rng.choices(commands, weights=(2.5, 2, 2.5, 2, 2))[0]
    on_failure = rng.choice((OnFailure.STOP, OnFailure.STOP, OnFailure.RESTORE))
    names = _names(inventory)
    far = [name for name in names if name != inventory.coordinator]
    sites: dict[str, Any] = {}
    if not quiet and rng.random() < 0.15:
        return _without(rng, command, far, inventory)
    request = _request(rng, inventory)
    if command is Command.UP and not quiet:
        for name in rng.sample(names, rng.randint(1, len(names))):
            sites[name] = {"deployed": "none"}
    return Order(command=command, request=request, on_failure=on_failure), sites


def _request(rng: Random, inventory: Inventory) -> Request:
    if rng.random() < 0.6:
        return Request(everything=True)
    spec = rng.choice(_declared(inventory))
    return rng.choice(
        (
            Request(sites=(spec.unit.site,)),
            Request(stacks=(spec.unit.stack,)),
            Request(units=(str(spec.unit),)),
        )
    )


def _without(
    rng: Random, command: Command, far: list[str], inventory: Inventory
) -> tuple[Order, dict[str, Any]]:
    """Leave a site out that cannot be seen, or of which nothing is known to be wrong."""
    site = rng.choice(far)
    there = [str(s.unit) for s in _declared(inventory) if s.unit.site == site]
    request = Request(
        everything=True,
        without=(site,),
        accept_unknown=tuple(there) if rng.random() < 0.8 else (),
        because="the link is down",
    )
    about = {"link": rng.choice(("cut", "refused"))} if rng.random() < 0.8 else {}
    return Order(command=command, request=request), {site: about}


def _behaviours(rng: Random, inventory: Inventory) -> list[dict[str, Any]]:
    """Say which of what runs already will not stop when it is told to."""
    if rng.random() > 0.1:
        return []
    unit = rng.choice(_declared(inventory)).unit
    kind = rng.choice(_STOPS).value
    return [{"site": unit.site, "stack": unit.stack, "kind": kind}]


_LINKS = (
    FaultKind.LINK_CUT,
    FaultKind.LINK_REFUSED,
    FaultKind.LINK_HANGING,
    FaultKind.LINK_SLOW,
    FaultKind.HOST_KEY_CHANGED,
    FaultKind.LOGIN_REFUSED,
)
_ANSWERS = (FaultKind.LOSE_BEFORE, FaultKind.LOSE_AFTER, FaultKind.DELAY)
_NODES = (FaultKind.NODE_LOST, FaultKind.NODE_FROZEN, FaultKind.NODE_OFF)
_IDLE = (FaultKind.NODE_PAUSED, FaultKind.NODE_DRAINED)
_DAEMONS = (FaultKind.DAEMON_STOPPED, FaultKind.DAEMON_FROZEN, FaultKind.QUORUM_LOST)
_REGISTRIES = (FaultKind.REGISTRY_DENIED, FaultKind.REGISTRY_UNREACHABLE)
_CHANNELS = (
    FaultKind.CHANNEL_REFUSES,
    FaultKind.CHANNEL_HANGS,
    FaultKind.CHANNEL_LOSES_REPLY,
)
_DEAF, _OUTDATED, _DIES, _APART = 0.2, 0.15, 0.15, 1_000_003
_FLEETS, _AT_HOME, _PLACED = 0.25, 0.4, 0.4
_DEAD, _ANSWERED, _BACK = 0.15, 0.7, 0.6
_SHARES, _SHARING = 0.3, 2_000_003
_PAIRS = ((DAEMONS, SERVER), (CLIENTS[0], DAEMONS), (EDGE, CLIENTS[1]))
"""Who may use what whom makes: once without a `depends_on` that says so."""
_PERSONS = (FaultKind.STACK_RM, FaultKind.STACK_DEPLOY, FaultKind.CONFIG_RM, FaultKind.KILL)
_GROUPS = (
    (_LINKS, 5),
    (_ANSWERS, 5),
    (_NODES, 2),
    (_DAEMONS, 4),
    (_REGISTRIES, 1),
    ((FaultKind.OUTSIDE_DOWN,), 1),
    (_PERSONS, 3),
    ((FaultKind.BEHAVE,), 4),
)


def _deaf(seed: int) -> Iterator[Fault]:
    """Yield how announcements fare on some days; drawn apart, so that no other day is another."""
    rng = chance(seed + _APART)
    if rng.random() < _DEAF:
        yield Fault(
            at=round(rng.uniform(0, 20), 2),
            kind=rng.choice(_CHANNELS),
            for_seconds=rng.choice((0.0, 2.0, 20.0)),
        )


def _outdated(seed: int, inventory: Inventory) -> Iterator[Fault]:
    """Yield how some days a site's Docker is too old for what is deployed; drawn apart as well."""
    rng = chance(seed + 4 * _APART)
    if rng.random() < _OUTDATED:
        yield Fault(
            at=rng.choice((0.0, round(rng.uniform(0, 40), 2))),
            kind=rng.choice((FaultKind.FILE_REFUSED, FaultKind.FIELD_DROPPED)),
            site=rng.choice(_names(inventory)),
            for_seconds=rng.choice((0.0, 8.0, 70.0)),
        )


def _dying(seed: int, inventory: Inventory) -> Iterator[Fault]:
    """Yield how a manager of several dies on some days; drawn apart, as announcements are."""
    rng = chance(seed + 3 * _APART)
    if rng.random() < _DIES:
        site = rng.choice((inventory.coordinator, _worker(inventory)[0]))
        yield Fault(
            at=round(rng.uniform(0, 40), 2),
            kind=FaultKind.MANAGER_DIES,
            site=site,
            for_seconds=rng.choice((0.0, 30.0, 90.0)),
        )


def _with_deputies(dying: tuple[Fault, ...], sites: dict[str, Any]) -> dict[str, Any]:
    for fault in dying:
        sites.setdefault(fault.site, {})["managers"] = _deputies(fault.site)
    return sites


def _deputies(site: str) -> list[str]:
    return [f"{site}-m2", f"{site}-m3"]


def _fleets(seed: int, inventory: Inventory, sites: dict[str, Any]) -> tuple[Fault, ...]:
    """Let a site have three managers and two workers on some days, of which some fail.

    Any node may be lost, paused or drained, also a manager; some services may run on labelled
    nodes alone. Drawn apart as well.
    """
    rng = chance(seed + 5 * _APART)
    if rng.random() >= _FLEETS:
        return ()
    site, worker = _worker(inventory)
    if rng.random() < _AT_HOME:
        site = inventory.coordinator
    workers = [worker if site == _worker(inventory)[0] else f"{site}-w1", f"{site}-w2"]
    first, *others = _deputies(site)
    there = sites.setdefault(site, {})
    there["managers"], there["workers"] = [first, *others], workers
    if rng.random() < _PLACED:
        _place(rng, inventory, there, site, (*workers, first))
    return tuple(
        Fault(
            at=rng.choice((0.0, round(rng.uniform(0, 40), 2))),
            kind=rng.choice((*_NODES, *_IDLE)),
            site=site,
            node=rng.choice((*workers, first, *others, "")),
            for_seconds=rng.choice((0.0, 8.0, 20.0, 70.0)),
        )
        for _ in range(rng.randint(1, 3))
    )


def _place(
    rng: Random, inventory: Inventory, there: dict[str, Any], site: str, nodes: tuple[str, ...]
) -> None:
    """Let a stack of a site run on some of its nodes alone, by their label or what they are."""
    # What publishes a port is bound to the manager already.
    units = [s.unit for s in _declared(inventory) if s.unit.site == site and not s.probes]
    stack = rng.choice(units).stack
    there["labels"] = {name: {"disk": "fast"} for name in rng.sample(nodes, rng.randint(1, 2))}
    constraint = rng.choice(("node.labels.disk == fast", "node.role == worker"))
    there["constraints"] = {stack: [constraint]}


def _fault(rng: Random, inventory: Inventory) -> Fault:
    kinds = rng.choices([g for g, _ in _GROUPS], weights=[w for _, w in _GROUPS])[0]
    kind = rng.choice(kinds)
    unit = rng.choice(_declared(inventory)).unit
    site = inventory.coordinator if rng.random() < 0.3 else unit.site
    if kind is FaultKind.CONFIG_RM:
        site = inventory.coordinator
    about = kind in (*_PERSONS, FaultKind.BEHAVE) and kind is not FaultKind.CONFIG_RM
    worker_site, worker = _worker(inventory)
    return Fault(
        at=round(rng.uniform(0, 40), 2),
        kind=kind,
        site="" if kind is FaultKind.OUTSIDE_DOWN else unit.site if about else site,
        node=worker if kind in _NODES and site == worker_site and rng.random() < 0.7 else "",
        stack=unit.stack if about else "",
        outside=_outside(inventory) if kind is FaultKind.OUTSIDE_DOWN else "",
        count=rng.choice((1, 1, 2, 4)),
        delay_seconds=rng.choice((1.0, 5.0, 10.0)),
        behaviour=Behaviour(kind=rng.choice(_STARTS + _STOPS)),
        for_seconds=rng.choice((0.0, 2.0, 8.0, 20.0, 70.0)),
    )


def _outside(inventory: Inventory) -> str:
    return DATABASE if inventory is HAMLET else "frb-l4.chime:5432"


def _ills(rng: Random) -> Ills:
    """Return what befalls a process: often nothing, at times two things at once."""
    ills: dict[str, Any] = {}
    match rng.choices(range(8), weights=(8, 4, 3, 2, 2, 3, 2, 2))[0]:
        case 1:
            ills["killed_at"] = round(rng.uniform(0.1, 45), 2)
        case 2:
            ills["killed_at_submit"] = rng.randint(1, 250)
        case 3:
            ills["killed_after_submit"] = rng.randint(1, 250)
        case 4:
            ills["killed_at_answer"] = rng.randint(1, 250)
        case 5:
            ills |= {"halted_at": round(rng.uniform(0.1, 40), 2), "halted_seconds": _pause(rng)}
        case 6:
            ills |= {"halted_at_submit": rng.randint(1, 250), "halted_seconds": _pause(rng)}
        case 7:
            ills["stopped_at"] = round(rng.uniform(0.1, 40), 2)
    if rng.random() < 0.08:
        ills["full_from"] = rng.randint(0, 100)
    if rng.random() < 0.15:
        jump = rng.choice((_HOUR, -_HOUR, -10 * 365 * 24 * _HOUR, 86_400.0))
        ills["jumps"] = ((round(rng.uniform(0, 30), 2), jump),)
    return Ills(**ills)


def _pause(rng: Random) -> float:
    return rng.choice((3.0, 12.0, 25.0, 60.0, 120.0))
