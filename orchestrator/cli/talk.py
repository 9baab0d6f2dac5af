"""How a command talks: stdout is data, stderr is talk, JSON lines for machines."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from rich.console import Console

from orchestrator.command_line import AS_IT_IS, Manner, typed
from orchestrator.engine.report import RunEnd, RunReport
from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.logs import LogLine
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.history import NOTHING_KNOWN, Expected
from orchestrator.planning.plan import Plan
from orchestrator.procedures.inspection import Check
from orchestrator.report.audit import AuditedRun
from orchestrator.ui.audit_view import audit_view, audited_json, audited_view
from orchestrator.ui.ci import NO_CI, Ci, CiKind, annotations, append_file, ci_of, defused, outputs
from orchestrator.ui.consoles import SteadyStream, open_console, show, write_raw
from orchestrator.ui.doctor_view import check_json, print_check
from orchestrator.ui.drift_view import FleetDrift, print_drift
from orchestrator.ui.end_view import every_problem, print_end
from orchestrator.ui.form import Form
from orchestrator.ui.holding import HeldRun, print_holding
from orchestrator.ui.inventory_view import print_inventory
from orchestrator.ui.json_lines import (
    drift_line,
    end_line,
    fleet_line,
    lock_line,
    plan_line,
    print_json,
    problems_line,
    run_ended_json,
)
from orchestrator.ui.json_values import Json, problem_json, state_json
from orchestrator.ui.listening import Listening, make_listener
from orchestrator.ui.lock_view import RunState, print_lock, print_state
from orchestrator.ui.log_view import LogPrinter, log_json
from orchestrator.ui.mode import Mode, choose_mode
from orchestrator.ui.next_line import next_line
from orchestrator.ui.plan_forms import plan_lines
from orchestrator.ui.plan_markdown import plan_markdown
from orchestrator.ui.plan_view import print_plan
from orchestrator.ui.problems import print_problems
from orchestrator.ui.runs_view import Runs, print_runs, runs_json
from orchestrator.ui.saved_view import SavedHead, saved_lines
from orchestrator.ui.status_screen import StatusScreen
from orchestrator.ui.status_view import Fleet, print_status
from orchestrator.ui.summary import print_summary
from orchestrator.words.again import names_a_command, waits_for_somebody, ways_again
from orchestrator.words.foreign import clean_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """Where and how everything is said."""

    out: Console
    err: Console
    mode: Mode
    verbose: bool
    clock: Callable[[], datetime]
    ci: Ci = NO_CI
    reasons: Mapping[str, str] = field(default_factory=dict)
    """What error codes mean, in plain words, where whoever reads is to be told."""
    manner: Manner = AS_IT_IS
    """How commands have to be typed here."""

    @classmethod
    def choose(
        cls,
        *,
        as_json: bool,
        verbose: bool,
        environment: Mapping[str, str],
        clock: Callable[[], datetime],
        folder: str = "",
        plain: bool = False,
        manner: Manner = AS_IT_IS,
    ) -> Self:
        """Choose by who is listening: a machine, a terminal, a pipe, or a CI.

        `folder` is where dtdeploy was started; `plain`: a line an event, whoever listens;
        `manner` is how commands have to be typed here.
        """
        ci = ci_of(environment, folder)
        made_fit = defused if ci.kind is CiKind.GITHUB else str
        return cls(
            out=open_console(sys.stdout, environment, made_fit),
            err=open_console(sys.stderr, environment, made_fit),
            mode=choose_mode(
                as_json=as_json, tty=sys.stderr.isatty(), environ=environment, plain=plain
            ),
            verbose=verbose,
            clock=clock,
            ci=ci,
            manner=manner,
        )

    @property
    def as_json(self) -> bool:
        """Whether a machine reads."""
        return self.mode is Mode.JSON

    def spoken(self) -> int:
        """Return how often anything was said, on either stream."""
        streams = (console.file for console in (self.out, self.err))
        return sum(s.writes for s in streams if isinstance(s, SteadyStream))

    def plan(
        self,
        plan: Plan,
        holding: HeldRun | None = None,
        *,
        form: Form = Form.TEXT,
        saved: SavedHead | None = None,
        refused: tuple[Problem, ...] = (),
    ) -> None:
        """Show a plan. --json wins over `form`.

        `holding` is who holds the lock, said before; `saved` its file; `refused` what a run of it
        would be refused for. A drawing stays nothing but a drawing: what is said of the file goes
        to stderr then.
        """
        self._tell_ci(plan, saved, refused)
        if self.as_json or form is Form.JSON:
            self.json(plan_line(plan, holding, saved, refused))
            return
        head = saved_lines(saved) if saved else []
        for line in head:
            (self.out if form is Form.TEXT else self.err).out(line, highlight=False)
        if form is Form.TEXT:
            print_plan(plan, self.out, refused, verbose=self.verbose)
        else:
            for line in plan_lines(plan, form, saved, refused):
                self.out.out(line, highlight=False)

    def _tell_ci(self, plan: Plan, saved: SavedHead | None, refused: tuple[Problem, ...]) -> None:
        """Give a CI what it asked for: outputs for later steps, and a summary of the job."""
        told = {"changes": "true" if plan.changes else "false"}
        told |= {"hash": saved.sha256} if saved else {}
        append_file(self.ci.outputs, outputs(told))
        if self.ci.summary:
            append_file(self.ci.summary, "\n".join([*plan_markdown(plan, saved, refused), "", ""]))

    def exit_code(self, code: int) -> None:
        """Give a CI the exit code as an output: a later step may not see it otherwise."""
        append_file(self.ci.outputs, outputs({"exit-code": str(code)}))

    def notice(self, holding: HeldRun) -> None:
        """Say, before anything else, that a run holds the lock."""
        print_holding(holding, self.err, self.manner)

    def met(self, holding: HeldRun) -> None:
        """Say it as `notice` does, and to a machine as a line of its own."""
        self.notice(holding)
        if self.as_json:
            self.json(lock_line(holding))

    def lock(self, holding: HeldRun | None, state: RunState) -> None:
        """Show who holds the lock and how far that run has come."""
        if self.as_json:
            free: Json = {"event": "lock", "held": False}
            held = lock_line(holding) | state_json(state) if holding else free
            self.json(held)
        elif holding is None:
            self.out.out("the lock is free: no run is under way, none is unfinished")
            self.next_is(typed("status"))
        else:
            print_lock(holding, state, self.out, self.manner)

    def state(self, state: RunState) -> None:
        """Show how far a run has come, before it is gone on with."""
        if self.as_json:
            print_json({"event": "run_state"} | state_json(state), self.out)
        else:
            print_state(state, self.out)

    def listener(
        self,
        plan: Plan,
        run: str = "",
        *,
        expect: Callable[[Plan], Expected] = lambda _plan: NOTHING_KNOWN,
    ) -> Listening:
        """Return what follows a run of `plan`; close it afterwards.

        `expect` tells how long things took before, to somebody who waits for them.
        """
        return make_listener(
            self.mode,
            plan,
            self.out,
            self.err,
            self.clock,
            run=run,
            ci=self.ci.kind,
            expect=expect,
        )

    def ended(self, plan: Plan, report: RunReport, again: str = "") -> None:
        """Say how checking ended: the problems, then what to type next.

        `again` is the command that was checked for, where there is one.
        """
        self._annotate(report.problems)
        if self.as_json:
            self.json(run_ended_json(plan, report, again))
            return
        if report.problems:
            print_problems(report.problems, self.err, reasons=self.reasons, manner=self.manner)
        print_summary(plan, report, self.err, self.manner, again)

    def run_ended(self, end: RunEnd, code: ExitCode) -> None:
        """Say how a run ended: the problems, then what stands, is owed, and what to type next."""
        self._annotate(every_problem(end))
        if self.as_json:
            self.json(end_line(end, code))
            return
        if problems := every_problem(end):
            print_problems(problems, self.err, code=code, manner=self.manner)
        print_end(end, self.err, self.manner)

    @property
    def heard(self) -> bool:
        """Whether whoever reads stdout is still there, as far as anyone has noticed."""
        return not (isinstance(self.out.file, SteadyStream) and self.out.file.broken)

    def status_screen(self) -> StatusScreen | None:
        """Return what shows the fleet in place; None where stdout is no such terminal."""
        able = self.mode is Mode.LIVE and self.out.is_terminal
        return StatusScreen(self.out, self.manner) if able else None

    def status(self, fleet: Fleet, at: datetime | None = None) -> None:
        """Show the fleet; before it the time, where it is shown more than once."""
        if self.as_json:
            self.json(fleet_line(fleet))
            return
        if at is not None:
            self.out.out(f"--- {at.isoformat(timespec='seconds')}", highlight=False)
        print_status(fleet, self.out, self.manner)
        self.out.file.flush()

    def check(self, check: Check) -> None:
        """Show one thing that doctor looked at."""
        if self.as_json:
            print_json(check_json(check), self.out)
        else:
            print_check(check, self.out)

    def warnings(self, problems: Iterable[Problem]) -> None:
        """Show what nothing stops for, as data for a machine."""
        every = tuple(problems)
        if self.as_json:
            self.json({"event": "warnings", "warnings": [problem_json(p) for p in every]})
        elif every:
            print_problems(every, self.err, reasons=self.reasons, manner=self.manner)

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines that are data, as they are: somebody will paste them."""
        for line in lines:
            self.out.out(line, highlight=False)

    def runs(self, runs: Runs) -> None:
        """Show the runs that are remembered here."""
        if self.as_json:
            print_json(runs_json(runs), self.out)
        else:
            print_runs(runs, self.out, self._local)

    def audited(
        self, runs: Sequence[AuditedRun], unread: Sequence[Problem], *, in_full: bool = False
    ) -> None:
        """Show the runs that the managers know of, and who could not be asked.

        `in_full`: of the only one, each change.
        """
        if self.as_json:
            self.json(audited_json(runs, [problem.where.site for problem in unread]))
            return
        view = audit_view(runs[0], self._local) if in_full else audited_view(runs, self._local)
        show(self.out, view)
        self.problems(unread)

    def _local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, self.clock().tzinfo)

    def json(self, value: Json) -> None:
        """Print a value for a machine, what is to be typed as it has to be typed here."""
        print_json(self.manner.within(value), self.out)

    def log_lines(self, units: Iterable[Unit]) -> Callable[[LogLine], None]:
        """Return what prints a line of logs; `units` are all whose lines may come."""
        if self.as_json:
            return lambda line: print_json(log_json(line), self.out)
        return LogPrinter(self.out, units, self.clock())

    def drift(self, fleet: FleetDrift) -> None:
        """Show where what runs differs from what is declared."""
        if self.as_json:
            self.json(drift_line(fleet))
        else:
            print_drift(fleet, self.out, self.manner)

    def inventory(self, inventory: Inventory) -> None:
        """Show sites and stacks."""
        print_inventory(inventory, self.out)

    def problems(self, problems: Iterable[Problem], again: str = "") -> None:
        """Show problems; as data for a machine.

        `again` is the command that they refuse: where none of them names another one, it is what
        to type once a person has mended the cause.
        """
        every = tuple(problems)
        self._annotate(every)
        ways = ways_again(again, every) if again and not names_a_command(every) else ()
        if self.as_json:
            self.json(problems_line(every, ways))
            return
        print_problems(every, self.err, manner=self.manner)
        if ways:
            mended = waits_for_somebody(every)
            show(self.err, next_line(ways, mended=mended, manner=self.manner))

    def next_is(self, command: str) -> None:
        """Say what to type next, where no problem says it; nothing to a machine."""
        if not self.as_json:
            show(self.err, next_line((command,), mended=False, manner=self.manner))

    def _annotate(self, problems: Iterable[Problem]) -> None:
        for line in annotations(self.ci, problems, self.manner):
            write_raw(self.err, line)

    def aside(self, words: str) -> None:
        """Say a line on stderr, whoever reads stdout: it tells nothing of how a run ended."""
        for line in clean_lines(self.manner.fit(words)):
            self.err.out(line, highlight=False)

    def say(self, words: str) -> None:
        """Say a line to whoever is there, and nothing to a machine."""
        if not self.as_json:
            self.err.out(self.manner.fit(words), highlight=False)
