import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.options import (
    at_refs,
    leaving_out,
    override_of,
    overriding,
    request_of,
    restoring,
    selecting,
    with_strategy,
)
from orchestrator.errors import ExitCode, worst
from orchestrator.planning.asked import Asked, OnFailure
from orchestrator.planning.plan import Command
from orchestrator.ui.form import Form

_PLANNED = (Command.RESTART, Command.DEPLOY, Command.UP, Command.DOWN, Command.VERIFY)
_LIFETIME = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_SECONDS = 30 * 86400
_REFUSED = "{} was written: applying it now would be refused for what is named above"
_NOT_SAVED = "{} was not written: a plan that cannot see a site is not for applying"


def _lifetime(_ctx: click.Context, _param: click.Parameter, value: str) -> float:
    match = _LIFETIME.fullmatch(value)
    if match is None or (seconds := int(match[1]) * _SECONDS[match[2]]) > _LONGEST_SECONDS:
        raise click.BadParameter(f"{value!r} is no time of at most 30d, for example 90m, 2h or 3d")
    return float(seconds)


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
    "--no-guards",
    is_flag=True,
    help="Do not ask the guards of sites.yaml: some are programs that run on this machine.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(Form, case_sensitive=False),
    default=Form.TEXT,
    show_default="text",
    help="Write it as text, JSON, Markdown for a pull request, or a drawing of its graph.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the plan, to be carried out by `dtdeploy apply FILE`.",
)
@click.option(
    "--expires",
    default="24h",
    show_default=True,
    metavar="TIME",
    callback=_lifetime,
    help="How long the saved plan may be applied: 90m, 2h, 3d. At most 30d.",
)
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@click.option(
    "--as-commands",
    is_flag=True,
    help="Print the commands that do it without dtdeploy, with every wait; contacts nothing.",
)
@selecting
@with_strategy
@leaving_out
@overriding
@at_refs
@restoring
def plan(
    command: str,
    refs: dict[str, str],
    on_failure: OnFailure,
    *,
    form: Form,
    out: Path | None,
    expires: float,
    force: bool,
    as_commands: bool,
    detailed_exitcode: bool,
    no_guards: bool,
    **selection: Any,  # noqa: ANN401 - the selecting options, passed on whole
) -> int:
    """Show what a restart, up or down would do, in which order and why.

    Looks at every site and fetches the repositories; changes nothing.

    \b
      dtdeploy plan --all
      dtdeploy plan --for up datatrail-client@kko
      dtdeploy plan --all --format markdown
      dtdeploy plan --all --out restart.plan --expires 2h
      dtdeploy plan --all --without gbo --because "its link is down"
      dtdeploy plan --all --as-commands
    """
    from orchestrator.cli.allowing import check_override, weathered
    from orchestrator.cli.by_hand import print_by_hand
    from orchestrator.cli.meeting import meet
    from orchestrator.cli.planning import draw
    from orchestrator.cli.refusals import keyless, refusals, tell_refusals
    from orchestrator.cli.saving import must_be_free, save_plan
    from orchestrator.cli.wiring import open_world

    override = override_of(selection)
    asked = Asked(
        command=Command(command),
        request=request_of(**selection),
        refs=refs,
        on_failure=on_failure,
    )
    if as_commands:
        print_by_hand(asked, alone=out is None and form is Form.TEXT)
        return ExitCode.DONE
    if out is not None:
        _can_be_saved(asked)
        must_be_free(out, force=force)
    with open_world() as world:
        check_override(world, override)
        if holding := meet(world):
            world.talk.notice(holding)
        drawn = draw(world, asked)
        made = drawn.book.plan
        saved = None
        if out is not None and not made.unseen:
            saved = save_plan(world, asked, drawn, out, lifetime=expires, force=force)
        shown = weathered(world, made, override, ask=not no_guards)
        book = replace(drawn.book, plan=shown)
        refused = refusals(book, drawn.looks, holding, on_failure, keyless(world))
        world.talk.plan(shown, holding, form=form, saved=saved, refused=refused.every)
        tell_refusals(world, refused.every)
        if out is not None and (made.unseen or refused.every):
            world.talk.say((_NOT_SAVED if made.unseen else _REFUSED).format(out))
        # A lock, a freeze or a guard is of this moment, and a plan is for later.
        if code := worst(refused.of_sites):
            return code
        if made.unseen:
            return ExitCode.SITE_UNREACHABLE
        return ExitCode.CHANGES if detailed_exitcode and made.changes else ExitCode.DONE


def _can_be_saved(asked: Asked) -> None:
    if asked.command is Command.VERIFY:
        raise click.UsageError("a plan to verify changes nothing: drop --out")
