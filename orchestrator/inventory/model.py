"""The inventory as frozen values: placeholders expanded, names resolved, cycles excluded.

Only `inventory.load` builds these; everything downstream may trust them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from orchestrator.errors import Problem
from orchestrator.fleet.desired import Policy, Probe
from orchestrator.fleet.freeze import Freeze
from orchestrator.fleet.guard import Guard
from orchestrator.fleet.ownership import Ownership
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import Use


class SiteState(Enum):
    """active: managed; watched: observed, never changed; planned: shown, never contacted."""

    ACTIVE = "active"
    WATCHED = "watched"
    PLANNED = "planned"


class Strategy(Enum):
    """How a stack is brought from one revision to another.

    recreate: it is taken down with all that depends on it, then deployed. update: it is deployed
    over what runs, while what depends on it runs on.
    """

    RECREATE = "recreate"
    UPDATE = "update"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """Where SSH goes. Empty user and port 0 leave the choice to ~/.ssh/config."""

    host: str
    user: str = ""
    port: int = 0

    @property
    def target(self) -> str:
        """What ssh is told: a name of ssh_config, `user@host`, or a URL where a port is needed."""
        user = f"{self.user}@" if self.user else ""
        return f"ssh://{user}{self.host}:{self.port}" if self.port else user + self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """A git repository and the ref that is deployed from it unless told otherwise."""

    name: str
    url: str
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place with one Swarm. `position` is where sites.yaml declares it: file:line:column.

    `others` are more managers of the same Swarm, in the order in which they are asked when
    `manager` does not answer.
    """

    name: str
    manager: Manager
    state: SiteState
    note: str = ""
    position: str = ""
    groups: tuple[str, ...] = ()
    others: tuple[Manager, ...] = ()

    @property
    def managers(self) -> tuple[Manager, ...]:
        """All of them, in the order in which they are asked."""
        return (self.manager, *self.others)

    def ssh(self, via: str = "") -> str:
        """Return what ssh is told to reach a manager that answers.

        Args:
            via: the host of the manager that was asked, as a look names it; "" is the first.

        """
        return next((m.target for m in self.managers if m.host == via), self.manager.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSpec:
    """One stack at one site, everything the inventory says about it.

    `compose` is the path in the repository. `variables` are interpolated into the compose
    file; `secret_variables` name those whose values come from the operator's environment.
    `depends_on` are the units that must be healthy before this one is deployed and that may
    only be removed once this one is gone. `must_have` are short service names that operators
    rely on. `requires` are probes of outside things (a database) that preflight asks. `public`
    are environment variables of the services whose values may be shown.
    `position` is where the inventory declares it: file:line:column.
    """

    unit: Unit
    repo: str
    compose: str
    depends_on: tuple[Unit, ...] = ()
    must_have: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()
    requires: tuple[Probe, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    secret_variables: tuple[str, ...] = ()
    announce: bool = False
    strategy: Strategy = Strategy.RECREATE
    public: tuple[str, ...] = ()
    policy: Policy = field(default_factory=Policy)
    description: str = ""
    position: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All of it.

    `announce`, `grafana_url`, `grafana_token` and `metrics` are names of environment variables:
    of URLs for announcements; of a URL and a token; of a folder for metrics.

    `managed_prefix` is what stacks begin with that are the system's, `managed` are patterns of
    more names, `ignored` of names that are not.

    `record_key_required`: runs are begun, resumed and rolled back only with signed records.

    `warnings` are no errors, but hardly meant: a stack file that no site uses, say.
    """

    path: str
    managed_prefix: str
    coordinator: str
    repos: tuple[Repo, ...]
    sites: tuple[Site, ...]
    units: tuple[UnitSpec, ...]
    announce: tuple[str, ...] = ()
    grafana_url: str = ""
    grafana_token: str = ""
    metrics: str = ""
    record_key_required: bool = False
    warnings: tuple[Problem, ...] = ()
    managed: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    guards: tuple[Guard, ...] = ()
    uses: tuple[Use, ...] = ()
    """What units use of each other, which no inventory says: see planning/sharing.py."""
    _sites: dict[str, Site] = field(init=False, repr=False, compare=False)
    _specs: dict[Unit, UnitSpec] = field(init=False, repr=False, compare=False)
    _stacks: dict[str, frozenset[str]] = field(init=False, repr=False, compare=False)
    needs: Mapping[Unit, tuple[Unit, ...]] = field(init=False, repr=False, compare=False)
    """Of each unit at a site that is contacted: what it depends on, declared or by its `uses`."""
    needed_by: Mapping[Unit, tuple[Unit, ...]] = field(init=False, repr=False, compare=False)
    """The same, turned round."""

    def __post_init__(self) -> None:
        # Looked up for every unit: with thousands of them a search each time would show.
        object.__setattr__(self, "_sites", {site.name: site for site in self.sites})
        object.__setattr__(self, "_specs", {spec.unit: spec for spec in self.units})
        object.__setattr__(self, "_stacks", _by_site(self.units))
        planned = {site.name for site in self.sites if site.state is SiteState.PLANNED}
        needs = {s.unit: s.depends_on for s in self.units if s.unit.site not in planned}
        for use in self.uses:
            needs[use.user] = tuple(dict.fromkeys((*needs[use.user], use.maker)))
        object.__setattr__(self, "needs", MappingProxyType(needs))
        object.__setattr__(self, "needed_by", MappingProxyType(_reversed(needs)))

    def site(self, name: str) -> Site:
        """Return the site called `name` (KeyError if there is none)."""
        return self._sites[name]

    def repo(self, name: str) -> Repo:
        """Return the repository called `name` (KeyError if there is none)."""
        return {repo.name: repo for repo in self.repos}[name]

    @property
    def ownership(self) -> Ownership:
        """Which stacks are the system's, declared or not."""
        beginning = (f"{self.managed_prefix}*",) if self.managed_prefix else ()
        return Ownership(managed=(*beginning, *self.managed), ignored=self.ignored)

    def declared_at(self, site: str) -> frozenset[str]:
        """Return the stacks that are declared at `site`."""
        return self._stacks.get(site, frozenset())

    def spec(self, unit: Unit) -> UnitSpec:
        """Return what is declared about `unit` (KeyError if nothing is)."""
        return self._specs[unit]

    def state(self, unit: Unit) -> SiteState:
        """Return the state of the unit's site."""
        return self.site(unit.site).state


def _by_site(specs: Iterable[UnitSpec]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for spec in specs:
        found.setdefault(spec.unit.site, set()).add(spec.unit.stack)
    return {site: frozenset(stacks) for site, stacks in found.items()}


def _reversed(needs: Mapping[Unit, tuple[Unit, ...]]) -> dict[Unit, tuple[Unit, ...]]:
    turned: dict[Unit, list[Unit]] = {}
    for unit, below in needs.items():
        for need in below:
            turned.setdefault(need, []).append(unit)
    return {unit: tuple(above) for unit, above in turned.items()}
