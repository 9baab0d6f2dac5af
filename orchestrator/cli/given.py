from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from orchestrator.cli.wiring import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was given before the command's name.

    `world` makes what a command works with, for whoever runs the command line within a program of
    their own; None: it is put together from the rest.
    """

    inventory_path: Path
    scenario: Path | None
    as_json: bool
    verbose: bool
    plain: bool = False
    real_time: bool = False
    world: "Callable[[], World] | None" = None
    which_fleet: tuple[str, ...] = ()
    """Those options that say which fleet is meant, as they were typed."""


def which_fleet(ctx: click.Context) -> tuple[str, ...]:
    """Return what was typed before the command's name and says which fleet is meant.

    Not what came from a variable: whoever types the next command has the same ones.
    """
    typed = ctx.get_parameter_source("inventory_path") is ParameterSource.COMMANDLINE
    where = ("-i", str(ctx.params["inventory_path"])) if typed else ()
    scenario = ctx.params.get("scenario")
    return (*where, *(("--simulate", str(scenario)) if scenario else ()))


def given() -> Given:
    """Return what was given before the name of the command that runs now."""
    found = click.get_current_context().find_object(Given)
    if found is None:
        raise LookupError("no command runs")
    return found
