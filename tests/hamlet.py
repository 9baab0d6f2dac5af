"""A small system for long tests: everything that can depend on something, and no more."""

from orchestrator.fleet.desired import HttpProbe, JsonExpectation, Policy, PostgresProbe
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import (
    Inventory,
    Manager,
    Repo,
    Site,
    SiteState,
    Strategy,
    UnitSpec,
)

SERVER = Unit(stack="app", site="home")
DAEMONS = Unit(stack="app-daemons", site="home")
CLIENTS = tuple(Unit(stack="app-client", site=site) for site in ("home", "far", "away"))
EDGE = Unit(stack="app-edge", site="far")
"""Depends on the client at its site, and so on the server through it."""
UNITS = (SERVER, DAEMONS, *CLIENTS, EDGE)
DATABASE = "db.example:5432"
WORKER = "far-w1"
_POLICY = Policy(poll_seconds=1.0, stable_seconds=3.0, healthy_seconds=100.0, remove_seconds=30.0)


def hamlet(server: Strategy = Strategy.RECREATE) -> Inventory:
    """Three sites: a server, its daemons and a client at home, clients far away, one with more.

    Only the server and what depends on a client are recreated by a deploy, or not even those.
    """
    names = ("home", "far", "away")
    return Inventory(
        path="sites.yaml",
        managed_prefix="app",
        coordinator="home",
        repos=(Repo(name="app", url="ssh://git@git.example/app", ref="main"),),
        sites=tuple(
            Site(name=name, manager=Manager(host=f"{name}-m"), state=SiteState.ACTIVE)
            for name in names
        ),
        units=(
            _spec(
                SERVER,
                services=("server", "exporter"),
                probes=(_health(),),
                requires=(PostgresProbe(name="database", host="db.example"),),
                announce=True,
                strategy=server,
            ),
            _spec(DAEMONS, SERVER, services=("stager", "healer"), strategy=Strategy.UPDATE),
            *(
                _spec(unit, SERVER, services=("api", "worker"), strategy=Strategy.UPDATE)
                for unit in CLIENTS
            ),
            _spec(EDGE, CLIENTS[1], services=("edge",)),
        ),
    )


def _health() -> HttpProbe:
    return HttpProbe(
        name="server health",
        host="127.0.0.1",
        port=8001,
        path="/health/check",
        expect=(JsonExpectation(path="status", equals="ok"),),
    )


def _spec(
    unit: Unit,
    *depends_on: Unit,
    services: tuple[str, ...],
    probes: tuple[HttpProbe, ...] = (),
    requires: tuple[PostgresProbe, ...] = (),
    announce: bool = False,
    strategy: Strategy = Strategy.RECREATE,
) -> UnitSpec:
    return UnitSpec(
        unit=unit,
        repo="app",
        compose=f"stacks/{unit.site}/{unit.stack}.yaml",
        depends_on=depends_on,
        must_have=services,
        probes=probes,
        requires=requires,
        announce=announce,
        strategy=strategy,
        policy=_POLICY,
    )
