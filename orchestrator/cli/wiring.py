"""The one place that reads environment, clock and uuid, and puts the parts together."""

import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from orchestrator.cli.checkout import Checkout, GitCheckout
from orchestrator.cli.logs import start_logs
from orchestrator.cli.talk import Talk
from orchestrator.engine.pool import ThreadedBackend
from orchestrator.engine.ports import Backend
from orchestrator.inventory.load import load_inventory
from orchestrator.inventory.model import Inventory

_WORKERS = 32
"""Effects under way at once; a site never has more than a few, so this is for many sites."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a command works with."""

    inventory: Inventory
    backend: Backend
    checkout: Checkout
    talk: Talk
    run_id: str
    wake: Callable[[], None]


def root_options() -> dict[str, object]:
    """Return the options given before the command's name."""
    context = click.get_current_context().find_root()
    return dict(context.params)


def open_talk() -> Talk:
    """Return how to talk to whoever is there."""
    return Talk.choose(
        as_json=bool(root_options()["as_json"]),
        verbose=bool(root_options()["verbose"]),
        environment=os.environ,
        clock=lambda: datetime.now().astimezone(),
    )


def read_inventory() -> Inventory:
    """Load the inventory that the options name (InventoryError)."""
    return load_inventory(Path(str(root_options()["inventory_path"])))


def terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def open_world() -> Iterator[World]:
    """Put a world together from the options, live or simulated, and close it afterwards."""
    options = root_options()
    start_logs(verbose=bool(options["verbose"]))
    inventory = read_inventory()
    scenario = options["scenario"]
    if scenario is not None:
        yield _simulated(inventory, Path(str(scenario)))
        return
    backend = _live_backend(inventory, os.environ)
    try:
        yield World(
            inventory=inventory,
            backend=backend,
            checkout=GitCheckout(inventory, _cache() / "mirrors", os.environ),
            talk=open_talk(),
            run_id=_run_id(),
            wake=backend.wake,
        )
    finally:
        backend.close()


def _run_id() -> str:
    """Return a name for a run that sorts by time and that no two runs share."""
    now = datetime.now().astimezone()
    return f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dtdeploy"


def _live_backend(inventory: Inventory, environment: Mapping[str, str]) -> "LiveBackend":
    raise NotImplementedError


def _simulated(inventory: Inventory, scenario: Path) -> World:
    raise NotImplementedError


class LiveBackend(ThreadedBackend):
    """A threaded backend that also closes the connections below it."""


_ = time
