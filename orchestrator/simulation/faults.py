"""Faults: what goes wrong, where and when, as values; and how each is brought about."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from orchestrator.fleet.unit import Unit
from orchestrator.simulation import agent, commands, nodes, person
from orchestrator.simulation.behaviour import GOOD, Behaviour, Rule
from orchestrator.simulation.channel import ChannelState
from orchestrator.simulation.clock import Process
from orchestrator.simulation.fleet import SimSite, SimulatedFleet
from orchestrator.simulation.happening import Happening, What
from orchestrator.simulation.link import LinkState
from orchestrator.simulation.objects import Machine, SimTask
from orchestrator.simulation.registry import Access


class FaultKind(Enum):
    """What can go wrong; those in pairs undo each other."""

    LINK_CUT = "link_cut"
    LINK_REFUSED = "link_refused"
    LINK_HANGING = "link_hanging"
    LINK_SLOW = "link_slow"
    HOST_KEY_CHANGED = "host_key_changed"
    LOGIN_REFUSED = "login_refused"
    LINK_OK = "link_ok"
    LOSE_BEFORE = "lose_before"
    """The next `count` mutating effects never arrive; nobody is told so."""
    LOSE_AFTER = "lose_after"
    """The next `count` mutating effects act, and their answers are lost."""
    DELAY = "delay"
    """The next `count` mutating effects are `delay_seconds` longer on their way, and then act."""
    NODE_LOST = "node_lost"
    NODE_FROZEN = "node_frozen"
    NODE_OFF = "node_off"
    NODE_BACK = "node_back"
    NODE_PAUSED = "node_paused"
    """A person types `docker node update --availability pause`: it gets no new tasks."""
    NODE_DRAINED = "node_drained"
    """The same with `drain`: nothing may run there any more."""
    NODE_ACTIVE = "node_active"
    MANAGER_DIES = "manager_dies"
    """The manager that leads and is asked is switched off; the others elect one of them, if they
    are enough, and it is asked."""
    MANAGER_BACK = "manager_back"
    """All that are off come back, and do not lead."""
    DAEMON_STOPPED = "daemon_stopped"
    DAEMON_STARTED = "daemon_started"
    DAEMON_FROZEN = "daemon_frozen"
    DAEMON_THAWED = "daemon_thawed"
    QUORUM_LOST = "quorum_lost"
    QUORUM_BACK = "quorum_back"
    REGISTRY_DENIED = "registry_denied"
    REGISTRY_UNREACHABLE = "registry_unreachable"
    REGISTRY_OK = "registry_ok"
    FILE_REFUSED = "file_refused"
    """The manager's docker command does not take compose files: it is too old for them."""
    FILE_TAKEN = "file_taken"
    FIELD_DROPPED = "field_dropped"
    """The engine drops health checks from what is deployed, without a word: it is too old."""
    FIELD_KEPT = "field_kept"
    CHANNEL_REFUSES = "channel_refuses"
    """Where downtime is announced, messages are refused."""
    CHANNEL_HANGS = "channel_hangs"
    CHANNEL_LOSES_REPLY = "channel_loses_reply"
    """Messages are taken there, and nobody hears of it."""
    CHANNEL_OK = "channel_ok"
    OUTSIDE_DOWN = "outside_down"
    OUTSIDE_UP = "outside_up"
    STACK_RM = "stack_rm"
    """A person types `docker stack rm` at the manager."""
    STACK_DEPLOY = "stack_deploy"
    """A person types `docker stack deploy` there, from a checkout: without dtdeploy's labels."""
    CONFIG_RM = "config_rm"
    """A person types `docker config rm` there."""
    SERVICE_SCALE = "service_scale"
    """A person types `docker service scale` there, to `count`."""
    SERVICE_UPDATE = "service_update"
    """A person types `docker service update --env-add BY_HAND=1` there."""
    IMAGE_MOVED = "image_moved"
    """The tags of a stack's images lead to other images, as this site sees its registry."""
    KILL = "kill"
    """The running containers of a service are killed from outside."""
    FREE = "free"
    """Tasks that would not stop stop at last."""
    BEHAVE = "behave"
    """Containers started from now on behave otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong at `at` seconds of virtual time.

    After `for_seconds`, if not 0, it is undone. `node` is a hostname, the manager's if empty;
    `service` a short name, every one if empty; `outside` is "host:port"; `config` a name.
    """

    at: float
    kind: FaultKind
    site: str = ""
    node: str = ""
    stack: str = ""
    service: str = ""
    outside: str = ""
    count: int = 1
    factor: float = 20.0
    delay_seconds: float = 10.0
    config: str = "dtdeploy.run"
    behaviour: Behaviour = GOOD
    for_seconds: float = 0.0


UNDONE_BY = {
    FaultKind.LINK_CUT: FaultKind.LINK_OK,
    FaultKind.LINK_REFUSED: FaultKind.LINK_OK,
    FaultKind.LINK_HANGING: FaultKind.LINK_OK,
    FaultKind.LINK_SLOW: FaultKind.LINK_OK,
    FaultKind.HOST_KEY_CHANGED: FaultKind.LINK_OK,
    FaultKind.LOGIN_REFUSED: FaultKind.LINK_OK,
    FaultKind.NODE_LOST: FaultKind.NODE_BACK,
    FaultKind.NODE_FROZEN: FaultKind.NODE_BACK,
    FaultKind.NODE_OFF: FaultKind.NODE_BACK,
    FaultKind.NODE_PAUSED: FaultKind.NODE_ACTIVE,
    FaultKind.NODE_DRAINED: FaultKind.NODE_ACTIVE,
    FaultKind.MANAGER_DIES: FaultKind.MANAGER_BACK,
    FaultKind.DAEMON_STOPPED: FaultKind.DAEMON_STARTED,
    FaultKind.DAEMON_FROZEN: FaultKind.DAEMON_THAWED,
    FaultKind.QUORUM_LOST: FaultKind.QUORUM_BACK,
    FaultKind.REGISTRY_DENIED: FaultKind.REGISTRY_OK,
    FaultKind.REGISTRY_UNREACHABLE: FaultKind.REGISTRY_OK,
    FaultKind.FILE_REFUSED: FaultKind.FILE_TAKEN,
    FaultKind.FIELD_DROPPED: FaultKind.FIELD_KEPT,
    FaultKind.OUTSIDE_DOWN: FaultKind.OUTSIDE_UP,
    FaultKind.BEHAVE: FaultKind.BEHAVE,
    FaultKind.CHANNEL_REFUSES: FaultKind.CHANNEL_OK,
    FaultKind.CHANNEL_HANGS: FaultKind.CHANNEL_OK,
    FaultKind.CHANNEL_LOSES_REPLY: FaultKind.CHANNEL_OK,
}
"""How a fault ends after its time; the others happen once."""


def inject(fleet: SimulatedFleet, fault: Fault) -> None:
    """Let `fault` happen when its time comes, and end when its time is over."""
    fleet.clock.at(fault.at, _bring_about, fleet, fault)
    undo = UNDONE_BY.get(fault.kind)
    if fault.for_seconds and undo is not None:
        end = fault.at + fault.for_seconds
        ended = replace(fault, at=end, kind=undo, behaviour=GOOD, for_seconds=0.0)
        fleet.clock.at(end, _bring_about, fleet, ended)


def _bring_about(fleet: SimulatedFleet, fault: Fault) -> None:
    if fault.kind in CHANNEL:
        fleet.channel.state = CHANNEL[fault.kind]
        fleet.world.tell(Happening(fleet.clock.now, What.FAULT, "", detail=fault.kind.value))
        return
    if fault.kind in OUTSIDE:
        host, _, port = fault.outside.rpartition(":")
        fleet.outside[host, int(port)] = fault.kind is FaultKind.OUTSIDE_UP
        detail = f"{fault.kind.value} {fault.outside}"
        fleet.world.tell(Happening(fleet.clock.now, What.FAULT, "", detail=detail))
        return
    site = fleet.sites[fault.site]
    detail = " ".join(part for part in (fault.kind.value, fault.node, fault.service) if part)
    site.swarm.tell(What.FAULT, fault.stack, detail)
    if fault.kind in _TYPED_IN:
        person.types(site.swarm, _TYPED_IN[fault.kind](fleet, fault))
    else:
        _ACTS[fault.kind](site, fault)


OUTSIDE = frozenset({FaultKind.OUTSIDE_DOWN, FaultKind.OUTSIDE_UP})
"""Faults of things outside any site."""
CHANNEL = {
    FaultKind.CHANNEL_REFUSES: ChannelState.REFUSES,
    FaultKind.CHANNEL_HANGS: ChannelState.HANGS,
    FaultKind.CHANNEL_LOSES_REPLY: ChannelState.LOSES_REPLY,
    FaultKind.CHANNEL_OK: ChannelState.OK,
}
"""Faults of where downtime is announced: of no site, and of nothing else that has a name."""
Act = Callable[[SimSite, Fault], None]


def _link(state: LinkState) -> Act:
    def act(site: SimSite, _fault: Fault) -> None:
        site.link.turn(state)
        site.link.slowness = 1.0

    return act


def _slow(site: SimSite, fault: Fault) -> None:
    site.link.slowness = fault.factor


def _lose_before(site: SimSite, fault: Fault) -> None:
    site.link.lose_before += fault.count


def _lose_after(site: SimSite, fault: Fault) -> None:
    site.link.lose_after += fault.count


def _delay(site: SimSite, fault: Fault) -> None:
    site.link.delays.extend([fault.delay_seconds] * fault.count)


def _machine(site: SimSite, fault: Fault) -> Machine:
    named = (m for m in site.swarm.machines.values() if m.hostname == fault.node)
    return next(named, site.swarm.manager)


def _strike(strike: nodes.Strike) -> Act:
    """Return what befalls a node; where it is the manager that is asked, another one takes over.

    A Swarm of one manager is still asked: what it says is what a real one would say of a node.
    """

    def act(site: SimSite, fault: Fault) -> None:
        machine = _machine(site, fault)
        managers = sum(other.manager for other in site.swarm.machines.values())
        if machine is site.swarm.manager and managers > 1:
            _fail_over(site, strike)
        else:
            strike(site.swarm, machine)

    return act


def _use(availability: str) -> Act:
    def act(site: SimSite, fault: Fault) -> None:
        nodes.use(site.swarm, _machine(site, fault), availability)

    return act


def _node_back(site: SimSite, fault: Fault) -> None:
    nodes.bring_back(site.swarm, _machine(site, fault))


def _manager_dies(site: SimSite, _fault: Fault) -> None:
    _fail_over(site, nodes.power_off)


def _fail_over(site: SimSite, strike: nodes.Strike) -> None:
    site.link.breaks += 1
    if not nodes.lose_manager(site.swarm, strike):
        site.link.turn(LinkState.CUT)
    site.releases_elsewhere |= site.releases
    site.releases.clear()


def _manager_back(site: SimSite, _fault: Fault) -> None:
    nodes.bring_managers_back(site.swarm)
    if site.link.state is LinkState.CUT:
        site.link.turn(LinkState.OK)


def _registry(access: Access) -> Act:
    def act(site: SimSite, _fault: Fault) -> None:
        site.swarm.registry.access = access

    return act


def _reads_files(*, well: bool) -> Act:
    def act(site: SimSite, _fault: Fault) -> None:
        site.refuses_files = not well

    return act


def _keeps_fields(*, well: bool) -> Act:
    def act(site: SimSite, _fault: Fault) -> None:
        site.swarm.drops = frozenset() if well else frozenset({"health check"})

    return act


def _image_moved(site: SimSite, fault: Fault) -> None:
    moved = site.swarm.registry.generation
    for image in {service.desired.image for service in site.swarm.services_of(fault.stack)}:
        moved[image] = moved.get(image, 0) + 1


def _tasks(site: SimSite, fault: Fault) -> list[SimTask]:
    return [
        task
        for task in site.swarm.tasks.values()
        if task.service.stack == fault.stack and fault.service in {"", task.service.desired.name}
    ]


def _kill(site: SimSite, fault: Fault) -> None:
    for task in _tasks(site, fault):
        if task.container is not None and task.container.state == "running":
            agent.kill(site.swarm, task)


def _free(site: SimSite, fault: Fault) -> None:
    for task in _tasks(site, fault):
        agent.free(site.swarm, task)


def _behave(site: SimSite, fault: Fault) -> None:
    site.swarm.world.behaviours.add(
        Rule(behaviour=fault.behaviour, site=fault.site, stack=fault.stack, service=fault.service)
    )


_ACTS: dict[FaultKind, Act] = {
    FaultKind.LINK_CUT: _link(LinkState.CUT),
    FaultKind.LINK_REFUSED: _link(LinkState.REFUSED),
    FaultKind.LINK_HANGING: _link(LinkState.HANGING),
    FaultKind.HOST_KEY_CHANGED: _link(LinkState.HOST_KEY),
    FaultKind.LOGIN_REFUSED: _link(LinkState.LOGIN),
    FaultKind.LINK_OK: _link(LinkState.OK),
    FaultKind.LINK_SLOW: _slow,
    FaultKind.LOSE_BEFORE: _lose_before,
    FaultKind.LOSE_AFTER: _lose_after,
    FaultKind.DELAY: _delay,
    FaultKind.NODE_LOST: _strike(nodes.lose),
    FaultKind.NODE_FROZEN: _strike(nodes.freeze),
    FaultKind.NODE_OFF: _strike(nodes.power_off),
    FaultKind.NODE_BACK: _node_back,
    FaultKind.NODE_PAUSED: _use("pause"),
    FaultKind.NODE_DRAINED: _use("drain"),
    FaultKind.NODE_ACTIVE: _use("active"),
    FaultKind.MANAGER_DIES: _manager_dies,
    FaultKind.MANAGER_BACK: _manager_back,
    FaultKind.DAEMON_STOPPED: lambda site, _: nodes.stop_daemon(site.swarm),
    FaultKind.DAEMON_STARTED: lambda site, _: nodes.start_daemon(site.swarm),
    FaultKind.DAEMON_FROZEN: lambda site, _: nodes.freeze_daemon(site.swarm),
    FaultKind.DAEMON_THAWED: lambda site, _: nodes.thaw_daemon(site.swarm),
    FaultKind.QUORUM_LOST: lambda site, _: nodes.lose_quorum(site.swarm),
    FaultKind.QUORUM_BACK: lambda site, _: nodes.regain_quorum(site.swarm),
    FaultKind.REGISTRY_DENIED: _registry(Access.DENIED),
    FaultKind.REGISTRY_UNREACHABLE: _registry(Access.UNREACHABLE),
    FaultKind.REGISTRY_OK: _registry(Access.OK),
    FaultKind.FILE_REFUSED: _reads_files(well=False),
    FaultKind.FILE_TAKEN: _reads_files(well=True),
    FaultKind.FIELD_DROPPED: _keeps_fields(well=False),
    FaultKind.FIELD_KEPT: _keeps_fields(well=True),
    FaultKind.IMAGE_MOVED: _image_moved,
    FaultKind.KILL: _kill,
    FaultKind.FREE: _free,
    FaultKind.BEHAVE: _behave,
}

_TYPED_IN: dict[FaultKind, Callable[[SimulatedFleet, Fault], Process[str]]] = {
    FaultKind.STACK_RM: lambda fleet, fault: commands.stack_rm(
        fleet.sites[fault.site].swarm, fault.stack
    ),
    FaultKind.STACK_DEPLOY: lambda fleet, fault: person.stack_deploy(
        fleet, Unit(fault.stack, fault.site)
    ),
    FaultKind.SERVICE_SCALE: lambda fleet, fault: person.service_scale(
        fleet.sites[fault.site].swarm, fault.stack, fault.service, fault.count
    ),
    FaultKind.SERVICE_UPDATE: lambda fleet, fault: person.service_update(
        fleet.sites[fault.site].swarm, fault.stack, fault.service
    ),
    FaultKind.CONFIG_RM: lambda fleet, fault: person.config_rm(
        fleet.sites[fault.site].swarm, fault.config
    ),
}
