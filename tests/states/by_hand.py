"""Things that the fleet lacks or has too many of, and commands that do not fit what runs."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from orchestrator.fleet.freeze import Recurring
from orchestrator.fleet.guard import CommandGuard
from orchestrator.inventory.model import Inventory, Manager, SiteState
from orchestrator.simulation.behaviour import Behaviour, Kind
from orchestrator.simulation.faults import FaultKind
from tests.hamlet import CLIENTS, DAEMONS
from tests.states import answers
from tests.states.answers import Change
from tests.states.half_finished import SERVER_GOES
from tests.states.keyboard import Keyboard
from tests.states.reader import Act
from tests.states.state import (
    HAMLET,
    SEVERAL,
    Line,
    State,
    Thing,
    behaves,
    behaves_well,
    both,
    created,
    happens,
    hit,
    killed,
    mended,
    passes,
    removed,
    typed,
)

HOME = CLIENTS[0]
FAR = CLIENTS[1]
NIGHT = Recurring(
    cron="* * * * *", lasts_seconds=3600, zone=ZoneInfo("UTC"), reason="it is never allowed"
)
FROZEN = replace(HAMLET, freezes=(NIGHT,))
GUARDED = replace(HAMLET, guards=(CommandGuard(name="telescope", command=("idle",)),))


def _away(state: SiteState) -> Inventory:
    sites = (replace(s, state=state) if s.name == "away" else s for s in HAMLET.sites)
    return replace(HAMLET, sites=tuple(sites))


WATCHED, PLANNED = _away(SiteState.WATCHED), _away(SiteState.PLANNED)
OTHER = replace(HAMLET, managed_prefix="")
SHARED = ((HOME, (DAEMONS.stack,)),)


def world(change: Change) -> Thing:
    """Return what makes the world of each command another one."""

    def thing(keyboard: Keyboard) -> None:
        keyboard.changes.append(change)

    return thing


def well_again(keyboard: Keyboard) -> None:
    """Let the world of each command be as it should be."""
    keyboard.changes.clear()


def inventory(changed: object) -> Thing:
    def thing(keyboard: Keyboard) -> None:
        keyboard.desk.inventory = changed  # type: ignore[assignment]  # an inventory

    return thing


def conditions(site: str, **values: object) -> Thing:
    """Return what changes what preflight finds on a site's manager."""

    def thing(keyboard: Keyboard) -> None:
        at = keyboard.desk.shared.fleet.sites[site]
        at.conditions = replace(at.conditions, **values)  # type: ignore[arg-type]  # its fields

    return thing


def later(seconds: float, kind: FaultKind) -> Thing:
    """Return what befalls the client at away in so many seconds."""

    def thing(keyboard: Keyboard) -> None:
        clock = keyboard.desk.shared.fleet.clock
        fault = happens(kind, "away", stack="app-client", behaviour=Behaviour(kind=Kind.CRASH_LOOP))
        clock.at(clock.now + seconds, fault, keyboard)

    return thing


def disk_freed(site: str) -> Thing:
    return conditions(site, disk_free_bytes=5 * 10**10)


def image(*, missing: bool) -> Thing:
    def thing(keyboard: Keyboard) -> None:
        there = keyboard.desk.shared.fleet.sites["far"].swarm.registry.missing
        name = "registry.example/app-edge:2"
        there.add(name) if missing else there.discard(name)

    return thing


def stranger_gone(keyboard: Keyboard) -> None:
    """Let a person remove the stack that nobody declared."""
    both(happens(FaultKind.STACK_RM, "far", stack="app-old"), passes(20.0))(keyboard)


BY_HAND = (
    State(
        name="all down and up again, where units use what others make",
        shared=SHARED,
        typed=typed("dtdeploy down --all", "dtdeploy up --all"),
    ),
    State(
        name="all is down, nobody knows why",
        typed=typed("dtdeploy down --all"),
        anew=True,
    ),
    State(
        name="what is used by others is taken down",
        shared=SHARED,
        typed=typed("dtdeploy down app-daemons@home"),
        anew=True,
    ),
    State(
        name="the server's one service has no task, and nothing else moved",
        before=(
            *(
                happens(FaultKind.SERVICE_SCALE, "home", stack="app", service=name, count=0)
                for name in ("server", "exporter")
            ),
            passes(20.0),
        ),
        typed=typed("dtdeploy up app@home"),
    ),
    State(
        name="a client is restarted while its server is down",
        before=(happens(FaultKind.STACK_RM, "home", stack="app"), passes(20.0)),
        typed=typed("dtdeploy restart app-client@far"),
        code="deploy.refused",
    ),
    State(
        name="a client is brought up while its server is down",
        before=(
            happens(FaultKind.STACK_RM, "home", stack="app"),
            happens(FaultKind.STACK_RM, "far", stack="app-client"),
            passes(20.0),
        ),
        typed=typed("dtdeploy up app-client@far"),
    ),
    State(
        name="a server of another revision is brought up under what runs",
        before=(
            happens(FaultKind.SERVICE_SCALE, "home", stack="app", service="server", count=0),
            passes(20.0),
        ),
        typed=typed("dtdeploy up app@home"),
        code="deploy.over-running",
    ),
    State(
        name="a unit is to be updated in place that declares nothing of the kind",
        typed=typed("dtdeploy deploy app@home --strategy update"),
        code="deploy.not-in-place",
    ),
    State(
        name="a unit is accepted as unknown, its site not left out",
        before=(happens(FaultKind.LINK_CUT, "far"),),
        typed=typed(
            "dtdeploy restart --all --accept-unknown app-client@far --because 'its link is down'"
        ),
        act=Act(named="OWED", do=mended(FaultKind.LINK_CUT, "far")),
    ),
    State(
        name="a site is left out that cannot be seen",
        before=(happens(FaultKind.LINK_CUT, "far"),),
        typed=typed("dtdeploy restart --all --without far --because 'its link is down'"),
        code="without.unknown",
        act=Act(named="OWED", do=mended(FaultKind.LINK_CUT, "far")),
    ),
    State(
        name="a site is left out without a reason",
        before=(happens(FaultKind.LINK_CUT, "far"),),
        typed=typed("dtdeploy restart --all --without far"),
        act=Act(named="OWED", do=mended(FaultKind.LINK_CUT, "far")),
    ),
    State(
        name="a site is left out, and it can be seen",
        typed=typed("dtdeploy restart --all --without far --because 'it is slow'"),
        code="without.runs",
    ),
    State(
        name="owed at a site that is still away",
        before=(happens(FaultKind.LINK_CUT, "far"),),
        typed=typed(
            "dtdeploy restart --all --without far --accept-unknown app-client@far"
            " --accept-unknown app-edge@far --because 'its link is down'"
        ),
        anew=True,
        act=Act(named="once far answers", do=mended(FaultKind.LINK_CUT, "far")),
    ),
    State(
        name="owed, and another run killed half-way",
        before=(happens(FaultKind.LINK_CUT, "far"),),
        typed=(
            *typed(
                "dtdeploy restart --all --without far --accept-unknown app-client@far"
                " --accept-unknown app-edge@far --because 'its link is down'"
            ),
            Line(
                words="dtdeploy restart app-daemons@home",
                killed=removed("app-daemons"),
                upon=((removed("app-daemons"), happens(FaultKind.LINK_OK, "far")),),
            ),
        ),
        after=(mended(FaultKind.LINK_CUT, "far"),),
        anew=True,
    ),
    State(
        name="a freeze holds",
        inventory=FROZEN,
        code="freeze.holds",
        act=Act(named="wait until", do=inventory(HAMLET)),
    ),
    State(
        name="a freeze holds, and it cannot wait",
        inventory=FROZEN,
        code="freeze.holds",
        nobody_mends=True,
    ),
    State(
        name="a guard says no",
        inventory=GUARDED,
        before=(world(answers.guard_says(agrees=False)),),
        code="guard.objects",
        act=Act(named="wait until it agrees", do=both(well_again, inventory(HAMLET))),
    ),
    State(
        name="a guard says no, and it cannot wait",
        inventory=GUARDED,
        before=(world(answers.guard_says(agrees=False)),),
        code="guard.objects",
        nobody_mends=True,
    ),
    State(
        name="a stack of the system that nobody declared",
        sites={"far": {"undeclared": ["app-old"]}},
        code="swarm.undeclared-stack",
        act=Act(named="docker stack rm app-old", do=stranger_gone),
    ),
    State(
        name="a watched site blocks a removal",
        inventory=WATCHED,
        code="removal.blocked",
        act=Act(named="make the site active", do=inventory(HAMLET)),
    ),
    State(
        name="a site that is watched is selected",
        inventory=WATCHED,
        typed=typed("dtdeploy restart --site away"),
        code="selection.watched",
        act=Act(named="set `state: active` for away", do=inventory(HAMLET)),
    ),
    State(
        name="a site that is planned is selected",
        before=(inventory(PLANNED),),
        typed=typed("dtdeploy up --site away"),
        code="selection.planned",
        act=Act(named="set `state: active` for away", do=inventory(HAMLET)),
    ),
    State(
        name="too little disk at far",
        sites={"far": {"disk_free_gb": 0.2}},
        code="site.disk-low",
        act=Act(named="docker image prune", do=disk_freed("far")),
    ),
    State(
        name="far's clock is wrong",
        sites={"far": {"clock_offset_seconds": 60.0}},
        code="site.clock-skew",
        act=Act(named="timedatectl", do=conditions("far", clock_offset_seconds=0.0)),
    ),
    State(
        name="far's engine is too old",
        sites={"far": {"api_version": "1.39"}},
        code="docker.too-old",
        act=Act(named="update Docker", do=conditions("far", api_version="1.41")),
    ),
    State(
        name="an image is not pushed yet",
        before=(image(missing=True),),
        code="registry.image-missing",
        act=Act(named="push the image", do=image(missing=False)),
    ),
    State(
        name="a port is taken at home",
        sites={"home": {"listening": [8001]}},
        typed=typed("dtdeploy down --all", "dtdeploy up --all"),
        code="swarm.port-taken",
        act=Act(named="stop it or move it", do=conditions("home", listening=())),
    ),
    State(
        name="a manager of a half-finished run is dead, its sites.yaml edited since",
        sites=SEVERAL,
        typed=killed(SERVER_GOES),
        after=(
            happens(FaultKind.MANAGER_DIES, "far"),
            passes(30.0),
            inventory(
                replace(
                    HAMLET,
                    sites=tuple(
                        replace(s, manager=Manager(host="far-m2"), others=(s.manager,))
                        if s.name == "far"
                        else s
                        for s in HAMLET.sites
                    ),
                )
            ),
        ),
        anew=True,
    ),
    State(
        name="a half-finished run, and another inventory since",
        typed=(*killed(SERVER_GOES, then=inventory(OTHER)), Line(words="dtdeploy resume")),
        code="plan.other-inventory",
        act=Act(named="git pull", do=inventory(HAMLET)),
    ),
    State(
        name="a half-finished run, and another inventory for good",
        typed=killed(SERVER_GOES),
        after=(inventory(OTHER),),
        anew=True,
        nobody_mends=True,
    ),
    State(
        name="the journal cannot be written",
        before=(world(answers.disk(answers.UNLISTED)),),
        code="journal.unreadable",
        act=Act(named="ls -la", do=well_again),
    ),
    State(
        name="a client that breaks right after it came up",
        typed=hit(
            created("app-edge", "far"),
            behaves(Kind.CRASH_LOOP, "app-client", "away"),
            happens(FaultKind.KILL, "away", stack="app-client"),
        ),
        act=Act(named="once the cause", do=behaves_well("app-client", "away")),
    ),
    State(
        name="a client that breaks after it was found stable",
        typed=hit(
            created("app-edge", "far"), later(5.0, FaultKind.BEHAVE), later(5.1, FaultKind.KILL)
        ),
        code="run.broke-later",
        act=Act(named="once the cause", do=behaves_well("app-client", "away")),
    ),
    State(
        name="a client that breaks while it is left alone",
        before=(happens(FaultKind.STACK_RM, "far", stack="app-edge"), passes(20.0)),
        typed=hit(
            created("app-edge", "far"),
            later(0.1, FaultKind.BEHAVE),
            later(0.2, FaultKind.KILL),
            words="dtdeploy up --all",
        ),
        code="run.left-unhealthy",
        act=Act(named="once the cause|docker", do=behaves_well("app-client", "away")),
    ),
    State(
        name="a rollback of a run that nobody knows",
        typed=typed("dtdeploy rollback run-of-yesterday"),
        code="rollback.unknown-run",
    ),
)
