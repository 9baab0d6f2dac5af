"""`dtdeploy plan --as-commands`: from the inventory alone, whatever else is broken."""

import click

from orchestrator.cli.wiring import open_talk, read_inventory
from orchestrator.planning.asked import Asked
from orchestrator.procedures.by_hand import by_hand
from orchestrator.ui.by_hand_view import by_hand_json, by_hand_lines


def print_by_hand(asked: Asked, *, alone: bool) -> None:
    """Print the commands for what was asked; `alone`: no other form was asked for.

    Raises:
        UsageError: the command has no such list, or nothing that can be meant is selected.

    """
    if not alone:
        raise click.UsageError("--as-commands is a form of its own: drop --format and --out")
    typed = by_hand(read_inventory(), asked.command, asked.request, asked.refs)
    talk = open_talk()
    if talk.as_json:
        talk.json(by_hand_json(asked.command, asked.request, typed))
    else:
        talk.lines(by_hand_lines(asked.command, asked.request, typed))
