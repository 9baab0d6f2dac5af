"""A stack of one's own in a world, and short ways to act on it and to look."""

from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.fleet.desired import Policy, Probe
from orchestrator.fleet.health import Health, judge
from orchestrator.fleet.history import History, begin, remember
from orchestrator.fleet.observed import (
    Contents,
    Look,
    Sight,
    Task,
    TaskState,
    Unseen,
    contents,
)
from orchestrator.fleet.presence import Whereabouts, whereabouts
from orchestrator.fleet.unit import Unit
from orchestrator.procedures.effects import (
    Answer,
    DeployStack,
    Effect,
    Observe,
    ProbeResult,
    RemoveLeftovers,
    RemoveServices,
    Result,
    RunProbe,
    ShipRelease,
)
from orchestrator.sources.model import Sourced
from tests.contract.stacks import Part, sourced
from tests.contract.world import World

EVERY_SECONDS = 0.15
_PATIENT = Policy()


@dataclass
class Scene:
    """A unit of its own in a world."""

    world: World
    unit: Unit
    item: Sourced = field(init=False)

    @property
    def site(self) -> str:
        return self.unit.site

    def do(self, effect: Effect) -> object:
        return self.world.at_once((effect,))[0]

    def change(self, effect: Effect) -> Answer:
        answer = self.do(effect)
        assert isinstance(answer, Answer), answer
        return answer

    def ok(self, effect: Effect) -> None:
        answer = self.change(effect)
        assert answer.result is Result.OK, answer

    def look(self) -> Look:
        look = self.do(Observe(site=self.site))
        assert isinstance(look, Sight | Unseen), look
        return look

    def sight(self) -> Sight:
        look = self.look()
        assert isinstance(look, Sight), look
        return look

    def unseen(self) -> Unseen:
        look = self.look()
        assert isinstance(look, Unseen), "the site is seen"
        return look

    def mine(self) -> Contents:
        return contents(self.sight(), self.unit.stack)

    def whereabouts(self) -> Whereabouts:
        return whereabouts(self.unit, self.look())

    def until(self, holds: Callable[[Look], bool], *, within: float) -> Look:
        """Look until `holds`, which must be within so many seconds or the world's patience."""
        ends = self.world.now() + within * self.world.patience
        while not holds(look := self.look()):
            assert self.world.now() < ends, f"not within {within} s: {look}"
            self.world.pause(EVERY_SECONDS)
        return look

    def until_mine(self, holds: Callable[[Contents], bool], *, within: float) -> Contents:
        look = self.until(
            lambda look: isinstance(look, Sight) and holds(contents(look, self.unit.stack)),
            within=within,
        )
        assert isinstance(look, Sight)
        return contents(look, self.unit.stack)

    def ship(self, *parts: Part, prune: bool = False) -> DeployStack:
        """Bring a stack of these services to the site; returns what then deploys it."""
        self.item = sourced(self.unit, *parts)
        self.world.learn(self.item, parts)
        self.ok(ShipRelease(site=self.site, release=self.item.release))
        return DeployStack(
            unit=self.unit,
            release=self.item.release,
            labels=(),
            prune=prune,
        )

    def up(self, *parts: Part, within: float = 30) -> Contents:
        """Deploy these services and wait until they are judged healthy."""
        deploy = self.ship(*parts)
        history = self.history()
        self.ok(deploy)

        def healthy(look: Look) -> bool:
            nonlocal history
            if isinstance(look, Sight):
                history = self.remember(history, look)
            return self.judged(look, history, _PATIENT).healthy

        look = self.until(healthy, within=within)
        assert isinstance(look, Sight)
        return contents(look, self.unit.stack)

    def remove_services(self) -> RemoveServices:
        return RemoveServices(unit=self.unit, ids=tuple(s.id for s in self.mine().services))

    def remove_leftovers(self) -> RemoveLeftovers:
        left = self.mine()
        return RemoveLeftovers(
            unit=self.unit,
            networks=tuple(n.id for n in left.networks),
            secrets=tuple(s.id for s in left.secrets),
            configs=tuple(c.id for c in left.configs),
        )

    def history(self) -> History:
        return begin(self.unit.stack, self.sight())

    def remember(self, history: History, sight: Sight) -> History:
        return remember(history, self.unit.stack, sight)

    def judged(self, look: Look, history: History, policy: Policy) -> Health:
        return judge(self.item.desired, look, history, policy)

    def probe(self, probe: Probe) -> ProbeResult:
        result = self.do(RunProbe(site=self.site, probe=probe))
        assert isinstance(result, ProbeResult), result
        return result


def alive(found: Contents) -> list[Task]:
    return [task for task in found.tasks if not task.state.terminal]


def wanted(found: Contents) -> list[Task]:
    return [task for task in found.tasks if task.desired is TaskState.RUNNING]


def all_run(found: Contents) -> bool:
    """Whether there are tasks, and all that are wanted run."""
    tasks = wanted(found)
    return bool(tasks) and all(task.state is TaskState.RUNNING for task in tasks)


def ended(found: Contents) -> bool:
    """Whether there are neither services nor tasks that have not ended."""
    return not (found.services or alive(found))
