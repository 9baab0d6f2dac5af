"""The engine's backend on virtual time: effects travel over links that can fail, and act."""

from collections import deque
from dataclasses import dataclass

from orchestrator.errors import Problem
from orchestrator.fleet.desired import Via
from orchestrator.procedures.effects import (
    Announce,
    Answer,
    CheckImages,
    CheckLock,
    CheckVolumes,
    DeployStack,
    Effect,
    Examine,
    Intend,
    Observe,
    ObserveAll,
    PullImages,
    ReadAudit,
    ReadLogs,
    ReadRelease,
    RemoveLeftovers,
    RemoveServices,
    Result,
    RunProbe,
    Saw,
    Sleep,
    Tell,
    WatchPulls,
    WriteAudit,
)
from orchestrator.procedures.inspection import Inspect
from orchestrator.simulation import answers, api, channel, configs, performing, problems
from orchestrator.simulation.answers import CONFIG_EFFECTS, CONFIG_WRITES, MUTATIONS, Remote
from orchestrator.simulation.clock import Process
from orchestrator.simulation.fleet import SimSite, SimulatedFleet
from orchestrator.simulation.happening import What
from orchestrator.simulation.link import Link, LinkState

_WAY = (0.005, 0.04)
_LOOK_AGAIN = 0.25
_IN_VAIN = 1000
"""How often in a row somebody may wait for a time that has come already."""
_SWALLOWED = 0.5
"""How likely a request on a hanging connection never arrives."""
_ENGINES_OWN = (Sleep, Tell, ObserveAll, CheckLock, Intend, Saw)
_UNIT_EFFECTS = (RemoveServices, RemoveLeftovers, DeployStack)
_APART = (RunProbe, ReadLogs, ReadRelease, ReadAudit, CheckVolumes, WatchPulls, Announce)
_CHANGING = (*MUTATIONS, *CONFIG_WRITES)
"""What an answer can be lost of on purpose. Audit lines are left out: they would use faults up."""

_Changing = performing.Mutation | configs.ConfigEffect | WriteAudit


class SimulationStalledError(RuntimeError):
    """Somebody waits for ever for something that nothing will bring about."""


class Killed(BaseException):
    """The process of this operator has ended, as by SIGKILL: it must not do anything any more.

    No `Exception`, so that nothing but the way out of the code is left to it.
    """


@dataclass(slots=True, eq=False)
class _Flight:
    """An effect under way. `breaks` is how often its link had been torn when it set out."""

    token: int
    effect: Remote
    site: SimSite
    started: float
    breaks: int
    deadline: int = 0
    over: bool = False
    loses_answer: bool = False
    held_up: bool = False
    """Sent in time and long on its way, where nobody asks whether it is too late."""

    @property
    def from_here(self) -> bool:
        """Whether it does not travel over the site's link at all."""
        probe = isinstance(self.effect, RunProbe) and self.effect.probe.via is Via.HERE
        return probe or isinstance(self.effect, Announce)


class SimulatedBackend:
    """Performs effects on a `SimulatedFleet`. Several may share a fleet, one an operator.

    An effect acts strictly between `submit` and its answer. When an answer is lost, what was
    begun at the site goes on there all the same, as a remote command does.

    `news`: `wait` would return without waiting. `halted` is for whoever runs several operators:
    the process stands still, as after SIGSTOP, and sends nothing more of a series of requests;
    answers wait for it.
    """

    def __init__(self, fleet: SimulatedFleet, *, operator: str = "operator") -> None:
        self._fleet = fleet
        self._clock = fleet.clock
        self.operator = operator
        self.halted = False
        self.news = False
        self._dead = False
        self._ready: deque[tuple[int, object]] = deque()
        self._under_way: set[_Flight] = set()
        self._woken = False
        self._in_vain = 0

    def now(self) -> float:
        """Return virtual time in seconds."""
        return self._clock.now

    def wake(self) -> None:
        """Make a `wait` that goes on return None."""
        self._woken = self.news = True

    @property
    def dead(self) -> bool:
        """Whether its process has been killed."""
        return self._dead

    def die(self) -> None:
        """Do nothing any more; what is under way at the sites goes on there."""
        self._dead = True

    def submit(self, token: int, effect: Effect) -> None:
        """Send an effect on its way; of one that is dead nothing is sent."""
        if self._dead:
            return
        if isinstance(effect, _ENGINES_OWN):
            raise TypeError(f"the engine performs {type(effect).__name__} itself")
        name = effect.unit.site if isinstance(effect, _UNIT_EFFECTS) else effect.site
        site = self._fleet.sites[name]
        flight = _Flight(token, effect, site, self._clock.now, site.link.breaks)
        self._under_way.add(flight)
        self._set_out(flight)

    def wait(self, until: float | None) -> tuple[int, object] | None:
        """Let virtual time pass until an answer is there, or until `until`.

        Raises:
            SimulationStalledError: nothing is under way and there is no end to the wait, or no
                time passes however often this is called.
            Killed: this operator is dead.

        """
        began = self._clock.now
        if not (self.news or self._dead):
            if until is None and not self._under_way:
                raise SimulationStalledError("waiting for ever, and nothing is under way")
            self.idle(until)
        if self._dead:
            raise Killed(self.operator)
        if not self._ready:
            self._in_vain = 0 if self._woken or self._clock.now > began else self._in_vain + 1
            if self._in_vain > _IN_VAIN:
                raise SimulationStalledError("waiting again and again, and no time passes")
            self._woken = self.news = False
            return None
        self._in_vain = 0
        answer = self._ready.popleft()
        self.news = self._woken or bool(self._ready)
        return answer

    def idle(self, until: float | None) -> None:
        """Let virtual time pass until there are news, or until `until`.

        Whoever runs several operators on one clock lets the others have their turn here instead.
        """
        clock = self._clock
        while not (self.news or self._dead):
            due = clock.next_time()
            if until is not None and (due is None or due > until):
                clock.run_until(until)
                return
            if due is None:
                raise SimulationStalledError("waiting for what nothing will bring about")
            clock.step()

    def _set_out(self, flight: _Flight) -> None:
        link = flight.site.link
        way = self._way(flight)
        if flight.from_here:
            self._clock.after(way, self._act, flight)
            return
        if link.turns_away:
            self._clock.after(way * 2, self._turned_away, flight, problems.of_link(link))
            return
        flight.deadline = self._clock.after(answers.deadline(flight.effect), self._lost, flight)
        if link.state is LinkState.CUT or self._lost_on_the_way(flight):
            return
        self._clock.after(way + self._held_up(flight), self._arrive, flight)

    def _held_up(self, flight: _Flight) -> float:
        """Return how many seconds longer than usual a request is on its way."""
        delays = flight.site.link.delays
        flight.held_up = bool(delays) and isinstance(flight.effect, _CHANGING)
        return delays.popleft() if flight.held_up else 0.0

    def _lost_on_the_way(self, flight: _Flight) -> bool:
        link = flight.site.link
        if isinstance(flight.effect, WriteAudit):
            return self._swallowed(link)
        if not isinstance(flight.effect, _CHANGING):
            return False
        if link.lose_before > 0:
            link.lose_before -= 1
            return True
        flight.loses_answer = link.lose_after > 0
        link.lose_after -= flight.loses_answer
        return self._swallowed(link)

    def _swallowed(self, link: Link) -> bool:
        return link.state is LinkState.HANGING and self._fleet.rng.random() < _SWALLOWED

    def _way(self, flight: _Flight) -> float:
        low, high = _WAY
        seconds = low + (high - low) * self._fleet.rng.random()
        return seconds * flight.site.link.slowness

    def _arrive(self, flight: _Flight) -> None:
        if flight.breaks == flight.site.link.breaks:
            self._act(flight)

    def _act(self, flight: _Flight) -> None:
        self._clock.spawn(self._process(flight), lambda answer: self._send_back(flight, answer))

    def _process(self, flight: _Flight) -> Process[object]:
        effect, site = flight.effect, flight.site
        try:
            if isinstance(effect, Observe):
                return (yield from performing.look(site.swarm, flight.started))
            if isinstance(effect, Examine | Inspect):
                return (yield from performing.examined(self._fleet, site, effect, flight.started))
            if isinstance(effect, CheckImages):
                return (yield from performing.check_images(site.swarm, effect))
            if isinstance(effect, _APART):
                return (yield from self._apart(site, effect))
            acting = self._acting(flight, effect)
            return (yield from api.acting(site.swarm, self.operator, acting))
        except api.ApiError as error:
            return answers.refused(site.swarm.site, effect, error, self._clock.now)

    def _apart(
        self,
        site: SimSite,
        effect: RunProbe
        | ReadLogs
        | ReadRelease
        | ReadAudit
        | CheckVolumes
        | WatchPulls
        | Announce,
    ) -> Process[object]:
        fleet = self._fleet
        if isinstance(effect, CheckVolumes):
            return (yield from performing.check_volumes(site, effect))
        if isinstance(effect, ReadRelease):
            return (yield from performing.read_release(site, effect))
        if isinstance(effect, ReadAudit):
            return (yield from performing.read_audit(site))
        if isinstance(effect, Announce):
            return (yield from channel.send(fleet.world, fleet.channel, effect, self.operator))
        return (yield from performing.ask(fleet, site, effect))

    def _acting(self, flight: _Flight, effect: _Changing) -> Process[object]:
        site = flight.site
        if isinstance(effect, CONFIG_EFFECTS):
            return (yield from configs.perform(site, effect))
        if isinstance(effect, WriteAudit):
            words = yield from performing.write_audit(site, effect)
        elif self._past(effect) and not flight.held_up:
            return Answer(result=Result.LATE, at=self._clock.now, words="its time had passed")
        else:
            words = yield from self._command(flight, effect)
        nodes = len(site.swarm.machines) if isinstance(effect, PullImages) else 0
        return Answer(result=Result.OK, at=self._clock.now, words=words, nodes=nodes)

    def _command(self, flight: _Flight, effect: performing.Mutation) -> Process[str]:
        site = flight.site
        stack = effect.unit.stack if isinstance(effect, _UNIT_EFFECTS) else ""
        site.swarm.tell(What.COMMAND, stack, type(effect).__name__)

        def may_send() -> Process[bool]:
            while self.halted and not self._dead:
                yield _LOOK_AGAIN
            cut = self._dead or flight.over or flight.breaks != site.link.breaks
            return not cut and not self._past(effect)

        return (yield from performing.mutate(self._fleet, site, effect, may_send))

    def _past(self, effect: performing.Mutation) -> bool:
        return effect.not_after is not None and self._clock.now > effect.not_after

    def _send_back(self, flight: _Flight, answer: object) -> None:
        link = flight.site.link
        hanging = link.state is LinkState.HANGING
        torn = hanging or flight.loses_answer or flight.breaks != link.breaks
        if flight.from_here or not torn:
            self._clock.after(self._way(flight), self._deliver, flight, answer)

    def _deliver(self, flight: _Flight, answer: object) -> None:
        if flight.over:
            return
        flight.over = True
        self._clock.cancel(flight.deadline)
        self._under_way.discard(flight)
        self._ready.append((flight.token, answer))
        self.news = True

    def _lost(self, flight: _Flight) -> None:
        answer = answers.never_answered(flight.effect, flight.site.link, self._clock.now)
        self._deliver(flight, answer)

    def _turned_away(self, flight: _Flight, problem: Problem) -> None:
        now = self._clock.now
        self._deliver(flight, answers.turned_away(flight.effect, problem, flight.site.link, now))
