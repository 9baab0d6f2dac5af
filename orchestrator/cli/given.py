from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

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


def given() -> Given:
    """Return what was given before the name of the command that runs now."""
    found = click.get_current_context().find_object(Given)
    if found is None:
        raise LookupError("no command runs")
    return found
