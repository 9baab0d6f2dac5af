"""The inventory as rows to show: one a site, with one a unit inside. Pure; the UI renders them."""

from dataclasses import dataclass

from orchestrator.fleet.desired import HttpProbe, Probe
from orchestrator.inventory.model import Inventory, Manager, SiteState, UnitSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRow:
    """A unit in words; `depends_on` and `unit` are written stack@site."""

    unit: str
    repo: str
    compose: str
    depends_on: tuple[str, ...]
    must_have: tuple[str, ...]
    probes: tuple[str, ...]
    requires: tuple[str, ...]
    variables: tuple[str, ...]
    """Names only: what they hold stays out of sight."""
    announce: bool
    position: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRow:
    """A site in words; `manager` is written user@host:port, without what ~/.ssh/config decides.

    Several are separated by commas, in the order in which they are asked.
    """

    site: str
    state: SiteState
    manager: str
    coordinator: bool
    note: str
    groups: tuple[str, ...]
    units: tuple[UnitRow, ...]
    position: str


def describe(inventory: Inventory) -> tuple[SiteRow, ...]:
    """Return every site with its units, in the order of sites.yaml."""
    units: dict[str, list[UnitRow]] = {site.name: [] for site in inventory.sites}
    for spec in inventory.units:
        units[spec.unit.site].append(_unit_row(spec))
    return tuple(
        SiteRow(
            site=site.name,
            state=site.state,
            manager=", ".join(map(manager_text, site.managers)),
            coordinator=site.name == inventory.coordinator,
            note=site.note,
            groups=site.groups,
            units=tuple(units[site.name]),
            position=site.position,
        )
        for site in inventory.sites
    )


def manager_text(manager: Manager) -> str:
    """Return `user@host:port`; an IPv6 address in brackets when a port follows."""
    bracketed = manager.port and ":" in manager.host
    host = f"[{manager.host}]" if bracketed else manager.host
    login = f"{manager.user}@" if manager.user else ""
    return f"{login}{host}{f':{manager.port}' if manager.port else ''}"


def _unit_row(spec: UnitSpec) -> UnitRow:
    return UnitRow(
        unit=str(spec.unit),
        repo=spec.repo,
        compose=spec.compose,
        depends_on=tuple(str(unit) for unit in spec.depends_on),
        must_have=spec.must_have,
        probes=tuple(_probe_text(probe) for probe in spec.probes),
        requires=tuple(_probe_text(probe) for probe in spec.requires),
        variables=(*(name for name, _ in spec.variables), *spec.secret_variables),
        announce=spec.announce,
        position=spec.position,
    )


def _probe_text(probe: Probe) -> str:
    path = probe.path if isinstance(probe, HttpProbe) else ""
    address = f"{probe.host}:{probe.port}{path}"
    named = probe.name if address in probe.name else f"{probe.name} ({address})"
    return f"{named} via {probe.via.value}"
