"""`dtdeploy plan --as-commands`: from what is on this machine, whatever else is broken."""

from contextlib import suppress
from dataclasses import replace

import click

from orchestrator.cli.wiring import mirrors_here, open_talk, read_inventory
from orchestrator.errors import SourceError
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.planning.asked import Asked
from orchestrator.planning.selection import select
from orchestrator.planning.sharing import with_declared_uses
from orchestrator.procedures.by_hand import by_hand
from orchestrator.sources.model import Sourced
from orchestrator.ui.by_hand_view import by_hand_json, by_hand_lines
from orchestrator.words.phrases import named


def print_by_hand(asked: Asked, *, alone: bool) -> None:
    """Print the commands for what was asked; `alone`: no other form was asked for.

    Raises:
        UsageError: the command has no such list, or nothing that can be meant is selected.

    """
    if not alone:
        raise click.UsageError("--as-commands is a form of its own: drop --format and --out")
    inventory = read_inventory()
    inventory, unread = _shared(inventory, asked)
    typed = by_hand(inventory, asked.command, asked.request, asked.refs)
    typed = replace(typed, unread=unread)
    talk = open_talk()
    if talk.as_json:
        talk.json(by_hand_json(asked.command, asked.request, typed))
    else:
        if unread:
            who = named(unread)
            talk.say(f"what {who} use of other units is not known: their files are not here")
        talk.lines(by_hand_lines(asked.command, asked.request, typed))


def _shared(inventory: Inventory, asked: Asked) -> tuple[Inventory, tuple[Unit, ...]]:
    """Return the inventory that knows what units use of each other, and of which it cannot.

    By the compose files as they were last fetched here: no git server is asked.

    Raises:
        SourceError: units need each other, so that there is no order.

    """
    sites = {unit.site for unit in select(inventory, asked.request)}
    near = [
        spec
        for spec in inventory.units
        if spec.unit.site in sites and inventory.state(spec.unit) is SiteState.ACTIVE
    ]
    checkout = mirrors_here(inventory)
    here = checkout.recall(spec.repo for spec in near)
    read: dict[Unit, Sourced] = {}
    for spec in near:
        if spec.repo in here:
            with suppress(SourceError):
                read |= checkout.read([spec.unit])
    wider = with_declared_uses(inventory, read, read, {})
    return wider, tuple(spec.unit for spec in near if spec.unit not in read)
