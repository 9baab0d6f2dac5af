"""From one look at every site to the rows of a status screen."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from orchestrator.cli.judging import concluded, judge_fleet, with_lock, with_owed
from orchestrator.cli.patience import TIMEOUT_SECONDS
from orchestrator.cli.wiring import World
from orchestrator.command_line import typed
from orchestrator.engine.ports import Backend
from orchestrator.engine.questions import Questions
from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.observed import Sight, Unseen
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.selection import Request, check_names, dependents
from orchestrator.procedures.asking import Asking
from orchestrator.procedures.effects import (
    Observe,
    Probed,
    ProbeResult,
    ReadConfig,
    deciding,
    probed,
)
from orchestrator.procedures.hold import LOCK
from orchestrator.procedures.lock import read_lock
from orchestrator.procedures.owed import OWED, read_owed
from orchestrator.ui.status_view import Fleet

if TYPE_CHECKING:
    from orchestrator.cli.known import Known

T = TypeVar("T")
_PATIENCE = 4
_SHOWN_SECONDS = 0.1


def fleet_status(
    world: World, only: tuple[str, ...] = (), *, timeout: float = TIMEOUT_SECONDS
) -> Fleet:
    """Look at every site, or those of `only`, side by side and judge every unit there.

    A site that does not answer within `timeout` seconds is told to be unreachable.

    Raises:
        UsageError: a site is unknown.

    """
    return Rounds(world, only, timeout=timeout).look()


class Rounds:
    """Looks at the fleet, again and again over the same connections.

    Args:
        world: all that a command works with.
        only: the sites to look at; all if there are none.
        timeout: seconds that a site has to answer. One that we are logged in to gets four times
            as long: it is slow, not dead.
        fetch: whether git servers are asked for newer commits, in the first round.
        probes: whether the probes of units are sent as well.

    Raises:
        UsageError: a site is unknown.

    """

    def __init__(
        self,
        world: World,
        only: tuple[str, ...],
        *,
        timeout: float,
        fetch: bool = False,
        probes: bool = False,
    ) -> None:
        check_names(world.inventory, Request(sites=only))
        self._world, self._only, self._timeout, self._fetch = world, only, timeout, fetch
        inventory = world.inventory
        self._sites = [
            site.name
            for site in inventory.sites
            if site.state is not SiteState.PLANNED and (not only or site.name in only)
        ]
        home = inventory.coordinator
        effects = [ReadConfig(site=home, name=LOCK), ReadConfig(site=home, name=OWED)]
        looks = [Observe(site=site) for site in self._sites]
        specs = [spec for spec in inventory.units if spec.unit.site in self._sites]
        self._units = [spec.unit for spec in specs]
        self._probes = tuple(
            (spec.unit, deciding(spec.unit.site, probe))
            for spec in specs
            for probe in (spec.probes if probes else ())
        )
        self._first_probe = len(effects) + len(looks)
        sent = [effect for _, effect in self._probes]
        self._asked: list[str] = [home, home, *self._sites, *(effect.site for effect in sent)]
        self._questions = Questions(world.backend, [*effects, *looks, *sent])
        self._began = 0.0
        self._known: Known | None = None
        self._unfetched: tuple[Problem, ...] = ()
        if fetch:
            world.checkout.begin([inventory.spec(unit).repo for unit in self._units], {})

    def look(self, show: Callable[[Fleet], None] | None = None) -> Fleet:
        """Ask everything and return the fleet; meanwhile `show` is given what is known of it."""
        asked = self._began = self._questions.ask()
        shown = _Shown(show, self._world.backend)
        answers: dict[int, object] = {}
        shown(lambda: self._fleet(answers))
        known = self._declared()
        for index, answer in self._questions.answers(
            asked + self._timeout,
            patience=self._timeout * (_PATIENCE - 1),
            speaks=lambda index: self._world.reaches(self._asked[index]),
        ):
            answers[index] = answer
            shown(lambda: self._fleet(answers, known))
        took = self._world.backend.now() - asked
        answers |= {
            index: self._silent(site, took)
            for index, site in enumerate(self._asked[: self._first_probe])
            if index not in answers
        }
        answers |= {
            index: self._no_answer(took)
            for index in range(self._first_probe, len(self._asked))
            if index not in answers
        }
        if self._fetch:
            known = self._fetched()
        return self._fleet(answers, known)

    def _declared(self) -> "Known | None":
        """Read what is declared while the sites are at it, once."""
        from orchestrator.cli.known import recall

        if self._known is None and not self._fetch:
            self._known = recall(self._world.inventory, self._world.checkout, self._units)
        return self._known

    def _fetched(self) -> "Known":
        from orchestrator.cli.known import fetched

        world, self._fetch = self._world, False
        self._known, self._unfetched = fetched(
            world.inventory, world.checkout, self._units, world.wall()
        )
        return self._known

    def _silent(self, site: str, seconds: float) -> Unseen:
        return Unseen(
            site=site,
            at=self._world.backend.now(),
            problem=Problem(
                code="site.unreachable",
                what=f"{site} did not answer in {seconds:.1f} s",
                exit_code=ExitCode.SITE_UNREACHABLE,
                where=Where(site=site),
                fix=f"{typed('status', '--site', site, '--timeout', 15)}   # waits longer",
                state_left="nothing was touched",
                runbook="site-unreachable",
            ),
        )

    def _no_answer(self, seconds: float) -> ProbeResult:
        words = f"no answer in {seconds:.1f} s"
        return ProbeResult(ok=False, at=self._world.backend.now(), words=words)

    def _answered(self, answers: Mapping[int, object]) -> dict[Unit, tuple[Probed, ...]]:
        """Return what was answered so far, by unit."""
        found: dict[Unit, tuple[Probed, ...]] = {}
        for index, (unit, effect) in enumerate(self._probes, self._first_probe):
            if isinstance(result := answers.get(index), ProbeResult):
                found[unit] = (*found.get(unit, ()), probed(effect, result, self._began))
        return found

    def _fleet(self, answers: Mapping[int, object], known: "Known | None" = None) -> Fleet:
        world = self._world
        seen = {a.site: a for i, a in answers.items() if i > 1 and isinstance(a, Sight | Unseen)}
        waiting = tuple(site for site in self._sites if site not in seen)
        fleet = judge_fleet(
            world.inventory,
            seen,
            known,
            waiting=waiting,
            now=world.wall(),
            answered=self._answered(answers),
        )
        fleet = replace(fleet, unfetched=self._unfetched, needed=_needed(world.inventory, fleet))
        home = world.inventory.coordinator
        if (lock := answers.get(0)) is not None:
            fleet = with_lock(world, fleet, _read(read_lock(home), lock))
        if (owed := answers.get(1)) is not None:
            fleet = with_owed(fleet, _read(read_owed(home), owed), self._only)
        return fleet


def _needed(inventory: Inventory, fleet: Fleet) -> frozenset[Unit]:
    there = {row.unit for row in fleet.rows if row.presence is Presence.PRESENT}
    below = (row.unit for row in fleet.rows)
    return frozenset(u for u in below if there & dependents(inventory, frozenset({u})))


class _Shown:
    """Hands on what is known, but not so often that it costs time."""

    def __init__(self, show: Callable[[Fleet], None] | None, backend: Backend) -> None:
        self._show, self._backend = show, backend
        self._last: float | None = None

    def __call__(self, made: Callable[[], Fleet]) -> None:
        now = self._backend.now()
        if self._show and (self._last is None or now - self._last >= _SHOWN_SECONDS):
            self._last = now
            self._show(made())


def _read(asking: Asking[T], answer: object) -> T | Problem:
    return answer.problem if isinstance(answer, Unseen) else concluded(asking, answer)
