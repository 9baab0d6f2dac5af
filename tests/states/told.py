"""What a site, a repository, a Swarm or this machine may say, each in the product's own words."""

from dataclasses import replace
from pathlib import Path

from orchestrator.cli.announcing import UrlPlaces
from orchestrator.engine import journal_trouble
from orchestrator.errors import Problem
from orchestrator.fleet.observed import Fact
from orchestrator.fleet.unit import Unit
from orchestrator.notify.channel import unusable
from orchestrator.simulation import api, orchestration, rollout
from orchestrator.simulation.faults import FaultKind
from orchestrator.simulation.happening import What
from orchestrator.simulation.synthetic import made_up
from orchestrator.swarm import problems
from tests.hamlet import CLIENTS, DAEMONS
from tests.simulated import simulated
from tests.states import answers
from tests.states.by_hand import SHARED, well_again, world
from tests.states.half_finished import SERVER_COMES, SERVER_GOES
from tests.states.keyboard import Keyboard, When
from tests.states.reader import Act
from tests.states.state import (
    HAMLET,
    Line,
    State,
    both,
    happens,
    hit,
    killed,
    mended,
    passes,
    typed,
)

FILE = Path("/home/ops/.local/state/dtdeploy/runs/r1.sqlite")


def told(name: str, change: answers.Change, problem: Problem, named: str) -> State:
    """Return the state of a world in which that change makes for `problem`."""
    return State(
        name=f"{name} {problem.code}",
        before=(world(change),),
        code=problem.code,
        act=Act(named=named, do=well_again),
    )


def answered(problem: Problem, named: str) -> State:
    """Return the state of a site that says `problem` to whoever looks at it."""
    return told("a site says", answers.says(problem), problem, named)


def on_disk(problem: Problem, named: str) -> State:
    return told("this machine's disk says", answers.disk(problem), problem, named)


def unannounced(problem: Problem, named: str) -> State:
    return told("nobody can be told:", answers.nowhere(problem), problem, named)


ANSWERED = (
    answered(problems.busy("far", "channel open failed"), "MaxSessions"),
    answered(problems.config_invalid("far", "~/.ssh/config", "line 3: Bad"), "ssh -G"),
    answered(
        problems.host_key_unknown("far", "far-m", "SHA256:x", "ssh-keyscan far-m"), "ssh-keyscan"
    ),
    answered(problems.known_hosts_unreadable("far", FILE, 3, "no key"), "correct or delete line 3"),
    answered(problems.host_key_revoked("far", "far-m", "SHA256:x"), "ask the site's"),
    answered(problems.docker("far", "docker.not-installed"), "command -v docker"),
    answered(problems.docker("far", "docker.no-permission"), "usermod -aG docker"),
    answered(problems.docker("far", "docker.refused"), "docker node ls"),
    answered(problems.docker("far", "docker.unreadable"), "report this"),
    answered(problems.docker("far", "swarm.inactive"), "docker info"),
    answered(problems.docker("far", "swarm.not-manager"), "in sites.yaml"),
    answered(problems.docker("far", "swarm.locked"), "docker swarm unlock"),
    answered(problems.docker("far", "swarm.certificates-expired"), "docker swarm ca --rotate"),
    answered(problems.other_swarm("far", "far-m2", "found", "known"), "on each manager"),
    on_disk(journal_trouble.damaged(FILE, "row 3 is not what was written"), "mv .*damaged"),
    on_disk(journal_trouble.other_version(FILE, 9), "mv .*format-9"),
    on_disk(journal_trouble.too_large(FILE, 10**7, 10**6), "site by site"),
    unannounced(unusable({"ANNOUNCE_URL": "nonsense://"})[0], "set ANNOUNCE_URL"),
    unannounced(
        UrlPlaces(replace(HAMLET, announce=("X",)), {}, lambda: 0.0).problems()[0], "set X"
    ),
    State(
        name="a compose file that cannot be deployed",
        before=(world(answers.repository(answers.NOT_COMPOSE)),),
        code="source.not-compose",
        act=Act(named="correct it", do=well_again),
    ),
    State(
        name="git cannot fetch",
        before=(world(answers.repository(answers.NOT_FETCHED)),),
        code="source.fetch-failed",
        act=Act(named="ssh -T", do=well_again),
    ),
)


# Locks


def lock_is_junk(keyboard: Keyboard) -> None:
    swarm = keyboard.desk.shared.fleet.sites["home"].swarm
    api.create_config(swarm, "dtdeploy.run", stack="", data=b"by hand")


def record_is_junk(keyboard: Keyboard) -> None:
    swarm = keyboard.desk.shared.fleet.sites["home"].swarm
    api.config_by_name(swarm, "dtdeploy.run").data = b"what is this"


def stranger(keyboard: Keyboard) -> None:
    """Let somebody's service run on the network of a client."""
    swarm = keyboard.desk.shared.fleet.sites["far"].swarm
    unit = Unit("", "far")
    (visitor,) = made_up(unit, ("visitor",), image="registry.example/visitor:1").services
    visitor = replace(visitor, facts=(*visitor.facts, Fact("network", "app-client_default", "")))
    network = next(n for n in swarm.networks.values() if n.name == "app-client_default")
    rollout.admit_service(swarm, "", visitor, labels=(), networks=(network,))
    orchestration.kick(swarm)
    passes(10.0)(keyboard)


def stranger_gone(keyboard: Keyboard) -> None:
    swarm = keyboard.desk.shared.fleet.sites["far"].swarm
    for service in [s for s in swarm.services.values() if not s.stack]:
        swarm.services.pop(service.id)


def files_without_a_circle(keyboard: Keyboard) -> None:
    """Let the compose files say nothing of what runs uses of each other."""
    shared = keyboard.desk.shared
    shared.sources = simulated(inventory=HAMLET, generation=2).sources
    shared.fleet.learn(shared.sources.values())


LOCKS = (
    State(
        name="the lock is held by lines typed by hand",
        before=(lock_is_junk,),
        code="lock.unreadable",
        act=Act(
            named="docker config rm dtdeploy.run",
            do=both(happens(FaultKind.CONFIG_RM, "home"), passes(5.0)),
        ),
    ),
    State(
        name="the record of a killed run cannot be read",
        typed=(*killed(SERVER_GOES, then=record_is_junk), Line(words="dtdeploy resume")),
        code="lock.record-unreadable",
    ),
    State(
        name="the record of a killed run cannot be read, seen anew",
        typed=killed(SERVER_GOES, then=record_is_junk),
        anew=True,
        nobody_mends=True,
    ),
    State(
        name="elsewhere, a silent run is resumed",
        typed=killed(SERVER_GOES, then=passes(60.0)),
        elsewhere=True,
        later=("dtdeploy resume",),
        code="lock.silent",
    ),
    State(
        name="another command is typed while a run is unfinished",
        typed=(*killed(SERVER_GOES), Line(words="dtdeploy up --all")),
        code="lock.held",
    ),
    State(
        name="the lock is removed by hand in the middle",
        typed=hit(SERVER_GOES, happens(FaultKind.CONFIG_RM, "home")),
        code="lock.lost",
    ),
    State(
        name="the coordinator is cut off in the middle",
        typed=hit(SERVER_GOES, happens(FaultKind.LINK_CUT, "home")),
        act=Act(named="ssh home-m", do=mended(FaultKind.LINK_CUT, "home")),
    ),
    State(
        name="the coordinator is cut off as the lock is taken",
        typed=hit(
            When(what=What.CONFIG_CREATED, site="home", detail="dtdeploy.run"),
            happens(FaultKind.LINK_CUT, "home"),
        ),
        code="lock.unknown",
        act=Act(named="home", do=mended(FaultKind.LINK_CUT, "home")),
    ),
    State(
        name="a stack goes away between the plan and the lock",
        typed=hit(
            When(what=What.CONFIG_CREATED, site="home", detail="dtdeploy.run"),
            happens(FaultKind.STACK_RM, "far", stack="app-edge"),
        ),
        code="plan.stale",
    ),
    State(
        name="far is cut off right before its clients go down",
        typed=hit(When(what=What.ANNOUNCED), happens(FaultKind.LINK_CUT, "far")),
        code="removal.unknown",
        act=Act(named="ssh far-m", do=mended(FaultKind.LINK_CUT, "far")),
    ),
    State(
        name="Docker at home takes no file any more once the server is down",
        typed=hit(SERVER_GOES, happens(FaultKind.FILE_REFUSED, "home")),
        code="deploy.failed",
        act=Act(named="mend the cause", do=mended(FaultKind.FILE_REFUSED, "home")),
    ),
    State(
        name="home's engine drops what is declared",
        before=(happens(FaultKind.FIELD_DROPPED, "home"),),
        code="deploy.differs",
        act=Act(named="too old", do=mended(FaultKind.FIELD_DROPPED, "home")),
    ),
    State(
        name="home hangs while the server comes up",
        typed=hit(SERVER_COMES, happens(FaultKind.LINK_HANGING, "home")),
        act=Act(named="home", do=mended(FaultKind.LINK_HANGING, "home")),
    ),
    State(
        name="a stranger's service is on a network that goes down",
        before=(stranger,),
        code="removal.in-use",
        act=Act(named="docker service", do=stranger_gone),
    ),
    State(
        name="units that run use what each other makes",
        before=(files_without_a_circle,),
        shared=(*SHARED, (DAEMONS, (CLIENTS[0].stack,))),
        by_the_files=False,
        code="removal.circle",
        act=Act(
            named="docker stack rm",
            do=both(
                happens(FaultKind.STACK_RM, "home", stack="app-daemons"),
                happens(FaultKind.STACK_RM, "home", stack="app-client"),
                passes(20.0),
                happens(FaultKind.STACK_RM, "home", stack="app-daemons"),
                happens(FaultKind.STACK_RM, "home", stack="app-client"),
                passes(20.0),
            ),
        ),
    ),
    State(
        name="nobody knows what ran, and it is to be restored on failure",
        sites={"far": {"labelled": False}},
        typed=typed("dtdeploy restart --all --on-failure restore"),
        code="restore.unknown-revision",
    ),
)
TOLD = (*ANSWERED, *LOCKS)
