"""From an inventory and a scenario to a fleet that stands ready."""

from collections.abc import Mapping
from random import Random

from orchestrator.errors import ExitCode, Problem, UsageError, Where
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, Site, SiteState
from orchestrator.simulation import api, nodes
from orchestrator.simulation.faults import CHANNEL, OUTSIDE, inject
from orchestrator.simulation.fleet import Conditions, SimSite, SimulatedFleet
from orchestrator.simulation.installing import (
    add_ghost,
    add_job_residue,
    furnish,
    install,
    run_already,
)
from orchestrator.simulation.scenario import Scenario, SiteText
from orchestrator.simulation.swarm import STALE_SECONDS
from orchestrator.simulation.synthetic import labels_of, made_up, synthetic_sources
from orchestrator.sources.model import Sourced

_GB = 10**9


def build_fleet(
    inventory: Inventory,
    scenario: Scenario,
    seed: int,
    *,
    sources: Mapping[Unit, Sourced] | None = None,
) -> SimulatedFleet:
    """Build the fleet that `inventory` describes, in the condition that `scenario` says.

    Args:
        inventory: its sites, managers, stacks and probes; planned sites do not exist yet.
        scenario: what is otherwise than well, now and later.
        seed: everything left to chance is drawn from it; the same seed, the same history.
        sources: what the units' releases hold; made up by `synthetic_sources` if not given.

    Raises:
        UsageError: the scenario names sites or nodes that there are not.

    """
    _check(inventory, scenario)
    fleet = SimulatedFleet(Random(seed))  # noqa: S311 - a simulation must be repeatable
    for text in scenario.behaviours:
        fleet.world.behaviours.add(text.rule())
    units = [spec.unit for spec in inventory.units]
    if sources is None:
        sources = synthetic_sources(inventory, units, constraints=scenario.constraints)
    known = dict(sources)
    fleet.learn(known.values())
    _outside(fleet, inventory, scenario)
    for site in _existing(inventory):
        _site(fleet, inventory, site, scenario.site(site.name), known)
    for fault in scenario.faults:
        inject(fleet, fault.fault())
    return fleet


def _existing(inventory: Inventory) -> list[Site]:
    return [site for site in inventory.sites if site.state is not SiteState.PLANNED]


def _check(inventory: Inventory, scenario: Scenario) -> None:
    hosts = {site.name: _nodes(site, scenario.site(site.name)) for site in _existing(inventory)}
    said = [*scenario.sites, *(fault.site for fault in scenario.faults if fault.site)]
    strangers = tuple(dict.fromkeys(name for name in said if name not in hosts))
    problems = [_wrong(f"the inventory has no active site `{name}`") for name in strangers]
    named = [(name, node) for name, text in scenario.sites.items() for node in _said(text)]
    named += [(fault.site, fault.node) for fault in scenario.faults if fault.node]
    problems += [
        _wrong(f"{site} has no node `{node}`")
        for site, node in named
        if site in hosts and node not in hosts[site]
    ]
    for fault in scenario.faults:
        if fault.kind in CHANNEL:
            continue
        if not (fault.outside if fault.kind in OUTSIDE else fault.site):
            lacks = "host:port" if fault.kind in OUTSIDE else "site"
            problems.append(_wrong(f"{fault.kind.value} at {fault.at:g} s names no {lacks}"))
    if problems:
        raise UsageError(problems)


def _wrong(what: str) -> Problem:
    return Problem(code="scenario.invalid", what=what, exit_code=ExitCode.USAGE, where=Where())


def _outside(fleet: SimulatedFleet, inventory: Inventory, scenario: Scenario) -> None:
    for spec in inventory.units:
        addresses = tuple((probe.host, probe.port) for probe in spec.requires)
        fleet.relies_on[spec.unit] = addresses
        fleet.outside.update(dict.fromkeys(addresses, True))
    for place, state in scenario.outside.items():
        host, _, port = place.rpartition(":")
        fleet.outside[host, int(port)] = state == "up"


def _site(
    fleet: SimulatedFleet,
    inventory: Inventory,
    site: Site,
    text: SiteText,
    known: Mapping[Unit, Sourced],
) -> None:
    made = fleet.add_site(
        site.name,
        host=site.manager.host,
        managers=_deputies(site, text),
        workers=text.workers,
        ingress_prefix=text.ingress_prefix,
    )
    _registry(made, text)
    for machine in made.swarm.machines.values():
        machine.labels = tuple(text.labels.get(machine.hostname, {}).items())
        if machine.hostname in text.paused:
            machine.availability = "pause"
        elif machine.hostname in text.drained:
            machine.availability = "drain"
    running = [
        known[spec.unit]
        for spec in inventory.units
        if spec.unit.site == site.name and _runs(spec.unit.stack, text) and spec.unit in known
    ]
    for sourced in running:
        furnish(made.swarm, sourced.desired)
    for sourced in running:
        run_already(made.swarm, sourced.desired, labels_of(sourced) if text.labelled else ())
        if text.labelled:
            made.releases[sourced.release.name, sourced.release.digest] = sourced.release
    _extras(made, text)
    _conditions(made, text)


def _deputies(site: Site, text: SiteText) -> tuple[str, ...]:
    return (*(manager.host for manager in site.others), *text.managers)


def _nodes(site: Site, text: SiteText) -> tuple[str, ...]:
    return (site.manager.host, *_deputies(site, text), *text.workers)


def _said(text: SiteText) -> tuple[str, ...]:
    """Return every node of which something is said."""
    return (*text.down, *text.paused, *text.drained, *text.labels)


def _runs(stack: str, text: SiteText) -> bool:
    if isinstance(text.deployed, tuple):
        return stack in text.deployed
    return text.deployed == "all"


def _registry(site: SimSite, text: SiteText) -> None:
    site.swarm.registry.access = text.registry
    site.swarm.registry.missing.update(text.missing_images)


def _extras(site: SimSite, text: SiteText) -> None:
    swarm = site.swarm

    def foreign(stack: str) -> Unit:
        return Unit(stack, swarm.site)

    for stack in text.undeclared:
        install(swarm, made_up(foreign(stack), ("app",), image=f"registry.example/{stack}:1"), ())
    for stack in text.ghosts:
        add_ghost(swarm, made_up(foreign(stack), ("ghost",), image="registry.example/ghost:1"))
    for stack in text.job_residue:
        job = made_up(foreign(stack), ("job",), image="registry.example/job:1")
        add_job_residue(swarm, job, swarm.manager)
    for name in text.networks:
        api.create_network(swarm, "", name)
    for name in text.configs:
        api.create_config(swarm, name, stack="")
    for name in text.secrets:
        api.create_secret(swarm, name, stack="")


def _conditions(site: SimSite, text: SiteText) -> None:
    site.link.state, site.link.slowness = text.link, text.slowness
    site.conditions = Conditions(
        disk_free_bytes=int(text.disk_free_gb * _GB),
        disk_total_bytes=int(text.disk_total_gb * _GB),
        clock_offset_seconds=text.clock_offset_seconds,
        api_version=text.api_version,
        cli_version=text.cli_version,
        listening=text.listening,
        reclaimable_bytes=int(text.reclaimable_gb * _GB),
        certificate_days=text.certificate_days,
        sessions=text.ssh_sessions,
        releases=tuple(text.releases.items()),
        engine_version=text.engine_version,
    )
    swarm = site.swarm
    for machine in swarm.machines.values():
        if machine.hostname in text.down:
            nodes.be_down(swarm, machine)
    if text.swarm == "no_quorum":
        swarm.quorum_lost_at = -STALE_SECONDS
    elif text.swarm == "daemon_down":
        nodes.stop_daemon(swarm)
    swarm.active = text.swarm != "inactive"
