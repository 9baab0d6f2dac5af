"""Plans with one danger planted in each; `python -m tests.ui.dangers` prints their screens."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from orchestrator.engine.gather import look_at
from orchestrator.fleet.freeze import Frozen
from orchestrator.fleet.guard import GuardAnswer
from orchestrator.fleet.observed import (
    Fact,
    Look,
    Resource,
    Service,
    Sight,
    TaskState,
    Unseen,
)
from orchestrator.fleet.running import LABEL_REVISION
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.differences import with_differences
from orchestrator.planning.hazards import with_hazards
from orchestrator.planning.holding_off import Weather, under
from orchestrator.planning.plan import NO_OVERRIDE, Command, Plan
from orchestrator.planning.planner import make_plan
from orchestrator.planning.scope import make_scope
from orchestrator.planning.selection import Request
from orchestrator.sources.lineage import Descent, Lineage
from orchestrator.sources.model import Sourced
from orchestrator.ui.plan_view import render_plan
from tests.build import unseen
from tests.simulated import ALL, PRODUCTION, Simulated, simulated
from tests.ui.values import past

ROWS, COLUMNS = 24, 80
SERVER = Unit(stack="datatrail", site="chime")
KKO = Unit(stack="datatrail-client", site="kko")
GBO = Unit(stack="datatrail-client", site="gbo")
Looks = dict[str, Look]


@dataclass(slots=True, kw_only=True)
class Scene:
    """All that a plan is made from; a plant changes some of it."""

    inventory: Inventory = PRODUCTION
    command: Command = Command.RESTART
    request: Request = ALL
    looks: Looks
    sourced: dict[Unit, Sourced]
    lineages: list[Lineage] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    weather: Weather = field(default_factory=Weather)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A danger, how it comes about, and the words by which a reader has to find it."""

    plant: Callable[[Scene], None]
    words: tuple[str, ...]


def plan_with(danger: Planted) -> Plan:
    """Return the plan of a fleet in which everything runs, but for this one thing."""
    sim = simulated(generation=2)
    scene = scene_of(sim)
    danger.plant(scene)
    inventory, looks = scene.inventory, scene.looks
    pins = {s.release.revision.repo: s.release.revision for s in scene.sourced.values()}
    scope = make_scope(inventory, scene.command, scene.request, looks, pins)
    plan = make_plan(
        inventory,
        command=scene.command,
        request=scene.request,
        scope=scope,
        looks=looks,
        sourced={unit: scene.sourced[unit] for unit in scope.to_read},
    )
    made = with_hazards(
        inventory,
        plan,
        looks=looks,
        sourced=scene.sourced,
        lineages=scene.lineages,
        history=past(14),
    )
    told = with_differences(
        inventory,
        made,
        looks=looks,
        sourced=scene.sourced,
        digests=scene.digests,
        volumes={},
        spans=(),
    )
    return under(told, scene.weather, NO_OVERRIDE)


def scene_of(sim: Simulated) -> Scene:
    sites = [s.name for s in sim.inventory.sites if s.state is not SiteState.PLANNED]
    return Scene(looks=look_at(sim.backend, sites), sourced=dict(sim.sources))


def screen(danger: Planted) -> list[str]:
    """Return what a terminal of 80 columns and 24 rows shows of a plan's beginning."""
    rows = [
        line[start : start + COLUMNS]
        for line in render_plan(plan_with(danger), COLUMNS)
        for start in range(0, max(len(line), 1), COLUMNS)
    ]
    return rows[:ROWS]


def sight_of(scene: Scene, site: str) -> Sight:
    look = scene.looks[site]
    assert isinstance(look, Sight)
    return look


def site_unknown(scene: Scene) -> None:
    scene.looks["gbo"] = _blind("gbo")


def left_out(scene: Scene) -> None:
    scene.looks["gbo"] = _blind("gbo")
    scene.request = Request(
        everything=True,
        without=("gbo",),
        because="its link is down",
        accept_unknown=(str(GBO),),
    )


def _blind(site: str) -> Unseen:
    look = unseen(site)
    return replace(look, problem=replace(look.problem, what="the manager does not answer"))


def _lineage(scene: Scene, descent: Descent, *, usual: bool) -> Lineage:
    new = scene.sourced[SERVER].release.revision
    service = next(s for s in sight_of(scene, "chime").services if s.stack == SERVER.stack)
    return Lineage(
        revision=new,
        ref="main",
        usual=usual,
        descents=((service.label(LABEL_REVISION), descent),),
    )


def wrong_ref(scene: Scene) -> None:
    scene.lineages.append(_lineage(scene, Descent.FORWARD, usual=False))


def ref_goes_back(scene: Scene) -> None:
    scene.lineages.append(_lineage(scene, Descent.BACK, usual=True))


def foreign_stack(scene: Scene) -> None:
    look = sight_of(scene, "kko")
    stray = Service(id="x", name="datatrail-old_web", stack="datatrail-old", version=1)
    scene.looks["kko"] = replace(look, services=(*look.services, stray))


def lacks_must_have(scene: Scene) -> None:
    whole = scene.sourced[KKO]
    fewer = replace(whole.desired, services=whole.desired.services[1:])
    scene.sourced[KKO] = replace(whole, desired=fewer)


def watched_client(scene: Scene) -> None:
    sites = tuple(
        replace(site, state=SiteState.WATCHED) if site.name == "gbo" else site
        for site in scene.inventory.sites
    )
    scene.inventory = replace(scene.inventory, sites=sites)


def sick_dependency(scene: Scene) -> None:
    scene.request = Request(units=(str(KKO),))
    look = sight_of(scene, "chime")
    tasks = tuple(
        replace(task, state=TaskState.PENDING) if task.stack == SERVER.stack else task
        for task in look.tasks
    )
    scene.looks["chime"] = replace(look, tasks=tasks)


def nobody_knows_former(scene: Scene) -> None:
    look = sight_of(scene, "kko")
    scene.looks["kko"] = replace(
        look, services=tuple(replace(service, labels=()) for service in look.services)
    )


def volume_orphaned(scene: Scene) -> None:
    look = sight_of(scene, "chime")
    mount = Fact("mount", "/data", "volume datatrail_data")
    services = tuple(
        replace(service, facts=(*service.facts, mount)) if service.stack == "datatrail" else service
        for service in look.services
    )
    scene.looks["chime"] = replace(look, services=services)


def secret_removed(scene: Scene) -> None:
    look = sight_of(scene, "kko")
    lost = Resource(id="x", name="datatrail-client_token", stack="datatrail-client")
    scene.looks["kko"] = replace(look, secrets=(*look.secrets, lost))


def tag_moved(scene: Scene) -> None:
    look = sight_of(scene, "kko")
    image = scene.sourced[KKO].desired.services[0].image
    name = scene.sourced[KKO].desired.service_name(scene.sourced[KKO].desired.services[0])
    pinned = f"{image}@sha256:{'1' * 64}"
    services = tuple(
        replace(service, image=pinned) if service.name == name else service
        for service in look.services
    )
    scene.looks["kko"] = replace(look, services=services)
    scene.digests = {image: f"sha256:{'2' * 64}"}


def frozen_now(scene: Scene) -> None:
    held = Frozen(reason="the holidays", ends=1.8e9, until="2027-01-04 08:00 PST")
    scene.weather = Weather(frozen=(held,))


def guard_objects(scene: Scene) -> None:
    answer = GuardAnswer(name="telescope", agrees=False, words="observing until 23:00")
    scene.weather = Weather(guards=(answer,))


def down_for_good(scene: Scene) -> None:
    scene.command = Command.DOWN
    scene.request = Request(units=(str(SERVER),))


DANGERS = {
    "a volume that the new compose file does not declare": Planted(
        plant=volume_orphaned, words=("NO WAY BACK", "does not declare volume datatrail_data")
    ),
    "a secret that the new compose file does not declare": Planted(
        plant=secret_removed, words=("NO WAY BACK", "secret datatrail-client_token: gone for good")
    ),
    "an image that moved under its tag": Planted(
        plant=tag_moved, words=("DANGER", str(KKO), "moved: 111111111111 runs, the tag leads to")
    ),
    "a freeze holds": Planted(
        plant=frozen_now, words=("FROZEN", "until 2027-01-04 08:00 PST: the holidays")
    ),
    "a guard objects": Planted(
        plant=guard_objects, words=("OBJECTS", "telescope: observing until 23:00")
    ),
    "a site where the server's clients run cannot be seen": Planted(
        plant=site_unknown, words=("UNSEEN", "gbo: the manager does not answer", "cannot be seen")
    ),
    "a client that nobody can see is left out": Planted(
        plant=left_out, words=("DANGER", f"{GBO} may run on while what it needs goes")
    ),
    "a commit that is on no usual branch": Planted(
        plant=wrong_ref, words=("DANGER", "is not on main, which sites.yaml names")
    ),
    "a commit that is older than what runs": Planted(
        plant=ref_goes_back, words=("NO WAY BACK", "is older than", str(SERVER))
    ),
    "a stack of the system that nobody declared": Planted(
        plant=foreign_stack, words=("DANGER", "stack datatrail-old runs at kko")
    ),
    "a compose file lacks a service that people rely on": Planted(
        plant=lacks_must_have, words=("DANGER", f"{KKO}: stacks/kko-client.yaml lacks")
    ),
    "a watched client blocks the server": Planted(
        plant=watched_client, words=("DANGER", f"{GBO} is watched: while it runs", str(SERVER))
    ),
    "what a client needs is not healthy": Planted(
        plant=sick_dependency, words=("DANGER", f"{SERVER} is pending", f"{KKO} will not be")
    ),
    "nobody knows what ran before": Planted(
        plant=nobody_knows_former, words=("NO WAY BACK", f"former revision of {KKO}")
    ),
    "the server goes down and stays down": Planted(
        plant=down_for_good, words=("RISK", "until it is brought up again", "for everybody")
    ),
}


def main() -> None:
    """Print what a reader of each plan sees first."""
    for number, (name, danger) in enumerate(DANGERS.items(), start=1):
        print(f"\n#### {number}. {name}\n")  # noqa: T201 - printing is what it is for
        print("\n".join(screen(danger)))  # noqa: T201 - printing is what it is for


if __name__ == "__main__":
    main()
