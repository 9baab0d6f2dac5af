"""Which units are meant, and which others safety drags in with them."""

from dataclasses import dataclass, replace

from orchestrator.command_line import joined, typed
from orchestrator.errors import ExitCode, Problem, RefusedError, Retry, UsageError
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState, Strategy
from orchestrator.planning.graph import reachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was typed: everything, or sites, stacks and `stack@site` names (united).

    `without` are sites to leave out, `because` why; `accept_unknown` are units there whose
    presence nobody can tell and that are not to block a removal. `accept_lost` are nodes,
    `NODE@SITE`, whose tasks count as gone as long as nobody can see the node. `strategy`, of a
    deploy, takes the place of the one that each stack declares.
    """

    everything: bool = False
    sites: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    accept_unknown: tuple[str, ...] = ()
    because: str = ""
    strategy: Strategy | None = None
    accept_lost: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as it is typed, without the reason given."""
        chosen = {"--site": self.sites, "--stack": self.stacks, "": self.units}
        if self.everything:
            chosen = {"--all": ("",)}
        options = {
            **chosen,
            "--without": self.without,
            "--accept-unknown": self.accept_unknown,
            "--accept-lost": self.accept_lost,
            "--strategy": (self.strategy.value,) if self.strategy else (),
        }
        words = [word for name, given in options.items() for one in given for word in (name, one)]
        return joined(filter(None, words))

    @property
    def selects(self) -> bool:
        """Whether anything was asked for at all."""
        return bool(self.everything or self.sites or self.stacks or self.units)


def select(inventory: Inventory, request: Request) -> tuple[Unit, ...]:
    """Return the units meant by `request`, in the inventory's order.

    Raises:
        UsageError: nothing was asked for, or a name is unknown; the nearest known is named.
        RefusedError: a site or unit asked for by name is watched or planned.

    """
    problems = _unknown_names(inventory, request)
    if not request.selects:
        fix = "add --all, --site SITE, --stack STACK or STACK@SITE"
        problems.append(_usage("selection.empty", "no unit was selected", fix))
    problems += _contradictions(request)
    if problems:
        raise UsageError(problems)
    chosen = [unit for unit in (s.unit for s in inventory.units) if _meant(request, unit)]
    if refused := [p for u in chosen for p in _not_ours(inventory, request, u)]:
        raise RefusedError(refused)
    active = tuple(
        unit
        for unit in chosen
        if inventory.state(unit) is SiteState.ACTIVE and unit.site not in request.without
    )
    if not active:
        words = f"{request} selects no unit at an active site"
        raise UsageError(_usage("selection.empty", words, typed("inventory", "show")))
    return active


def select_seen(inventory: Inventory, request: Request) -> tuple[Unit, ...]:
    """Return the units meant by a request that changes nothing: of watched sites as well.

    Nothing asked for is everything.

    Raises:
        UsageError: a name is unknown, or nothing that is contacted is meant.

    """
    check_names(inventory, request)
    chosen = tuple(
        spec.unit
        for spec in inventory.units
        if inventory.state(spec.unit) is not SiteState.PLANNED
        and (not request.selects or _meant(request, spec.unit))
    )
    if not chosen:
        words = f"{request} selects no unit at a site that is contacted".strip()
        raise UsageError(_usage("selection.empty", words, typed("inventory", "show")))
    return chosen


def check_names(inventory: Inventory, request: Request) -> None:
    """Raise UsageError when `request` names a site, stack or unit that is unknown."""
    if problems := _unknown_names(inventory, request):
        raise UsageError(problems)


def dependents(inventory: Inventory, units: frozenset[Unit]) -> frozenset[Unit]:
    """Return every unit, at any contacted site, that depends on `units`, directly or not."""
    return reachable(inventory.needed_by, units)


def dependencies(inventory: Inventory, units: frozenset[Unit]) -> frozenset[Unit]:
    """Return every unit that `units` depend on, directly or not."""
    return reachable(inventory.needs, units)


def _meant(request: Request, unit: Unit) -> bool:
    by_pair = not request.sites or unit.site in request.sites
    by_stack = not request.stacks or unit.stack in request.stacks
    narrowed = bool(request.sites or request.stacks) and by_pair and by_stack
    return request.everything or narrowed or str(unit) in request.units


def _unknown_names(inventory: Inventory, request: Request) -> list[Problem]:
    of_nodes = tuple(name.rpartition("@")[2] for name in request.accept_lost)
    known = {
        "site": (
            [site.name for site in inventory.sites],
            request.sites + request.without + of_nodes,
        ),
        "stack": (sorted({spec.unit.stack for spec in inventory.units}), request.stacks),
        "unit": (
            [str(spec.unit) for spec in inventory.units],
            request.units + request.accept_unknown,
        ),
    }
    options = {name: f"--{kind} {name}" for kind in ("site", "stack") for name in known[kind][0]}
    return [
        _unknown(kind, name, names, options.get(name, ""))
        for kind, (names, asked) in known.items()
        for name in asked
        if name not in names
    ]


def _unknown(kind: str, name: str, names: list[str], option: str) -> Problem:
    from rapidfuzz import process  # noqa: PLC0415 - completion must start fast

    near = option or next(iter(process.extractOne(name, names, score_cutoff=60) or ()), "")
    fix = f"did you mean {near}?" if near else f"known are: {', '.join(names)}"
    return _usage(f"selection.unknown-{kind}", f"there is no {kind} called {name!r}", fix)


def _contradictions(request: Request) -> list[Problem]:
    """Say what cannot be meant: to leave out what was asked for, or to accept without leaving."""
    both = [site for site in request.without if site in request.sites]
    both += [name for name in request.units if name.rpartition("@")[2] in request.without]
    problems = [
        _usage(
            "selection.contradiction",
            f"{name} is selected and left out at once",
            "drop one of the two",
        )
        for name in both
    ]
    problems += [
        replace(
            _usage(
                "selection.accept-unknown",
                f"{name} cannot be accepted as unknown: its site is not left out",
                f"--without {site} too, if nobody can see {site}; if it is a node of it that nobody"
                f" can see, --accept-lost NODE@{site} instead of both",
            ),
            retry=Retry(adds=(("--without", site),), never=True),
        )
        for name in request.accept_unknown
        if (site := name.rpartition("@")[2]) not in request.without
    ]
    problems += [
        _usage(
            "selection.accept-lost",
            f"{name} cannot be accepted as lost: its site is left out",
            f"drop --without {site} if {site} answers, else drop --accept-lost {name}",
        )
        for name in request.accept_lost
        if (site := name.rpartition("@")[2]) in request.without
    ]
    return problems + unreasoned(request)


def unreasoned(request: Request) -> list[Problem]:
    """Return a problem for each option that needs a reason and has none."""
    options = {"--without": request.without, "--accept-lost": request.accept_lost}
    return [
        replace(
            _usage("selection.no-reason", f"{option} needs a reason", "say why: --because TEXT"),
            retry=Retry(adds=(("--because", "TEXT"),), never=True),
        )
        for option, given in options.items()
        if given and not request.because.strip()
    ]


def _usage(code: str, what: str, fix: str) -> Problem:
    return Problem(code=code, what=what, exit_code=ExitCode.USAGE, fix=fix)


def _not_ours(inventory: Inventory, request: Request, unit: Unit) -> list[Problem]:
    state = inventory.state(unit)
    by_name = unit.site in request.sites or str(unit) in request.units
    if state is SiteState.ACTIVE or not by_name:
        return []
    what = f"{unit} is at a {state.value} site, which dtdeploy never changes"
    fix = f"set `state: active` for {unit.site} in {inventory.site(unit.site).position}"
    code = f"selection.{state.value}"
    return [Problem(code=code, what=what, exit_code=ExitCode.SAFETY_REFUSED, fix=fix)]
