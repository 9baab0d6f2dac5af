from typing import Any

import click

from orchestrator.cli.meeting import meet
from orchestrator.cli.options import at_refs, leaving_out, request_of, selecting
from orchestrator.cli.planning import make_book
from orchestrator.cli.wiring import open_world
from orchestrator.errors import ExitCode
from orchestrator.planning.plan import Command
from orchestrator.ui.plan_forms import Form

_PLANNED = (Command.RESTART, Command.UP, Command.DOWN, Command.VERIFY)


@click.command()
@click.option(
    "--for",
    "command",
    type=click.Choice([command.value for command in _PLANNED]),
    default=Command.RESTART.value,
    show_default=True,
    help="What to plan.",
)
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="End with 2 when carrying the plan out would change anything.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(Form, case_sensitive=False),
    default=Form.TEXT,
    show_default="text",
    help="Write it as text, JSON, Markdown for a pull request, or a drawing of its graph.",
)
@selecting
@leaving_out
@at_refs
def plan(
    command: str,
    refs: dict[str, str],
    form: Form,
    *,
    detailed_exitcode: bool,
    **selection: Any,  # noqa: ANN401 - the selecting options, passed on whole
) -> int:
    """Show what a restart, up or down would do, in which order and why.

    Looks at every site and fetches the repositories; changes nothing.

    \b
      dtdeploy plan --all
      dtdeploy plan --for up datatrail-client@kko
      dtdeploy plan --all --format markdown
      dtdeploy plan --all --without gbo --because "its link is down"
    """
    with open_world() as world:
        if holding := meet(world):
            world.talk.notice(holding)
        book = make_book(world, Command(command), request_of(**selection), refs)
        world.talk.plan(book.plan, holding, form=form)
        if book.plan.unseen:
            return ExitCode.SITE_UNREACHABLE
        changes = detailed_exitcode and book.plan.changes
        return ExitCode.CHANGES if changes else ExitCode.DONE
