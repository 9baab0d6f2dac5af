"""The catalogue of states that somebody may find the fleet in, each a frozen value.

`scene` is what the fleet is like before; `typed` are the commands that bring it about, the last
one's screen is what whoever comes next sees; `code` is an error code that stands there; `act` is
what only a person can do about it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory
from orchestrator.simulation.behaviour import Behaviour, Kind
from orchestrator.simulation.faults import Fault, FaultKind, inject
from orchestrator.simulation.happening import What
from tests.hamlet import DATABASE, hamlet
from tests.states.keyboard import Keyboard, When
from tests.states.reader import Act

Thing = Callable[[Keyboard], None]
"""Something that a person does, or that befalls the fleet or a machine."""
HAMLET = hamlet()
FAR_WORKER = {"far": {"workers": ["far-w1"]}}
SEVERAL = {
    "home": {"managers": ["home-m2", "home-m3"], "workers": ["home-w1"]},
    "far": {"managers": ["far-m2", "far-m3"], "workers": ["far-w1"]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A command line, and what befalls whoever types it."""

    words: str
    killed: When | None = None
    stopped: When | None = None
    upon: tuple[tuple[When, Thing], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state. `goal` is whether all is to be up or down in the end."""

    name: str
    sites: dict[str, Any] = field(default_factory=dict)
    behaviours: tuple[dict[str, Any], ...] = ()
    shared: tuple[tuple[Unit, tuple[str, ...]], ...] = ()
    inventory: Inventory = HAMLET
    before: tuple[Thing, ...] = ()
    typed: tuple[Line, ...] = (Line(words="dtdeploy restart --all"),)
    after: tuple[Thing, ...] = ()
    anew: bool = False
    """Whether whoever comes has not seen the last screen."""
    elsewhere: bool = False
    """Whether whoever comes sits at another machine."""
    code: str = ""
    act: Act | None = None
    nobody_mends: bool = False
    """Whether the cause stays: then the other way that is offered has to lead out."""
    goal: str = "up"


# Things that happen


def happens(kind: FaultKind, site: str = "", **more: Any) -> Thing:
    """Return what brings a fault about at once."""

    def thing(keyboard: Keyboard) -> None:
        fleet = keyboard.desk.shared.fleet
        inject(fleet, Fault(at=fleet.clock.now, kind=kind, site=site, **more))

    return thing


def passes(seconds: float) -> Thing:
    """Return what lets time pass."""

    def thing(keyboard: Keyboard) -> None:
        clock = keyboard.desk.shared.fleet.clock
        clock.run_until(clock.now + seconds)

    return thing


def both(*things: Thing) -> Thing:
    def thing(keyboard: Keyboard) -> None:
        for one in things:
            one(keyboard)

    return thing


def removed(stack: str, site: str = "home") -> When:
    return When(what=What.SERVICE_REMOVED, stack=stack, site=site)


def created(stack: str, site: str = "home") -> When:
    return When(what=What.SERVICE_CREATED, stack=stack, site=site)


def killed(when: When, words: str = "dtdeploy restart --all") -> tuple[Line, ...]:
    return (Line(words=words, killed=when),)


def stopped(when: When, words: str = "dtdeploy restart --all") -> tuple[Line, ...]:
    return (Line(words=words, stopped=when),)


def hit(when: When, *things: Thing, words: str = "dtdeploy restart --all") -> tuple[Line, ...]:
    return (Line(words=words, upon=tuple((when, thing) for thing in things)),)


BACK = {
    FaultKind.LINK_CUT: FaultKind.LINK_OK,
    FaultKind.LINK_REFUSED: FaultKind.LINK_OK,
    FaultKind.LINK_HANGING: FaultKind.LINK_OK,
    FaultKind.HOST_KEY_CHANGED: FaultKind.LINK_OK,
    FaultKind.LOGIN_REFUSED: FaultKind.LINK_OK,
    FaultKind.DAEMON_STOPPED: FaultKind.DAEMON_STARTED,
    FaultKind.DAEMON_FROZEN: FaultKind.DAEMON_THAWED,
    FaultKind.QUORUM_LOST: FaultKind.QUORUM_BACK,
    FaultKind.REGISTRY_DENIED: FaultKind.REGISTRY_OK,
    FaultKind.REGISTRY_UNREACHABLE: FaultKind.REGISTRY_OK,
    FaultKind.FILE_REFUSED: FaultKind.FILE_TAKEN,
    FaultKind.FIELD_DROPPED: FaultKind.FIELD_KEPT,
    FaultKind.CHANNEL_REFUSES: FaultKind.CHANNEL_OK,
    FaultKind.CHANNEL_HANGS: FaultKind.CHANNEL_OK,
    FaultKind.CHANNEL_LOSES_REPLY: FaultKind.CHANNEL_OK,
}


def mended(kind: FaultKind, site: str = "", **more: Any) -> Thing:
    return both(happens(BACK[kind], site, **more), passes(40.0))


def before_anything(
    name: str, kind: FaultKind, code: str, named: str, site: str = "far", **more: Any
) -> State:
    """Return the state of a site that is not well when a restart is typed."""
    return State(
        name=name,
        before=(happens(kind, site), passes(1.0)),
        code=code,
        act=Act(named=named, do=mended(kind, site)),
        **more,
    )


def in_the_middle(
    name: str, when: When, kind: FaultKind, code: str, named: str, site: str = "far", **more: Any
) -> State:
    """Return the state that a run leaves to which something happens in the middle."""
    return State(
        name=name,
        typed=hit(when, happens(kind, site)),
        code=code,
        act=Act(named=named, do=mended(kind, site)),
        **more,
    )


def behaves(kind: Kind, stack: str, site: str = "far", service: str = "") -> Thing:
    return happens(
        FaultKind.BEHAVE, site, stack=stack, service=service, behaviour=Behaviour(kind=kind)
    )


def behaves_well(stack: str, site: str = "far") -> Thing:
    return both(
        behaves(Kind.GOOD, stack, site),
        happens(FaultKind.FREE, site, stack=stack),
        passes(5.0),
    )


def typed(*words: str) -> tuple[Line, ...]:
    return tuple(Line(words=line) for line in words)


CLIENTS_GO = removed("app-client", "far")
SERVER_GOES = removed("app")
SERVER_COMES = created("app")
CLIENTS_COME = created("app-client", "away")

HALF_FINISHED = (
    State(name="killed while clients go down", typed=killed(CLIENTS_GO), anew=True),
    State(name="killed while the server goes down", typed=killed(SERVER_GOES), anew=True),
    State(name="killed while the server comes up", typed=killed(SERVER_COMES), anew=True),
    State(name="killed while clients come up", typed=killed(CLIENTS_COME), anew=True),
    State(name="Ctrl-C while clients go down", typed=stopped(CLIENTS_GO)),
    State(name="Ctrl-C while the server comes up", typed=stopped(SERVER_COMES)),
    State(
        name="the laptop died, read elsewhere",
        typed=killed(SERVER_GOES),
        after=(passes(60.0),),
        anew=True,
        elsewhere=True,
    ),
    in_the_middle(
        "far cut off before its client goes down",
        removed("app-client", "away"),
        FaultKind.LINK_CUT,
        "removal.refused",
        "does not answer",
    ),
    in_the_middle(
        "far cut off while the server comes up",
        SERVER_COMES,
        FaultKind.LINK_CUT,
        "deploy.site-lost",
        "once far answers",
    ),
    State(
        name="far left out",
        before=(happens(FaultKind.LINK_CUT, "far"),),
        typed=typed(
            "dtdeploy restart --all --without far --accept-unknown app-client@far"
            " --accept-unknown app-edge@far --because 'its link is down'"
        ),
        act=Act(named="OWED", do=mended(FaultKind.LINK_CUT, "far")),
    ),
    State(
        name="a client's image crashes, not mended",
        before=(behaves(Kind.CRASH_LOOP, "app-client"),),
        code="deploy.unhealthy",
        act=Act(named="mend the cause|once the cause", do=behaves_well("app-client")),
    ),
    State(
        name="the daemons' image crashes, brought back by itself",
        behaviours=(
            {
                "image": "registry.example/app-daemons:2",
                "site": "home",
                "kind": "crash_loop",
                "run_seconds": 1.0,
            },
        ),
        typed=typed("dtdeploy restart --all --on-failure restore"),
        code="deploy.unhealthy",
    ),
    State(
        name="an image is missing, then pushed",
        before=(behaves(Kind.MISSING, "app-daemons", "home"),),
        code="deploy.unhealthy",
        act=Act(named="No such image", do=behaves_well("app-daemons", "home")),
    ),
    State(
        name="the database goes down with the server",
        typed=hit(SERVER_GOES, happens(FaultKind.OUTSIDE_DOWN, outside=DATABASE)),
        act=Act(
            named="db.example|once the cause",
            do=both(happens(FaultKind.OUTSIDE_UP, outside=DATABASE), passes(5.0)),
        ),
    ),
    State(
        name="the lock of a killed run broken",
        typed=(
            *killed(SERVER_GOES),
            Line(words="dtdeploy lock break {run} --because 'nobody knows it'"),
        ),
    ),
    State(
        name="the lock of a killed run removed by hand",
        typed=killed(SERVER_GOES),
        after=(happens(FaultKind.CONFIG_RM, "home"), passes(2.0)),
        anew=True,
    ),
    State(
        name="a client's stack removed by hand",
        typed=(),
        after=(happens(FaultKind.STACK_RM, "far", stack="app-client"), passes(20.0)),
        anew=True,
    ),
    State(
        name="the server scaled to nothing by hand",
        typed=(),
        after=(
            happens(FaultKind.SERVICE_SCALE, "home", stack="app", service="server", count=0),
            passes(20.0),
        ),
        anew=True,
    ),
    in_the_middle(
        "Docker crashed at far in the middle",
        created("app-client", "far"),
        FaultKind.DAEMON_STOPPED,
        "deploy.site-lost",
        "docker info|once far answers",
    ),
    State(
        name="a client that ignores being stopped",
        before=(behaves(Kind.STUCK, "app-client"), passes(1.0)),
        typed=typed("dtdeploy restart app-client@far", "dtdeploy restart --all"),
        code="removal.unfinished",
        act=Act(named="docker", do=behaves_well("app-client")),
    ),
    State(
        name="a worker frozen while its tasks go",
        sites=FAR_WORKER,
        typed=hit(
            removed("app-edge", "far"), happens(FaultKind.NODE_FROZEN, "far", node="far-w1")
        ),
        act=Act(
            named="far-w1",
            do=both(happens(FaultKind.NODE_BACK, "far", node="far-w1"), passes(40.0)),
        ),
    ),
)

BEFORE = (
    before_anything("far does not answer", FaultKind.LINK_CUT, "site.unreachable", "ssh far-m"),
    before_anything("far refuses", FaultKind.LINK_REFUSED, "site.unreachable", "ssh far-m"),
    before_anything("far hangs", FaultKind.LINK_HANGING, "site.unreachable", "ssh far-m"),
    before_anything(
        "far shows another key", FaultKind.HOST_KEY_CHANGED, "ssh.host-key-changed", "ssh far-m"
    ),
    before_anything(
        "far lets nobody in", FaultKind.LOGIN_REFUSED, "ssh.login-refused", "ssh far-m"
    ),
    before_anything(
        "the coordinator does not answer",
        FaultKind.LINK_CUT,
        "site.unreachable",
        "ssh home-m",
        "home",
    ),
    before_anything(
        "Docker is not running at far",
        FaultKind.DAEMON_STOPPED,
        "docker.not-running",
        "docker info",
    ),
    before_anything(
        "Docker does not answer at far", FaultKind.DAEMON_FROZEN, "docker.no-answer", "docker info"
    ),
    before_anything(
        "no quorum at far", FaultKind.QUORUM_LOST, "swarm.no-quorum", "docker node ls", sites=SEVERAL
    ),
    before_anything(
        "the registry lets far not in",
        FaultKind.REGISTRY_DENIED,
        "registry.login-refused",
        "docker login",
    ),
    before_anything(
        "far cannot reach the registry",
        FaultKind.REGISTRY_UNREACHABLE,
        "registry.unreachable",
        "registry",
    ),
    before_anything(
        "far's docker takes no such file",
        FaultKind.FILE_REFUSED,
        "source.manager-refuses",
        "update Docker",
    ),
    before_anything(
        "an announcement is refused",
        FaultKind.CHANNEL_REFUSES,
        "announce.refused",
        "announce",
        "",
    ),
    before_anything(
        "an announcement's answer is lost",
        FaultKind.CHANNEL_LOSES_REPLY,
        "announce.unknown",
        "channel",
        "",
    ),
    State(
        name="the database is down",
        before=(happens(FaultKind.OUTSIDE_DOWN, outside=DATABASE),),
        code="preflight.dependency-down",
        act=Act(named="mend database", do=happens(FaultKind.OUTSIDE_UP, outside=DATABASE)),
    ),
    State(
        name="a dead worker, brought back",
        sites={"far": {"workers": ["far-w1"], "down": ["far-w1"]}},
        code="swarm.node-not-ready",
        act=Act(
            named="bring it back",
            do=both(happens(FaultKind.NODE_BACK, "far", node="far-w1"), passes(40.0)),
        ),
    ),
    State(
        name="a dead worker, answered for",
        nobody_mends=True,
        sites={"far": {"workers": ["far-w1"], "down": ["far-w1"]}},
        code="swarm.node-not-ready",
    ),
    State(
        name="a dead worker, and its site left out",
        nobody_mends=True,
        sites={"far": {"workers": ["far-w1"], "down": ["far-w1"]}},
        typed=typed("dtdeploy restart --all --without far --because 'a worker is dead'"),
        code="without.runs",
    ),
    State(
        name="one of three managers is dead",
        nobody_mends=True,
        sites=SEVERAL,
        before=(happens(FaultKind.MANAGER_DIES, "far"), passes(30.0)),
    ),
    State(
        name="the manager that leads dies in the middle",
        nobody_mends=True,
        sites=SEVERAL,
        typed=hit(SERVER_GOES, happens(FaultKind.MANAGER_DIES, "home")),
    ),
)

STATES = (*HALF_FINISHED, *BEFORE)
