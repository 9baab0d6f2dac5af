"""Types command lines on a simulated fleet, with the very command line that people use."""

import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from io import StringIO

from orchestrator.cli.main import run
from orchestrator.cli.wiring import World
from orchestrator.command_line import Manner
from orchestrator.simulation.backend import SimulatedBackend
from orchestrator.simulation.happening import Happening, What
from tests.cli.desk import Desk
from tests.operators import Operators

ASKS = frozenset({"restart", "up", "down", "deploy", "resume", "rollback", "apply"})
_TOUCHES = frozenset(
    {
        What.SERVICE_CREATED,
        What.SERVICE_UPDATED,
        What.SERVICE_REMOVED,
        What.NETWORK_REMOVED,
    }
)
PATIENCE_SECONDS = 7200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """The first time that something happens; empty parts match everything."""

    what: What
    stack: str = ""
    site: str = ""
    detail: str = ""

    def matches(self, seen: Happening) -> bool:
        return (
            seen.what is self.what
            and self.stack in {"", seen.stack}
            and self.site in {"", seen.site}
            and self.detail in seen.detail
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A command line as it was typed, how it ended, what stood on the screen, and whether it
    changed anything of a stack."""

    line: str
    code: int
    screen: str
    touched: bool

    @property
    def changes(self) -> bool:
        """Whether it is a command that is typed to change something."""
        return words_of(self.line)[0] in {*ASKS, "lock"} and self.line != "dtdeploy lock"


@dataclass(slots=True, kw_only=True)
class Keyboard:
    """Somebody at `desk`; `seen` may change what stands on the screen before it is read."""

    desk: Desk
    seen: Callable[[str], str] = str
    changes: list[Callable[[World], World]] = field(default_factory=list)
    """What is otherwise in the world of each command than on a machine where all is well."""
    _number: int = field(default=0)

    def type(
        self,
        line: str,
        *,
        by_heart: bool = False,
        killed: When | None = None,
        stopped: When | None = None,
        upon: tuple[tuple[When, Callable[[], None]], ...] = (),
    ) -> Typed:
        """Type `line` and wait for its end; at moments it is killed, stopped by Ctrl-C, or worse.

        What `killed` and so on wait for is looked for as soon as it is typed.
        """
        fleet, self._number = self.desk.shared.fleet, self._number + 1
        out = StringIO()
        touched: list[Happening] = []
        words = words_of(line, by_heart=by_heart)
        turns = Operators(fleet)

        def note(seen: Happening) -> None:
            if seen.what in _TOUCHES and seen.by == name:
                touched.append(seen)

        name = f"{self.desk.name}-{self._number}-{id(self)}"
        with redirect_stdout(out), redirect_stderr(out), _signals_as_before():
            typed = turns.start(
                name, lambda backend: run(words, lambda: self._world(backend)), fleet.clock.now
            )
            fleet.subscribe(note)
            for moment, act in (
                (killed, typed.die),
                (stopped, lambda: signal.raise_signal(signal.SIGINT)),
                *upon,
            ):
                if moment is not None:
                    fleet.subscribe(_Once(fleet.clock.at, lambda: fleet.clock.now, moment, act))
            turns.run(until=fleet.clock.now + PATIENCE_SECONDS)
            # Killed or not, its process is no more.
            self.desk.alive.clear()
            code = -signal.SIGKILL if typed.killed else typed.outcome()
            turns.close()
        screen = self.desk.said() + out.getvalue()
        return Typed(line=line, code=code, screen=self.seen(screen), touched=bool(touched))

    def _world(self, backend: SimulatedBackend) -> World:
        world = self.desk.world(backend)
        world = replace(world, talk=replace(world.talk, manner=Manner(yes=True)))
        for change in self.changes:
            world = change(world)
        return world


@dataclass(slots=True)
class _Once:
    """Lets something be done right after what is waited for has happened."""

    at: Callable[..., object]
    now: Callable[[], float]
    moment: When
    act: Callable[[], None]
    done: bool = False

    def __call__(self, seen: Happening) -> None:
        if not self.done and self.moment.matches(seen):
            self.done = True
            self.at(self.now(), self.act)


def words_of(line: str, *, by_heart: bool = False) -> list[str]:
    """Return what a shell makes of a line, without the program's name.

    Who types `by_heart` knows that nobody can be asked; a screen has to say so itself.
    """
    words = shlex.split(line, comments=True)
    words = words[1:] if words[0] == "dtdeploy" else words
    asks = words[0] in ASKS and not {"--yes", "--dry-run"} & set(words)
    return [*words, "--yes"] if by_heart and asks else words


@contextmanager
def _signals_as_before() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    former = [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, former, strict=True):
            signal.signal(number, handler)
