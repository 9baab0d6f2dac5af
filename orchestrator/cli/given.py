from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was given before the command's name."""

    inventory_path: Path
    scenario: Path | None
    as_json: bool
    verbose: bool
    plain: bool = False
    real_time: bool = False


def given() -> Given:
    """Return what was given before the name of the command that runs now."""
    found = click.get_current_context().find_object(Given)
    if found is None:
        raise LookupError("no command runs")
    return found
