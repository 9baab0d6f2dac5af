"""Small values for tests: only what a test is about has to be said."""

from dataclasses import replace

from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.desired import DesiredService, DesiredStack, Policy
from orchestrator.fleet.observed import (
    Container,
    Node,
    NodeState,
    Resource,
    Service,
    Sight,
    SwarmInfo,
    Task,
    TaskState,
    Unseen,
)
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.inventory.model import Inventory, Manager, Repo, Site, SiteState, UnitSpec
from orchestrator.planning.plan import Action, Before, Command, Plan, Step, UnitPlan
from orchestrator.sources.model import Release, Sourced

CLIENT = Unit(stack="app-client", site="far")
SERVER = Unit(stack="app", site="home")
DAEMONS = Unit(stack="app-daemons", site="home")
HOME_CLIENT = Unit(stack="app-client", site="home")
SHA = "a" * 40


def node(
    name: str = "far-m",
    state: NodeState = NodeState.READY,
    *,
    leader: bool = True,
    **other: object,
) -> Node:
    base = Node(id=f"id-{name}", hostname=name, state=state, manager=leader, leader=leader)
    return replace(base, **other)  # type: ignore[arg-type]  # keyword values are the caller's own


def service(name: str = "web", stack: str = CLIENT.stack, **other: object) -> Service:
    base = Service(id=f"svc-{stack}-{name}", name=f"{stack}_{name}", stack=stack, version=1)
    return replace(base, **other)  # type: ignore[arg-type]  # keyword values are the caller's own


def task(
    name: str = "web",
    stack: str = CLIENT.stack,
    state: TaskState = TaskState.RUNNING,
    number: int = 1,
    **other: object,
) -> Task:
    base = Task(
        id=f"task-{stack}-{name}-{number}",
        service_id=f"svc-{stack}-{name}",
        stack=stack,
        slot="1",
        state=state,
        desired=TaskState.RUNNING,
        node_id="id-far-m",
    )
    return replace(base, **other)  # type: ignore[arg-type]  # keyword values are the caller's own


def container(stack: str = CLIENT.stack, state: str = "running") -> Container:
    return Container(id=f"c-{stack}", name=f"{stack}_web.1", stack=stack, state=state)


def resource(name: str, stack: str = CLIENT.stack) -> Resource:
    return Resource(id=f"id-{name}", name=name, stack=stack)


def info(**other: object) -> SwarmInfo:
    base = SwarmInfo(node_id="id-far-m", node_state="active", control=True)
    return replace(base, **other)  # type: ignore[arg-type]  # keyword values are the caller's own  # type: ignore[arg-type]  # keyword values are the caller's own


def sight(site: str = CLIENT.site, at: float = 100.0, **parts: object) -> Sight:
    base = Sight(site=site, started=at, at=at, info=info(), nodes=(node(),))
    return replace(base, **parts)  # type: ignore[arg-type]  # keyword values are the caller's own


def unseen(site: str = CLIENT.site, at: float = 100.0) -> Unseen:
    problem = Problem(
        code="site.unreachable", what="timed out", exit_code=ExitCode.SITE_UNREACHABLE
    )
    return Unseen(site=site, at=at, problem=problem)


def desired(unit: Unit = CLIENT, *services: DesiredService) -> DesiredStack:
    return DesiredStack(unit=unit, services=services or (wanted(),))


def wanted(name: str = "web", **other: object) -> DesiredService:
    base = DesiredService(name=name, image="registry/app:1")
    return replace(base, **other)  # type: ignore[arg-type]  # keyword values are the caller's own


def sourced(unit: Unit, *services: DesiredService, sha: str = SHA) -> Sourced:
    release = Release(
        unit=unit,
        revision=Revision(repo="app", sha=sha),
        name=f"{unit.stack}-{sha[:12]}",
        digest="d" * 64,
        compose=f"stacks/{unit.stack}.yaml",
        files=(),
    )
    return Sourced(desired=desired(unit, *services), release=release)


def spec(unit: Unit, *depends_on: Unit, **other: object) -> UnitSpec:
    base = UnitSpec(
        unit=unit,
        repo="app",
        compose=f"stacks/{unit.stack}.yaml",
        depends_on=depends_on,
        policy=Policy(poll_seconds=0.5, stable_seconds=10),
    )
    return replace(base, **other)  # type: ignore[arg-type]  # keyword values are the caller's own


def inventory(
    *more: UnitSpec, states: dict[str, SiteState] | None = None, extra_sites: tuple[str, ...] = ()
) -> Inventory:
    """Two sites: the server, daemons and a client at home, a client far away."""
    states = states or {}
    names = ("home", "far", *extra_sites)
    return Inventory(
        path="sites.yaml",
        managed_prefix="app",
        coordinator="home",
        repos=(Repo(name="app", url="ssh://git@example.org/app", ref="main"),),
        sites=tuple(
            Site(
                name=name,
                manager=Manager(host=f"{name}.example"),
                state=states.get(name, SiteState.ACTIVE),
                position=f"sites.yaml:{number}:3",
            )
            for number, name in enumerate(names, 1)
        ),
        units=(
            spec(SERVER, announce=True),
            spec(DAEMONS, SERVER),
            spec(HOME_CLIENT, SERVER),
            spec(CLIENT, SERVER),
            *more,
        ),
    )


def unit_plan(unit: Unit, action: Action = Action.RESTART, **other: object) -> UnitPlan:
    base = UnitPlan(
        unit=unit,
        action=action,
        reason="selected by --all",
        before=Before(presence=Presence.PRESENT, services=("web",), revision=SHA),
        services=("web",),
        dependents=(HOME_CLIENT, CLIENT, DAEMONS) if unit == SERVER else (),
        dependencies=() if unit == SERVER else (SERVER,),
    )
    return replace(base, **other)  # type: ignore[arg-type]  # keyword values are the caller's own


def plan(*units: UnitPlan, steps: tuple[Step, ...] = (), **other: object) -> Plan:
    base = Plan(
        command=Command.RESTART,
        selection="--all",
        coordinator="home",
        revisions=(),
        units=units,
        steps=steps,
    )
    return replace(base, **other)  # type: ignore[arg-type]  # keyword values are the caller's own


def running(unit: Unit, *names: str, at: float = 100.0, number: int = 1) -> Sight:
    """Show `unit` alone, healthy, with one task a service."""
    names = names or ("web",)
    return sight(
        unit.site,
        at,
        services=tuple(service(name, unit.stack) for name in names),
        tasks=tuple(task(name, unit.stack, number=number) for name in names),
    )
