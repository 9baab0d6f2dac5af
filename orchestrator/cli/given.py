from dataclasses import dataclass
from pathlib import Path

import click
from click.core import ParameterSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was given before the command's name."""

    inventory_path: Path
    scenario: Path | None
    as_json: bool
    verbose: bool
    plain: bool = False
    real_time: bool = False
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
