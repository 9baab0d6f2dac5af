"""A machine with a command line, on a simulated fleet that others share."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import StringIO
from itertools import count

from orchestrator.cli.checkout import Checkout, MadeUpCheckout
from orchestrator.cli.journals import Journals, MemoryJournals
from orchestrator.cli.meeting import find_run
from orchestrator.cli.order import Order
from orchestrator.cli.reports import NoReports, Reports
from orchestrator.cli.talk import Talk
from orchestrator.cli.wiring import World
from orchestrator.inventory.model import Inventory, Manager
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request
from orchestrator.procedures.hold import Holder
from orchestrator.procedures.signature import RecordKey
from orchestrator.simulation.backend import SimulatedBackend
from orchestrator.simulation.link import LinkState
from orchestrator.ui.consoles import open_console
from orchestrator.ui.mode import Mode
from tests.simulated import ALL, Simulated

_RUNS = count(1)
EPOCH = 1.8e9


@dataclass(slots=True, kw_only=True)
class Desk:
    """A machine: what it is called, what it remembers, and which of its processes live.

    Each `world` is that of one command: a process of its own.
    """

    shared: Simulated
    name: str = "ops"
    journals: Journals = field(default_factory=MemoryJournals)
    reports: Reports = field(default_factory=NoReports)
    inventory: Inventory | None = None
    alive: set[int] = field(default_factory=set)
    out: StringIO = field(default_factory=StringIO)
    err: StringIO = field(default_factory=StringIO)
    mode: Mode = Mode.LINES
    key: RecordKey | None = None

    def world(self, backend: SimulatedBackend | None = None) -> World:
        """Return what a new command works with."""
        using = backend or self.shared.backend
        number = next(_RUNS)
        self.alive.add(number)
        return World(
            inventory=self.inventory or self.shared.inventory,
            backend=using,
            checkout=self.checkout(),
            talk=self.talk(),
            run_id=f"run-{number:04}",
            wake=using.wake,
            holder=Holder(
                owner=self.name, host=self.name, pid=number, session=f"{self.name}-{number}"
            ),
            wall=lambda: EPOCH + using.now(),
            journals=self.journals,
            reports=self.reports,
            key=self.key,
            runs_here=lambda pid: pid in self.alive,
            reaches=lambda site: self.shared.fleet.sites[site].link.state is LinkState.OK,
        )

    def digest(self) -> str:
        """Return the digest of the record in the lock, as who read it types it; "" without one."""
        found = find_run(self.world())
        return found.provenance.digest if found else ""

    def checkout(self) -> Checkout:
        shared = self.shared
        return MadeUpCheckout(shared.inventory, shared.sources, shared.former)

    def talk(self) -> Talk:
        return Talk(
            out=open_console(self.out, {}),
            err=open_console(self.err, {}),
            mode=self.mode,
            verbose=False,
            clock=lambda: datetime(2026, 11, 22, tzinfo=UTC),
        )

    def said(self) -> str:
        """Return all that was said since the last time, on both streams."""
        words = self.out.getvalue() + self.err.getvalue()
        for stream in (self.out, self.err):
            stream.seek(0)
            stream.truncate()
        return words


def order(command: Command = Command.RESTART, request: Request = ALL, **more: object) -> Order:
    """Return a command that is not asked about."""
    values = {"command": command, "request": request, "yes": True} | more
    return Order(**values)  # type: ignore[arg-type] # keyword values are the caller's own


def reached_otherwise(inventory: Inventory) -> Inventory:
    """Return the inventory with another manager at each site, and other notes."""
    sites = tuple(
        replace(s, manager=Manager(host=f"other.{s.name}"), others=(s.manager,), note="by phone")
        for s in inventory.sites
    )
    return replace(inventory, sites=sites, announce=("OTHER_URL",))
