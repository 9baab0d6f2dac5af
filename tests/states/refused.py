"""What stops a run before it touches anything, or in the middle of it."""

from orchestrator.simulation.faults import FaultKind
from tests.hamlet import DATABASE
from tests.states.half_finished import SERVER_GOES
from tests.states.reader import Act
from tests.states.state import SEVERAL, State, before_anything, both, happens, hit, passes, typed

REFUSED = (
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
        "no quorum at far",
        FaultKind.QUORUM_LOST,
        "swarm.no-quorum",
        "docker node ls",
        sites=SEVERAL,
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
