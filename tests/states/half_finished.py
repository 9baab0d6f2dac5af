"""Runs that were left in the middle, and what people did to a fleet by hand."""

from orchestrator.simulation.behaviour import Kind
from orchestrator.simulation.faults import FaultKind
from tests.hamlet import DATABASE
from tests.states.reader import Act
from tests.states.state import (
    FAR_WORKER,
    Line,
    State,
    behaves,
    behaves_well,
    both,
    created,
    happens,
    hit,
    in_the_middle,
    killed,
    mended,
    passes,
    removed,
    stopped,
    typed,
)

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
        "removal.unknown",
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
        typed=hit(removed("app-edge", "far"), happens(FaultKind.NODE_FROZEN, "far", node="far-w1")),
        act=Act(
            named="far-w1",
            do=both(happens(FaultKind.NODE_BACK, "far", node="far-w1"), passes(40.0)),
        ),
    ),
)
