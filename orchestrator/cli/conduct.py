"""Give one life of a run what it acts with: journal, signals, someone who shows it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from orchestrator.cli.interrupt import Interrupt, stop_on_signals
from orchestrator.cli.past import read_history
from orchestrator.cli.reports import leave_report
from orchestrator.cli.telling import read_entries, tell_end
from orchestrator.cli.watchdog import Run
from orchestrator.cli.wiring import World
from orchestrator.command_line import typed
from orchestrator.engine.events import RunWaits
from orchestrator.engine.means import Means
from orchestrator.engine.report import RunEnd
from orchestrator.engine.watch import Wait, WatchedBackend, WatchedJournal
from orchestrator.errors import ExitCode
from orchestrator.planning.history import expect
from orchestrator.planning.plan import Plan
from orchestrator.ui.relay import Relay

Live = Callable[[Means], RunEnd]


def conduct(
    world: World, run: str, live: Live, ended: Callable[[RunEnd], None], *, journal: str = ""
) -> RunEnd:
    """Let `live` carry out its part of `run`.

    Args:
        world: what it is carried out with.
        run: its id.
        live: carries it out.
        ended: says how it ended; a signal does not keep that from being said.
        journal: the id of its journal, if that is not the run's own.

    Raises:
        JournalError: its journal cannot be opened or written; nothing was touched.

    """
    interrupt = Interrupt(run, world.talk.manner)
    shown = _Shown(world, run)
    opened = world.journals.open(journal or run)
    with opened as written, stop_on_signals(interrupt, world.wake):
        means = Means(
            backend=WatchedBackend(world.backend, world.watch),
            journal=WatchedJournal(written, world.watch),
            holder=world.holder,
            wall=world.wall,
            listen=shown.begin,
            stop_asked=interrupt.asked,
            announces=world.places.known,
            watch=world.watch,
            key=world.key,
            stalled=world.watchdog.stalled if world.watchdog else lambda: None,
        )
        try:
            with _watched(world, run, interrupt, shown):
                end = live(means)
        finally:
            shown.close()
        ended(end)
        _report(world, run)
    if world.besides.anybody:
        with world.watch.waiting("those who are told how it ended"):
            entries = read_entries(partial(world.journals.read, journal or run))
            for words in tell_end(world.besides, end, end.exit_code, entries):
                world.talk.say(f"not told: {words}")
    return end


@contextmanager
def _watched(world: World, run: str, interrupt: Interrupt, shown: "_Shown") -> Iterator[None]:
    """Let the watchdog, where there is one, stop a run that stands still."""

    def stop() -> None:
        interrupt.ask()
        world.wake()

    if world.watchdog is None:
        yield
        return
    with world.watchdog.of_run(Run(id=run, stop=stop, say=shown.waits)):
        yield


def _report(world: World, run: str) -> None:
    """Leave a report and say where it lies; whatever goes wrong with it changes nothing else."""
    try:
        with world.watch.waiting("the report to be written on this machine's disk"):
            path = leave_report(world.journals, world.reports, run, world.talk.manner)
    except Exception as error:  # noqa: BLE001 - not even a mistake here may change how a run ended
        world.talk.aside(f"no report was written: {error}; try: {typed('report', run)}")
    else:
        if path is not None:
            world.talk.aside(f"report: {path}")


def saying(world: World, code_of: Callable[[RunEnd], ExitCode]) -> Callable[[RunEnd], None]:
    """Return what says how a run ended, with the exit code that `code_of` gives it."""
    return lambda end: world.talk.run_ended(end, code_of(end))


class _Shown:
    """One listener at a time: where a run turns back, another plan is shown."""

    def __init__(self, world: World, run: str) -> None:
        self._world = world
        self._run = run
        self._now: Relay | None = None

    def begin(self, plan: Plan) -> Relay:
        """Show the carrying out of `plan` from now on."""
        self.close()
        listener = self._world.talk.listener(
            plan, self._run, expect=lambda plan: expect(plan, read_history(self._world.journals))
        )
        self._now = Relay(listener)
        return self._now

    def waits(self, wait: Wait, seconds: float) -> bool:
        """Show what is waited for, where something is shown; called from another thread."""
        shown = self._now  # the run's own thread may close it at any moment
        if shown is None:
            return False
        at = self._world.backend.now()
        words, most = wait.words, wait.at_most
        shown(RunWaits(at=at, waiting_for=words, seconds=seconds, at_most=most))
        return True

    def close(self) -> None:
        """Give the terminal back."""
        shown, self._now = self._now, None
        if shown is not None:
            shown.close()
