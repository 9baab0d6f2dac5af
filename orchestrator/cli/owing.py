"""What is owed: read, and turned into what `up --owed` brings back."""

from dataclasses import replace

from orchestrator.cli.wiring import World
from orchestrator.engine.alone import carry_alone
from orchestrator.errors import ExitCode, FleetError, Problem, RefusedError
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import SiteState
from orchestrator.planning.selection import Request
from orchestrator.procedures.owed import Owed, change_owed, read_owed


def find_owed(world: World) -> tuple[Owed, ...]:
    """Read what is owed (FleetError when the coordinator's Swarm cannot be asked)."""
    owed = carry_alone(world.backend, read_owed(world.inventory.coordinator))
    if isinstance(owed, Problem):
        raise FleetError(owed)
    return owed


def owed_request(world: World, typed: Request, *, dry_run: bool) -> Request | None:
    """Return the request for exactly the units that are owed; None when nothing is.

    Units that no inventory line declares any more are owed no longer, which is written down
    unless `dry_run`. Those at sites that are left out stay owed.

    Raises:
        RefusedError: what is owed is at sites that dtdeploy does not change.

    """
    owed = _declared(world, [item.unit for item in find_owed(world)], dry_run=dry_run)
    units = [unit for unit in owed if unit.site not in typed.without]
    states = {unit: world.inventory.state(unit) for unit in units}
    if not units:
        return None
    active = [unit for unit in units if states[unit] is SiteState.ACTIVE]
    if not active:
        raise RefusedError(_not_ours(unit, states[unit]) for unit in units)
    for unit in units:
        if unit not in active:
            world.talk.say(f"{unit} stays owed: its site is {states[unit].value}")
    return replace(typed, units=tuple(str(unit) for unit in active))


def _declared(world: World, units: list[Unit], *, dry_run: bool) -> list[Unit]:
    known = {spec.unit for spec in world.inventory.units}
    lost = [unit for unit in units if unit not in known]
    if lost and not dry_run:
        change = change_owed(world.inventory.coordinator, settle=lost)
        if (problem := carry_alone(world.backend, change)) is not None:
            raise FleetError(problem)
    for unit in lost:
        world.talk.say(f"{unit} is owed no longer: no inventory line declares it")
    return [unit for unit in units if unit in known]


def _not_ours(unit: Unit, state: SiteState) -> Problem:
    return Problem(
        code=f"selection.{state.value}",
        what=f"{unit} is owed, and at a {state.value} site, which dtdeploy never changes",
        exit_code=ExitCode.SAFETY_REFUSED,
        fix=f"set `state: active` for {unit.site}",
        state_left="nothing was touched",
    )
