"""Options that several commands share, declared once."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from orchestrator.cli.number import Number
from orchestrator.inventory.model import Strategy
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.notice import Notice
from orchestrator.planning.plan import Override
from orchestrator.planning.selection import Request

F = TypeVar("F", bound=Callable[..., Any])
_HASH = re.compile(r"[0-9a-f]{12,64}")
_LONGEST_NOTICE = 7 * 24 * 60
_LONGEST_WORDS = 200


def names(ctx: click.Context, what: str, incomplete: str) -> list[CompletionItem]:
    """Complete from the inventory; a broken one completes nothing rather than disturb a shell."""
    from orchestrator.cli.completing import complete

    path = ctx.find_root().params.get("inventory_path") or Path("sites.yaml")
    return [
        CompletionItem(name) for name in complete(Path(path), what) if name.startswith(incomplete)
    ]


by_site = click.option(
    "--site",
    "sites",
    multiple=True,
    metavar="SITE",
    help="The units at this site. May be given several times.",
    shell_complete=lambda ctx, _param, word: names(ctx, "site", word),
)
by_stack = click.option(
    "--stack",
    "stacks",
    multiple=True,
    metavar="STACK",
    help="This stack at every site, or at the given --site only.",
    shell_complete=lambda ctx, _param, word: names(ctx, "stack", word),
)


def selecting(function: F) -> F:
    """Add --all, --site, --stack and STACK@SITE; the command gets them as `request`."""
    decorators = (
        click.argument(
            "units",
            nargs=-1,
            metavar="[STACK@SITE]...",
            shell_complete=lambda ctx, _param, word: names(ctx, "unit", word),
        ),
        click.option("--all", "everything", is_flag=True, help="Every unit at every active site."),
        by_site,
        by_stack,
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def _node_names(ctx: click.Context, _param: click.Parameter, word: str) -> list[CompletionItem]:
    """Complete the site behind a node's name; only its Swarm knows its nodes."""
    node, at, site = word.partition("@")
    found = names(ctx, "site", site) if at else []
    return [CompletionItem(f"{node}@{item.value}") for item in found]


def _nodes(_ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for item in value:
        node, _, site = item.rpartition("@")
        if not (node and site):
            raise click.BadParameter(f"{item!r} is not NODE@SITE, for example kko-w1@kko")
    return tuple(dict.fromkeys(value))


accepting_lost = click.option(
    "--accept-lost",
    multiple=True,
    metavar="NODE@SITE",
    callback=_nodes,
    help="Take what last ran on this node for gone, though nobody can see the node.",
    shell_complete=_node_names,
)


because = click.option(
    "--because",
    default="",
    metavar="TEXT",
    help="Why a site is left out, a node taken for lost, or something overridden.",
)


def answering(function: F) -> F:
    """Add --accept-lost and --because; `answers_of` takes them out of what was typed."""
    return accepting_lost(because(function))


def answers_of(typed: dict[str, Any]) -> Request:
    """Take the nodes that somebody answers for out of what was typed, and return them."""
    return Request(accept_lost=typed.pop("accept_lost"), because=typed.pop("because"))


def leaving_out(function: F) -> F:
    """Add --without, --because, --accept-unknown and --accept-lost, all for `request_of`."""
    decorators = (
        click.option(
            "--without",
            multiple=True,
            metavar="SITE",
            help="Leave this site out; its units are owed afterwards. May be given several times.",
            shell_complete=lambda ctx, _param, word: names(ctx, "site", word),
        ),
        because,
        click.option(
            "--accept-unknown",
            multiple=True,
            metavar="STACK@SITE",
            help="Take down what this unit depends on, though nobody can tell whether it runs.",
            shell_complete=lambda ctx, _param, word: names(ctx, "unit", word),
        ),
        accepting_lost,
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def overriding(function: F) -> F:
    """Add --override-freeze and --override-guard; `override_of` takes them out of a selection."""
    decorators = (
        click.option(
            "--override-freeze", is_flag=True, help="Do it although a freeze of sites.yaml holds."
        ),
        click.option(
            "--override-guard",
            multiple=True,
            metavar="NAME",
            help="Do it although this guard does not agree. May be given several times.",
        ),
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def override_of(selection: dict[str, Any]) -> Override:
    """Take the overrides out of what was typed, and return them."""
    return Override(
        freeze=selection.pop("override_freeze"),
        guards=tuple(dict.fromkeys(selection.pop("override_guard"))),
        because=selection.get("because", "").strip(),
    )


def announcing(function: F) -> F:
    """Add --announced and --announce-in; `notice_of` takes them out of a selection."""
    decorators = (
        announced,
        click.option(
            "--announce-in",
            type=Number(0, _LONGEST_NOTICE),
            default=0.0,
            metavar="MINUTES",
            help="Announce the downtime, wait so long, look again, and only then begin.",
        ),
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def announced(function: F) -> F:
    """Add --announced."""
    decorate = click.option(
        "--announced",
        default="",
        metavar="WHERE AND BY WHOM",
        callback=_said,
        help="You announced the downtime yourself: dtdeploy does not, and keeps what you say.",
    )
    return decorate(function)


def _said(ctx: click.Context, param: click.Parameter, value: str) -> str:
    words = " ".join(value.split())
    given = ctx.get_parameter_source(str(param.name)) is not ParameterSource.DEFAULT
    if given and not words:
        raise click.BadParameter('say where and by whom, for example "#outages, by Ada"')
    return words[:_LONGEST_WORDS]


def notice_of(selection: dict[str, Any]) -> Notice:
    """Take how the downtime is announced out of what was typed, and return it."""
    return Notice(announced=selection.pop("announced"), minutes=selection.pop("announce_in", 0.0))


def request_of(
    *,
    everything: bool,
    sites: tuple[str, ...],
    stacks: tuple[str, ...],
    units: tuple[str, ...],
    without: tuple[str, ...] = (),
    because: str = "",
    accept_unknown: tuple[str, ...] = (),
    accept_lost: tuple[str, ...] = (),
    strategy: Strategy | None = None,
) -> Request:
    """Return the selection that was typed."""
    return Request(
        everything=everything,
        sites=sites,
        stacks=stacks,
        units=units,
        without=without,
        because=because,
        accept_unknown=accept_unknown,
        accept_lost=accept_lost,
        strategy=strategy,
    )


def with_strategy(function: F) -> F:
    """Add --strategy; `request_of` takes it too."""
    decorate = click.option(
        "--strategy",
        type=click.Choice(Strategy, case_sensitive=False),
        default=None,
        help="Recreate what has changed, or update it in place, whatever its stack file says.",
    )
    return decorate(function)


def at_refs(function: F) -> F:
    """Add --ref REPO=REF; the command gets it as `refs`."""
    decorate = click.option(
        "--ref",
        "refs",
        multiple=True,
        metavar="REPO=REF",
        callback=_split_refs,
        help="Deploy this branch, tag or SHA of a repo instead of the inventory's.",
    )
    return decorate(function)


def _split_refs(
    _ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]
) -> dict[str, str]:
    refs = {}
    for item in value:
        repo, equals, ref = item.partition("=")
        if not (repo and equals and ref):
            raise click.BadParameter(f"{item!r} is not REPO=REF, for example datatrail=main")
        refs[repo] = ref
    return refs


def queueing(function: F) -> F:
    """Add --lock-wait."""
    decorate = click.option(
        "--lock-wait",
        type=Number(0, _LONGEST_NOTICE * 60),
        default=0.0,
        metavar="SECONDS",
        help="Wait so long for another run to end, then plan.",
    )
    return decorate(function)


def restoring(function: F) -> F:
    """Add --on-failure; the command gets an OnFailure."""
    decorate = click.option(
        "--on-failure",
        type=click.Choice(OnFailure, case_sensitive=False),
        default=OnFailure.STOP,
        show_default="stop",
        help="What to do once something was touched and a step failed: leave it for you to look"
        " at, or bring back what ran before.",
    )
    return decorate(function)


def taking_over(function: F) -> F:
    """Add --take-over."""
    decorate = click.option(
        "--take-over",
        is_flag=True,
        help="Take the run from a process that gives no sign of life any more.",
    )
    return decorate(function)


def digits_of(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Return the digits of a SHA-256 that was typed, or its first 12 and more."""
    digits = value.lower().removeprefix("sha256:")
    if value and not _HASH.fullmatch(digits):
        raise click.BadParameter("give at least the first 12 of the hash's 64 hex digits")
    return digits


def expecting(function: F) -> F:
    """Add --expect, for who goes on with a run that others began."""
    decorate = click.option(
        "--expect",
        default="",
        metavar="HASH",
        callback=digits_of,
        help="The hash of the run's record, as dtdeploy lock shows it. Needed with --yes where"
        " neither a signature nor a journal on this machine vouches for the run.",
    )
    return decorate(function)


def confirming(function: F) -> F:
    """Add --yes and --dry-run."""
    decorators = (
        click.option("-y", "--yes", is_flag=True, help="Do not ask; needed without a terminal."),
        click.option("-n", "--dry-run", is_flag=True, help="Show the plan and stop."),
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function
