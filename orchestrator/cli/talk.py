"""How a command talks: stdout is data, stderr is talk, JSON lines for machines."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import click
from rich.console import Console

from orchestrator.engine.report import RunEnd, RunReport
from orchestrator.errors import Problem
from orchestrator.inventory.model import Inventory
from orchestrator.planning.plan import Plan
from orchestrator.ui.consoles import open_console
from orchestrator.ui.inventory_view import print_inventory
from orchestrator.ui.json_lines import (
    fleet_line,
    plan_line,
    print_json,
    problems_line,
    run_ended_json,
)
from orchestrator.ui.listening import Listening, make_listener
from orchestrator.ui.mode import Mode, choose_mode
from orchestrator.ui.plan_view import print_plan
from orchestrator.ui.problems import print_problems
from orchestrator.ui.status_view import Fleet, print_status
from orchestrator.ui.summary import print_summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """Where and how everything is said."""

    out: Console
    err: Console
    mode: Mode
    verbose: bool
    clock: Callable[[], datetime]

    @classmethod
    def choose(
        cls,
        *,
        as_json: bool,
        verbose: bool,
        environment: Mapping[str, str],
        clock: Callable[[], datetime],
    ) -> Self:
        """Choose by who is listening: a machine, a terminal, or a pipe."""
        return cls(
            out=open_console(sys.stdout, environment),
            err=open_console(sys.stderr, environment),
            mode=choose_mode(as_json=as_json, tty=sys.stderr.isatty(), environ=environment),
            verbose=verbose,
            clock=clock,
        )

    @property
    def as_json(self) -> bool:
        """Whether a machine reads."""
        return self.mode is Mode.JSON

    def plan(self, plan: Plan) -> None:
        """Show a plan."""
        if self.as_json:
            print_json(plan_line(plan), self.out)
        else:
            print_plan(plan, self.out, verbose=self.verbose)

    def listener(self, plan: Plan) -> Listening:
        """Return what follows a run of `plan`; close it afterwards."""
        return make_listener(self.mode, plan, self.out, self.err, self.clock)

    def ended(self, plan: Plan, report: RunReport) -> None:
        """Say how a run ended: the problems, then what stands and what to type next."""
        if self.as_json:
            print_json(run_ended_json(plan, report), self.out)
            return
        if report.problems:
            print_problems(report.problems, self.err)
        print_summary(plan, report, self.err)

    def run_ended(self, end: RunEnd) -> None:
        """Say how a life of a run ended."""
        if end.problems:
            self.problems(end.problems)
        report = end.restored or end.report
        if report is not None:
            self.ended(end.way_back or end.plan, report)

    def status(self, fleet: Fleet) -> None:
        """Show the fleet."""
        if self.as_json:
            print_json(fleet_line(fleet), self.out)
        else:
            print_status(fleet, self.out)

    def inventory(self, inventory: Inventory) -> None:
        """Show sites and stacks."""
        print_inventory(inventory, self.out)

    def problems(self, problems: Iterable[Problem]) -> None:
        """Show problems; as data for a machine."""
        if self.as_json:
            print_json(problems_line(problems), self.out)
        else:
            print_problems(problems, self.err)

    def say(self, words: str) -> None:
        """Say a line to whoever is there, and nothing to a machine."""
        if not self.as_json:
            click.echo(words, err=True)
