"""What may never happen, held against what really happens: the oracle that is not the engine.

It looks at the simulated containers, services and configs after every event, at what each operator
asked and wrote down, and knows nothing of how a run is carried out.

S1  No service of a unit is removed by an operator while a container of anything that depends on it
    runs anywhere, unless the run's plan accepted that unit as unknown, or its task as lost with
    its node, and it cannot be seen.
S2  No service is created by an operator while something that its unit depends on does not serve.
S3  Nothing is removed before every release of the run is shipped to its site, and nothing whose
    downtime has to be announced before a message of the run was taken, or a person announced it.
    No news of a run are told twice, but that it was resumed or failed: once a life.
S4  No effect is sent without a durable intent, none on a unit twice without a look in between.
S8  What the end of a run names to be typed next is not refused for what it knew: nothing that needs
    the lock while it keeps it, and no resuming once it released it.
S5  An effect begins only while the lock carries its operator's session, or lost it moments ago,
    and never after an effect of whoever took the lock since. Nobody removes another's lock.
S9  Whoever ends with DONE says that all is well: nothing that the run deployed or left alone had
    been broken so long before its last step ended that everybody who looked could see it.

Nobody is shown another Swarm as a site's than the one that was there before.
Networks are not removed while tasks of their stack still run: that leaks addresses.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.engine.journal import Entry
from orchestrator.engine.ports import Backend
from orchestrator.fleet.observed import NodeState, TaskState
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.graph import reachable
from orchestrator.simulation.fleet import SimulatedFleet
from orchestrator.simulation.happening import Happening, RunningContainer, What
from orchestrator.simulation.link import LinkState
from orchestrator.simulation.objects import SimResource, SimService, SimTask
from tests.witness import Clerk, Life, Witnessed

LOCK = "dtdeploy.run"
PERSON = "person"
LOOK_SECONDS = 2.0
"""How old what was seen may be when it is acted on, if every question is answered at once."""
FRESH_SECONDS = 15.0
"""How long after its last proof of the lock an operator may still begin an effect."""
NOTICED_SECONDS = 16.0
"""How long a Swarm takes to call a node down that it hears no more."""
BLIND_SECONDS = 20.0
"""How long after a site is well again a look that was under way may still come back unseen."""


_OF_STACKS = frozenset(
    {
        What.SERVICE_CREATED,
        What.SERVICE_REMOVED,
        What.SERVICE_UPDATED,
        What.CONTAINER_STARTED,
        What.CONTAINER_STOPPED,
    }
)


@dataclass(slots=True)
class Oracle:
    """Watches one fleet; `violations` says what was broken, when and by whom.

    `shared` are, by unit, the stacks at its site whose network, secret and config it uses: it
    depends on them like on what the inventory says. `delay` is how many seconds an effect may be
    held up on its way on this day.
    """

    fleet: SimulatedFleet
    inventory: Inventory
    shared: Mapping[Unit, tuple[str, ...]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    delay: float = 0.0
    lives: dict[str, Life] = field(default_factory=dict)
    clerk: Clerk = field(init=False)
    _past: list[Life] = field(default_factory=list)
    _broke: dict[Unit, float] = field(default_factory=dict)
    _typed: dict[Unit, float] = field(default_factory=dict)
    _faults: dict[str, float] = field(default_factory=dict)
    _session: str = ""
    _lost: dict[str, float] = field(default_factory=dict)
    _lock_typed: float = float("-inf")
    _told: set[tuple[str, ...]] = field(default_factory=set)
    _order: dict[str, int] = field(default_factory=dict)
    _acted: int = 0
    _touches: dict[Unit, dict[str, float]] = field(default_factory=dict)
    touched: set[Unit] = field(default_factory=set)
    """Units of which an operator created or removed a service."""
    _rules: dict[What, Callable[[Happening], None]] = field(init=False)
    _needs: dict[Unit, tuple[Unit, ...]] = field(init=False)
    _needed_by: dict[Unit, frozenset[Unit]] = field(init=False)

    def __post_init__(self) -> None:
        self.clerk = Clerk(self.violations)
        self._needs = {
            spec.unit: (
                *spec.depends_on,
                *(Unit(stack, spec.unit.site) for stack in self.shared.get(spec.unit, ())),
            )
            for spec in self.inventory.units
        }
        users: dict[Unit, tuple[Unit, ...]] = {
            unit: tuple(user for user, below in self._needs.items() if unit in below)
            for unit in self._needs
        }
        self._needed_by = {unit: reachable(users, frozenset({unit})) for unit in self._needs}
        self._rules = {
            What.COMMAND: self._command,
            What.FAULT: self._fault,
            What.SERVICE_CREATED: self._created,
            What.SERVICE_REMOVED: self._removed,
            What.SERVICE_UPDATED: self._updated,
            What.CONTAINER_STOPPED: self._stopped,
            What.NETWORK_REMOVED: self._network_removed,
            What.CONFIG_CREATED: self._lock_changed,
            What.CONFIG_UPDATED: self._lock_changed,
            What.CONFIG_REMOVED: self._lock_removed,
            What.ANNOUNCED: self._announced,
            What.NODE_STATE: self._node,
        }
        self.fleet.subscribe(self.see)

    # What it is told by whoever tells a story

    def life(self, name: str, session: str, entries: Callable[[], list[Entry]]) -> Life:
        """Return a new life of an operator called `name`, to be watched from now on."""
        life = Life(name=name, session=session, entries=entries, read=len(entries()))
        self.lives[name] = life
        self._past.append(life)
        return life

    def beside(self, life: Life, backend: Backend) -> Witnessed:
        """Return `backend` with ears."""
        return Witnessed(backend, life, self.clerk)

    def told(self, name: str, ways: tuple[str, ...]) -> None:
        """Hold against `name` what its run, which has just ended, says is to be typed next."""
        home = self.inventory.coordinator
        if not ways or self.lock_typed or not self._visible(home):
            return
        verb = ways[0].split()[1]
        if self._session and verb in ("restart", "up", "down", "deploy"):
            self.violations.append(f"S8: {name}: '{ways[0]}' needs the lock that its run keeps")
        if not self._session and verb == "resume":
            self.violations.append(f"S8: {name}: '{ways[0]}', and the lock is released")

    @property
    def lock_typed(self) -> bool:
        """Whether a person removed the lock by hand: then nobody may be able to say anything."""
        return self._lock_typed >= 0

    def meddled(self, unit: Unit) -> bool:
        """Whether a person deployed or removed `unit` by hand."""
        return unit in self._typed

    def others_since(self, unit: Unit, name: str, at: float) -> bool:
        """Whether an operator other than `name` created or removed a service of `unit` after `at`.

        One that was stopped at its very end wakes up when another may long be at work.
        """
        return any(by != name and when > at for by, when in self._touches.get(unit, {}).items())

    def broke_since(self, unit: Unit, at: float | None) -> bool:
        """Whether `unit` broke by itself, or something befell its site, after `at`.

        Or so shortly before that no Swarm had noticed.
        """
        broke = self._broke.get(unit, float("-inf"))
        return at is not None and (broke >= at - NOTICED_SECONDS or self._believed(unit))

    def broken_at_the_end(self, unit: Unit, ended: float) -> str:
        """Say what is wrong with `unit`, if whoever looked after `ended` could see it (S9)."""
        broke = self._broke.get(unit, float("-inf"))
        if broke > ended - NOTICED_SECONDS or not self._visible(unit.site):
            return ""
        return "; ".join(self.not_serving(unit))

    # What it sees

    def see(self, happening: Happening) -> None:
        if happening.what in _OF_STACKS and not happening.stack:
            # Nodes pull through it, which is nobody's unit; it must start nothing.
            if happening.what is What.CONTAINER_STARTED:
                self._say(happening, "pull", "a service of no stack started a container")
            return
        rule = self._rules.get(happening.what)
        if rule is not None:
            rule(happening)

    def _say(self, happening: Happening, rule: str, words: str) -> None:
        self.violations.append(f"{happening.at:.2f}: {rule}: {happening.by}: {words}")

    def _fault(self, happening: Happening) -> None:
        sites = [happening.site] if happening.site else list(self.fleet.sites)
        for site in sites:
            self._faults[site] = happening.at
        self._broke |= {unit: happening.at for unit in self._needs if unit.site in sites}

    def _stopped(self, happening: Happening) -> None:
        """Note that a container of a service ended by itself: not what a removal brings about."""
        swarm = self.fleet.sites[happening.site].swarm
        task = swarm.tasks.get(happening.task)
        if task is None or not task.service.removed:
            self._broke[_unit(happening)] = happening.at

    def _age(self, life: Life | None, now: float) -> float:
        """Return how old what an operator saw may be by the time it acts on it."""
        return LOOK_SECONDS + (4 * life.pace(now) if life is not None else 0.0)

    def _decided(self, life: Life | None, kind: str, happening: Happening) -> float:
        known = life.decided if life is not None else {}
        return known.get((kind, str(_unit(happening))), happening.at)

    # S1, S3

    def _removed(self, happening: Happening) -> None:
        unit = _unit(happening)
        if happening.by in ("", PERSON):
            self._typed[unit] = self._broke[unit] = happening.at
            return
        self._broke.pop(unit, None)
        self._touched_by(happening, unit)
        life = self.lives.get(happening.by)
        since = self._decided(life, "RemoveServices", happening) - self._age(life, happening.at)
        for container in self.fleet.running_containers():
            below = Unit(stack=container.stack, site=container.site)
            if below not in self._needed_by.get(unit, ()):
                continue
            buried = self._buried(life, container.task, container.site, container.node)
            if not buried and not self._excused(life, below, since):
                self._say(happening, "S1", f"{unit} went down while {_shown(container)} runs")
        if life is not None:
            self._shipped(happening, life)
            self._told_before(happening, life)

    def _touched_by(self, happening: Happening, unit: Unit) -> None:
        self.touched.add(unit)
        self._touches.setdefault(unit, {})[happening.by] = happening.at

    def _excused(self, life: Life | None, below: Unit, since: float) -> bool:
        """Whether nobody can be blamed for not having seen `below` run."""
        if self._typed.get(below, float("-inf")) >= since:
            return True
        return life is not None and below in life.accepted and not self._visible(below.site)

    def _buried(self, life: Life | None, task: str, site: str, node: str) -> bool:
        """Whether somebody answered for a task, and its node cannot be seen."""
        return life is not None and task in life.lost and not self._visible(site, node)

    def _visible(self, name: str, node: str = "") -> bool:
        """Whether a site can be seen, and `node` of it: each of its nodes, where none is named."""
        site = self.fleet.sites[name]
        swarm = site.swarm
        well = site.link.state is LinkState.OK and swarm.writable
        online = all(m.online for m in swarm.machines.values() if node in ("", m.hostname))
        calm = self.fleet.clock.now - self._faults.get(name, float("-inf")) > BLIND_SECONDS
        return well and online and calm

    def _shipped(self, happening: Happening, life: Life) -> None:
        if self._goal() == "restore":
            wanted = {life.former[unit]} if (unit := _unit(happening)) in life.former else set()
        else:
            wanted = set(life.releases)
            self._examined(happening, life)
        there = {(s, *r) for s, site in self.fleet.sites.items() for r in site.releases}
        # On another manager than the one that died they are shipped again by the deploy.
        there |= {(s, *r) for s, x in self.fleet.sites.items() for r in x.releases_elsewhere}
        if lacking := sorted(wanted - there):
            self._say(happening, "S3", f"{_unit(happening)} went down before {lacking} was shipped")

    def _told_before(self, happening: Happening, life: Life) -> None:
        """Hold against a run that nobody heard of a downtime before it began."""
        unit = _unit(happening)
        announced = {s.unit for s in self.inventory.units if s.announce}
        if self._goal() == "restore" or unit not in announced:
            return
        if not life.by_hand and ("before", life.run) not in self._told:
            self._say(happening, "S3", f"{unit} went down, and it was not announced")

    def _announced(self, happening: Happening) -> None:
        news, _, title = happening.detail.partition(" ")
        run = title.rpartition("run ")[2]
        key = (news, run) if news in ("before", "ended") else (news, run, self._session)
        if key in self._told:
            self._say(happening, "S4", f"'{happening.detail}' was told twice")
        self._told.add(key)

    def _examined(self, happening: Happening, life: Life) -> None:
        """Hold against a run that not every site was examined, in this life or an earlier one."""
        seen = {site for other in self._past if other.run == life.run for site in other.examined}
        if lacking := sorted(life.to_examine - seen):
            self._say(happening, "S3", f"{_unit(happening)} went down, {lacking} not examined")

    def _updated(self, happening: Happening) -> None:
        if happening.by == PERSON:
            self._typed[_unit(happening)] = happening.at

    # S2

    def _created(self, happening: Happening) -> None:
        unit = _unit(happening)
        if happening.by in ("", PERSON):
            self._typed[unit] = happening.at
            return
        self._touched_by(happening, unit)
        life = self.lives.get(happening.by)
        since = self._decided(life, "DeployStack", happening) - self._age(life, happening.at)
        for below in self._needs.get(unit, ()):
            if self._broke.get(below, float("-inf")) >= since or self._believed(below):
                continue
            if words := "; ".join(self.not_serving(below)):
                self._say(happening, "S2", f"{unit} came up while {below} does not serve: {words}")
        self._broke.pop(unit, None)

    def _believed(self, unit: Unit) -> bool:
        """Whether the Swarm has not noticed yet that a node is lost on which `unit` ran."""
        swarm = self.fleet.sites[unit.site].swarm
        return any(
            task.state is TaskState.RUNNING
            for machine in swarm.machines.values()
            if not machine.online and machine.state is not NodeState.DOWN
            for task in machine.tasks.values()
            if task.service.stack == unit.stack
        )

    def _node(self, happening: Happening) -> None:
        """Note that what ran on a node is given up: whoever decided just before did not know."""
        swarm = self.fleet.sites[happening.site].swarm
        for machine in swarm.machines.values():
            if happening.detail == f"{machine.hostname} down":
                stacks = {task.service.stack for task in machine.tasks.values()}
                self._broke |= {Unit(stack, happening.site): happening.at for stack in stacks}

    def not_serving(self, unit: Unit) -> Iterator[str]:
        """Say why `unit` does not serve now: by its containers, and by its probes."""
        swarm = self.fleet.sites[unit.site].swarm
        services = swarm.services_of(unit.stack)
        if not services:
            yield "it has no services"
        for service in services:
            if service.job or _finished(service):
                continue
            up = {task.slot for task in service.tasks if _up(task)}
            if len(up) < service.desired.replicas:
                yield f"{len(up)} of {service.desired.replicas} of {service.name} run"
        for probe in self.inventory.spec(unit).probes:
            ok, words = self.fleet.answer(unit.site, probe)
            if not ok:
                yield words

    # S5

    def _lock(self) -> SimResource | None:
        swarm = self.fleet.sites[self.inventory.coordinator].swarm
        return next((c for c in swarm.configs.values() if c.name == LOCK), None)

    def _goal(self) -> str:
        lock = self._lock()
        return "" if lock is None else dict(lock.labels).get("dtdeploy.goal", "")

    def _lock_changed(self, happening: Happening) -> None:
        if happening.detail != LOCK or happening.site != self.inventory.coordinator:
            return
        lock = self._lock()
        labels = dict(lock.labels) if lock is not None else {}
        released = labels.get("dtdeploy.released") == "yes"
        session = "" if released else labels.get("dtdeploy.session", "")
        if session != self._session:
            self._lost[self._session] = happening.at
            self._session = session
            if session:
                self._order[session] = len(self._order) + 1

    def _lock_removed(self, happening: Happening) -> None:
        if happening.detail != LOCK or happening.site != self.inventory.coordinator:
            return
        if happening.by == PERSON:
            self._lock_typed = happening.at
        elif self._session:
            life = self.lives.get(happening.by)
            if life is not None and life.session != self._session:
                self._say(happening, "S5", f"removed the lock of {self._session}")
        self._lost[self._session] = happening.at
        self._session = ""

    def _command(self, happening: Happening) -> None:
        life = self.lives.get(happening.by)
        if life is None:
            return
        session, slack = life.session, FRESH_SECONDS + self.delay
        what = f"{happening.detail} at {happening.site}"
        if session != self._session:
            lost = self._lost.get(session)
            if lost is None or happening.at - lost > slack:
                self._say(happening, "S5", f"{what} begins, and {session} does not hold the lock")
        order = self._order.get(session, 0)
        if order < self._acted and happening.at - self._lock_typed > slack:
            self._say(happening, "S5", f"{what} begins after effects of whoever took the lock")
        self._acted = max(self._acted, order)

    # Addresses

    def _network_removed(self, happening: Happening) -> None:
        if happening.by in ("", PERSON) or happening.at - self._typed.get(
            _unit(happening), float("-inf")
        ) < self._age(self.lives.get(happening.by), happening.at):
            return
        swarm = self.fleet.sites[happening.site].swarm
        life = self.lives.get(happening.by)
        left = [
            task.id
            for task in swarm.tasks.values()
            if task.service.stack == happening.stack
            and task.machine is not None
            and (not task.state.terminal or _running(task))
            and not self._buried(life, task.id, happening.site, task.machine.hostname)
        ]
        if left:
            words = f"the network of {_unit(happening)} went while {len(left)} tasks still run"
            self._say(happening, "networks", words)


def _unit(happening: Happening) -> Unit:
    return Unit(stack=happening.stack, site=happening.site)


def _shown(container: RunningContainer) -> str:
    return f"{container.stack}_{container.service} on {container.node}"


def _finished(service: SimService) -> bool:
    """Whether all its tasks ended with 0, and none is started again."""
    last = [tasks[-1] for tasks in service.slots.values() if tasks]
    return bool(last) and all(
        task.state is TaskState.COMPLETE and not service.starts_again(task.slot, task.state)
        for task in last
    )


def _running(task: SimTask) -> bool:
    return task.container is not None and task.container.state == "running"


def _up(task: SimTask) -> bool:
    return _running(task) and task.actual is TaskState.RUNNING
