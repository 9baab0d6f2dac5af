"""A restart, up or down as plain commands, for the day on which dtdeploy itself is broken.

Made from the inventory, and from what it was told that units use of each other: nothing is looked
at, so each line looks for itself, waits with a
deadline, and ends with another code than 0 if what it is for was not reached.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from orchestrator.errors import ExitCode, Problem, UsageError
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import Use
from orchestrator.inventory.model import Inventory, SiteState, UnitSpec
from orchestrator.planning.graph import waves
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request, dependents, select
from orchestrator.planning.sharing import around
from orchestrator.procedures import hand_lines as lines
from orchestrator.procedures.hand_probes import asked

_REMOVE_SECONDS = 120
_HEALTHY_SECONDS = 300
_OUTSIDE_SECONDS = 10
_PLANNED = (Command.RESTART, Command.UP, Command.DOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Lines that belong together, and what they are for. Each is one command of one shell."""

    about: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """All that is typed. `deputies` are managers, each with those that may stand in for it.

    `announced` are units that go down and whose downtime is announced. `uses` say what follows one
    another although no `depends_on` says so; of the units `unread` nobody could tell.
    """

    passages: tuple[Passage, ...]
    deputies: tuple[tuple[str, tuple[str, ...]], ...] = ()
    announced: tuple[Unit, ...] = ()
    uses: tuple[Use, ...] = ()
    unread: tuple[Unit, ...] = ()


def by_hand(
    inventory: Inventory, command: Command, request: Request, refs: Mapping[str, str]
) -> ByHand:
    """Return the commands that amount to `command`, in the order in which they are typed.

    Args:
        inventory: what is declared.
        command: restart, up or down.
        request: which units. What depends on those that go down goes down with them.
        refs: other branches, tags or SHAs of repositories, by name.

    Raises:
        UsageError: it is another command, or no unit is selected.
        RefusedError: a unit asked for by name is watched or planned.

    """
    if command not in _PLANNED:
        raise UsageError(_depends(command))
    chosen = frozenset(select(inventory, request))
    if command is not Command.UP:
        chosen |= dependents(inventory, chosen)
    units = tuple(
        spec
        for spec in inventory.units
        if spec.unit in chosen
        and inventory.state(spec.unit) is SiteState.ACTIVE
        and spec.unit.site not in request.without
    )
    hand = _Hand(inventory=inventory, request=request, refs=refs, specs=units)
    waved = waves({spec.unit: inventory.needs[spec.unit] for spec in units})
    passages = [*hand.begin(), *hand.fit(goes=command is not Command.UP)]
    if command is not Command.DOWN:
        passages += hand.ready()
    if command is not Command.UP:
        passages += [part for wave in reversed(waved) for part in hand.down(wave)]
    if command is not Command.DOWN:
        passages += [part for wave in waved for part in hand.up(wave)]
        passages += hand.settled()
    passages += hand.end()
    announced = tuple(s.unit for s in units if s.announce and command is not Command.UP)
    return ByHand(
        passages=tuple(part for part in passages if part.lines),
        deputies=tuple(hand.deputies()),
        announced=announced,
        uses=around(inventory, (spec.unit for spec in units)),
    )


def _depends(command: Command) -> Problem:
    return Problem(
        code="usage.not-by-hand",
        what=f"what {command.value} does depends on what runs: no list of commands can say it",
        exit_code=ExitCode.USAGE,
        fix="--for restart, --for up or --for down",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hand:
    """What is written down, and from what."""

    inventory: Inventory
    request: Request
    refs: Mapping[str, str]
    specs: tuple[UnitSpec, ...]

    def begin(self) -> Iterator[Passage]:
        yield _passage(
            "This shell: a folder to work in, and what the lines below mean. In a new shell: again",
            ('cd "$(mktemp -d)"', *lines.functions()),
        )
        yield _passage(
            "Keep dtdeploy away. If it says that the config exists, a run holds the lock: stop",
            (lines.held(self._coordinator()),),
        )

    def fit(self, *, goes: bool) -> Iterator[Passage]:
        units = frozenset(spec.unit for spec in self.specs) if goes else frozenset()
        down = self._seen(units | dependents(self.inventory, units))
        yield _passage(
            "Every manager answers; nothing that goes down was last on a node that is not Ready",
            (
                lines.ready(
                    self._target(site),
                    sorted(unit.stack for unit in down if unit.site == site),
                    self._lost(site),
                )
                for site in self._sites()
            ),
        )
        ownership = self.inventory.ownership
        if not ownership.managed:
            return
        declared = sorted({spec.unit.stack for spec in self.inventory.units})
        yield _passage(
            f"No stack of a name like {', '.join(ownership.managed)} runs that nobody declared",
            (lines.strangers(host, ownership, declared) for host in self._hosts()),
        )

    def ready(self) -> Iterator[Passage]:
        specs = self.specs
        secrets = dict.fromkeys(name for spec in specs for name in spec.secret_variables)
        yield _passage("Secrets are in this shell's environment", map(lines.secret_there, secrets))
        yield _passage(
            "What is needed from outside answers",
            (
                lines.patiently(
                    asked(self._host(spec.unit), probe), _OUTSIDE_SECONDS, f"{probe.name}: stop"
                )
                for spec in specs
                for probe in spec.requires
            ),
        )
        repos = {spec.repo: self._ref(spec) for spec in specs}
        yield _passage(
            "The repositories, and the commits that will run: note them",
            (
                line
                for name, ref in repos.items()
                for line in (
                    lines.cloned(self.inventory.repo(name)),
                    lines.commit_of(name, ref),
                )
            ),
        )
        yield _passage(
            "The compose files to the managers",
            (lines.shipped(self._host(s.unit), s, self._ref(s)) for s in specs),
        )
        yield _passage(
            "Their images, while everything still runs",
            (lines.pulled(self._host(s.unit), s) for s in specs),
        )

    def down(self, wave: tuple[Unit, ...]) -> Iterator[Passage]:
        above = dependents(self.inventory, frozenset(wave))
        about = f"Nothing that needs {_names(wave)} runs: look once more, everywhere"
        yield _passage(
            about + self._blind(above),
            self._of(self._seen(above), self._gone),
        )
        yield _passage(
            f"Down: {_names(wave)}",
            self._of(wave, lambda host, spec: lines.removed(host, spec.unit.stack)),
        )
        yield _passage(
            "Wait until none of their tasks runs",
            self._of(wave, self._ended),
        )
        yield _passage(
            "Only now the rest of them; earlier it costs network addresses",
            self._of(
                wave, lambda host, spec: lines.cleared(host, spec.unit.stack, _patience(spec))
            ),
        )

    def up(self, wave: tuple[Unit, ...]) -> Iterator[Passage]:
        ours = {spec.unit for spec in self.specs}
        below = {need for unit in wave for need in self.inventory.needs[unit]} - ours
        yield from self._healthy(f"What {_names(wave)} needs is healthy", self._ordered(below))
        yield _passage(
            f"{_names(wave)}: nothing of it is there. If it is, leave it out or take it down",
            self._of(wave, self._gone),
        )
        yield _passage(f"Up: {_names(wave)}", self._of(wave, lines.deployed))
        yield from self._healthy(f"Wait until healthy: {_names(wave)}", wave)

    def settled(self) -> Iterator[Passage]:
        yield _passage(
            "The same tasks keep running",
            (
                lines.stays(
                    self._host(s.unit), s.unit.stack, max(1, round(s.policy.stable_seconds))
                )
                for s in self.specs
            ),
        )

    def end(self) -> Iterator[Passage]:
        yield _passage("Let dtdeploy act again", (lines.released(self._coordinator()),))

    def _healthy(self, about: str, units: Iterable[Unit]) -> Iterator[Passage]:
        yield _passage(
            about,
            (
                line
                for spec in map(self.inventory.spec, units)
                for line in self._well(self._host(spec.unit), spec)
            ),
        )

    def _well(self, host: str, spec: UnitSpec) -> Iterator[str]:
        seconds = round(spec.policy.healthy_seconds) or _HEALTHY_SECONDS
        yield lines.replicated(host, spec.unit.stack, seconds)
        for probe in spec.probes:
            words = f"{spec.unit}: {probe.name} does not answer well: stop here"
            yield lines.patiently(asked(host, probe), seconds, words)

    def _gone(self, host: str, spec: UnitSpec) -> str:
        return lines.gone(host, spec.unit.stack, self._lost(spec.unit.site))

    def _ended(self, host: str, spec: UnitSpec) -> str:
        lost = self._lost(spec.unit.site)
        return lines.ended(host, spec.unit.stack, _patience(spec), lost)

    def _of(self, units: Iterable[Unit], line: Callable[[str, UnitSpec], str]) -> Iterator[str]:
        return (line(self._host(unit), self.inventory.spec(unit)) for unit in units)

    def _ordered(self, units: Iterable[Unit]) -> tuple[Unit, ...]:
        wanted = frozenset(units)
        return tuple(spec.unit for spec in self.inventory.units if spec.unit in wanted)

    def _seen(self, units: frozenset[Unit]) -> tuple[Unit, ...]:
        return self._ordered(u for u in units if u.site not in self.request.without)

    def _blind(self, units: frozenset[Unit]) -> str:
        left = self._ordered(u for u in units if u.site in self.request.without)
        return f" (not at {_names(left)}, which lose what they need if they run)" if left else ""

    def deputies(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the managers that others of their Swarm may stand in for, with these."""
        for site in self._sites():
            others = self.inventory.site(site).others
            if others:
                yield self._target(site), tuple(other.target for other in others)

    def _lost(self, site: str) -> tuple[str, ...]:
        """Return the nodes of a site that somebody answers for."""
        split = (name.rpartition("@") for name in self.request.accept_lost)
        return tuple(node for node, _, where in split if where == site)

    def _hosts(self) -> tuple[str, ...]:
        return tuple(map(self._target, self._sites()))

    def _sites(self) -> tuple[str, ...]:
        """Return the sites that are acted on, or have to be looked at."""
        units = frozenset(spec.unit for spec in self.specs)
        near = self._seen(units | dependents(self.inventory, units))
        needed = {need for spec in self.specs for need in self.inventory.needs[spec.unit]}
        return tuple(dict.fromkeys(unit.site for unit in self._ordered({*near, *needed})))

    def _host(self, unit: Unit) -> str:
        return self._target(unit.site)

    def _coordinator(self) -> str:
        return self._target(self.inventory.coordinator)

    def _target(self, site: str) -> str:
        return self.inventory.site(site).manager.target

    def _ref(self, spec: UnitSpec) -> str:
        return self.refs.get(spec.repo) or self.inventory.repo(spec.repo).ref


def _passage(about: str, found: Iterable[str]) -> Passage:
    return Passage(about=about, lines=tuple(dict.fromkeys(found)))


def _names(units: Iterable[Unit]) -> str:
    return ", ".join(map(str, units))


def _patience(spec: UnitSpec) -> int:
    return round(spec.policy.remove_seconds) or _REMOVE_SECONDS
