"""The command line: what exists, and how every failure ends."""

import contextlib
import io
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.given import Given, which_fleet
from orchestrator.cli.lazy import Lazy, LazyGroup
from orchestrator.command_line import PROGRAM, joined
from orchestrator.errors import DtdeployError, ExitCode

if TYPE_CHECKING:
    from orchestrator.cli.wiring import World

_COMMANDS = {
    "plan": Lazy("orchestrator.cli.plan:plan", "Show what a restart, up or down would do."),
    "apply": Lazy("orchestrator.cli.apply:apply", "Carry out a plan that was saved."),
    "restart": Lazy("orchestrator.cli.restart:restart", "Take units down and up again, safely."),
    "deploy": Lazy("orchestrator.cli.deploy:deploy", "Bring there what has changed."),
    "up": Lazy("orchestrator.cli.up:up", "Deploy what is not running as declared."),
    "down": Lazy("orchestrator.cli.down:down", "Take units down, dependents first."),
    "resume": Lazy("orchestrator.cli.resume:resume", "Go on with a run that stopped half-way."),
    "rollback": Lazy("orchestrator.cli.rollback:rollback", "Bring back what ran before a run."),
    "lock": Lazy("orchestrator.cli.lock:lock", "Show which run holds the lock; break it."),
    "drift": Lazy("orchestrator.cli.drift:drift", "Show what differs from what is declared."),
    "status": Lazy("orchestrator.cli.status:status", "Show the whole fleet on one screen."),
    "logs": Lazy("orchestrator.cli.logs:logs", "Show what services write, at all sites at once."),
    "verify": Lazy("orchestrator.cli.verify:verify", "Check health, probes and stability."),
    "doctor": Lazy("orchestrator.cli.doctor:doctor", "Run the preflight alone; changes nothing."),
    "runs": Lazy("orchestrator.cli.runs:runs", "List past runs and how they ended."),
    "report": Lazy("orchestrator.cli.report:report", "Show all about a run, as a page."),
    "explain": Lazy("orchestrator.cli.explain:explain", "Explain an error; print its runbook."),
    "look-script": Lazy(
        "orchestrator.cli.look_script:look_script", "Print the program of logins that only look."
    ),
    "inventory": Lazy("orchestrator.cli.inventory:inventory", "Check or show sites and stacks."),
    "completion": Lazy("orchestrator.cli.completion:completion", "Print shell completion."),
    "man": Lazy("orchestrator.cli.man:man", "Write man pages: what --help says."),
}


@click.group(
    cls=LazyGroup,
    commands_at=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 2 a plan with changes (--detailed-exitcode), 3 inventory invalid, "
    "4 plan stale, altered or used, 10 lock held, 11 site unreachable, 12 host key refused, "
    "13 login refused, 14 git source failed, 20 safety rule refused, 21 unhealthy or owed, "
    "22 failed and restored, 23 removal unfinished, 24 announcement failed, 30 interrupted, "
    "31 outcome unknown, 64 usage.",
)
@click.version_option(package_name="dtdeploy", prog_name="dtdeploy")
@click.option(
    "-i",
    "--inventory",
    "inventory_path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="DTDEPLOY_INVENTORY",
    default=Path("sites.yaml"),
    show_default=True,
    help="The site inventory; stacks/ stands beside it.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout, one object a line.")
@click.option("-v", "--verbose", is_flag=True, help="Show more, and log to stderr.")
@click.option(
    "--plain",
    is_flag=True,
    envvar="DTDEPLOY_PLAIN",
    help="Tell a run line by line, without a live board: for screen readers, and to keep it.",
)
@click.option(
    "--simulate",
    "scenario",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Rehearse on a simulated fleet described by this file; contacts nothing.",
)
@click.option(
    "--real-time",
    is_flag=True,
    help="With --simulate: let time pass as it would, to watch a rehearsal.",
)
@click.pass_context
def cli(
    ctx: click.Context,
    inventory_path: Path,
    scenario: Path | None,
    *,
    as_json: bool,
    verbose: bool,
    plain: bool,
    real_time: bool,
) -> None:
    """Take Docker Swarm stacks that depend on each other down and up again, at several sites.

    Select units with --all, --site, --stack or STACK@SITE. To see before you leap:

    \b
      dtdeploy status            what runs where
      dtdeploy plan --all        what a restart would do
      dtdeploy restart --all     do it, after asking
    """
    ctx.obj = Given(
        inventory_path=inventory_path,
        scenario=scenario,
        as_json=as_json,
        verbose=verbose,
        plain=plain,
        real_time=real_time,
        world=ctx.obj,
        which_fleet=which_fleet(ctx),
    )


def main() -> None:
    """Run the command line and leave with its exit code, at once.

    Threads may still wait for a site that hangs, and Python would wait for them. Nothing they
    could bring matters any more: all that has to last was written before.
    """
    _leave_no_core()
    code = run(sys.argv[1:])
    # What never needed the wiring did nothing that a CI wants to be told about.
    if wiring := sys.modules.get("orchestrator.cli.wiring"):
        wiring.tell_exit_code(code)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _leave_no_core() -> None:
    """Have no memory of ours, nor of any git or ssh begun here, written to a disk: it has secrets.

    A limit can always be lowered (setrlimit(2)); children inherit it.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(arguments: list[str], world: "Callable[[], World] | None" = None) -> int:
    """Run one command line, in what `world` makes if that is given.

    Returns:
        Its exit code.

    """
    try:
        result = cli.main(args=arguments, prog_name="dtdeploy", standalone_mode=False, obj=world)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.Abort as abort:
        if isinstance(abort.__cause__, EOFError):
            # click takes it for the end of somebody's typing, wherever it comes from.
            raise abort.__cause__ from None
        click.echo("stopped before this command touched anything", err=True)
        return ExitCode.INTERRUPTED
    except click.ClickException as wrong:
        _show(wrong)
        return ExitCode.USAGE
    except DtdeployError as error:
        return _explain(error, arguments)
    except BrokenPipeError:
        # The reader went away (`dtdeploy status | head`): nothing is left to say it to.
        return ExitCode.DONE
    return int(result) if isinstance(result, int) else ExitCode.DONE


def _show(wrong: click.ClickException) -> None:
    """Say what click says; the words that it repeats may hold what moves the cursor."""
    from orchestrator.words.foreign import clean

    said = io.StringIO()
    wrong.show(file=said)
    for line in said.getvalue().splitlines():
        indent = line[: len(line) - len(line.lstrip(" "))]
        click.echo(f"{indent}{clean(line)}", err=True)


def _explain(error: DtdeployError, arguments: list[str]) -> int:
    from orchestrator.cli.wiring import explain

    again = joined([PROGRAM, *arguments]) if _to_be_given_again(error) else ""
    # The command has left its context: what stood before its name is read once more.
    context = cli.make_context("dtdeploy", list(arguments), resilient_parsing=True)
    explain(
        error.problems,
        as_json="--json" in arguments,
        yes="--yes" in arguments or "-y" in arguments,
        which_fleet=which_fleet(context),
        again=again,
    )
    return error.exit_code


def _to_be_given_again(error: DtdeployError) -> bool:
    """Whether the command line was right: what it asked for could not be done as things are."""
    never = {problem.retry.never for problem in error.problems}
    return error.exit_code is not ExitCode.USAGE or never == {True}
