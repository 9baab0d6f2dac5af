"""The one place that reads environment, clock and uuid, and puts the parts together."""

import getpass
import os
import pwd
import socket
import sys
import time
import uuid
import webbrowser
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.announcing import MadeUpPlaces, Places, UrlPlaces, WithAnnouncements
from orchestrator.cli.debugging import start_logs
from orchestrator.cli.given import given
from orchestrator.cli.guards import ask_guard, leave_out
from orchestrator.cli.journals import JournalFolder, Journals, MemoryJournals
from orchestrator.cli.later import LaterCheckout
from orchestrator.cli.places import state_folder
from orchestrator.cli.processes import is_dtdeploy
from orchestrator.cli.record_key import key_of
from orchestrator.cli.reports import NoReports, ReportFolder, Reports
from orchestrator.cli.talk import Talk
from orchestrator.cli.telling import Besides, besides_of
from orchestrator.cli.watchdog import Watchdog
from orchestrator.command_line import AS_IT_IS, Manner
from orchestrator.engine.log_flow import LogReader, NoLogs
from orchestrator.engine.pool import ThreadedBackend
from orchestrator.engine.ports import Backend
from orchestrator.engine.watch import Watch
from orchestrator.errors import Problem
from orchestrator.fleet.guard import Guard, GuardAnswer
from orchestrator.inventory.load import load_inventory
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.procedures.hold import Holder
from orchestrator.procedures.signature import RecordKey
from orchestrator.swarm.performer import LivePerformer, SshSettings, Timeouts
from orchestrator.swarm.ssh_config import SshDefaults
from orchestrator.ui.mode import automated

if TYPE_CHECKING:
    from orchestrator.cli.checkout import Checkout

_WORKERS = 32
"""Effects under way at once; a site never has more than a few, so this is for many sites."""
_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")


def _never(_site: str) -> bool:
    return False


def _expect_nothing(_swarms: Mapping[str, str]) -> None:
    """Let every Swarm count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a command works with.

    `wall` is this machine's clock, seconds since 1970. `runs_here` tells whether a process id is
    a dtdeploy on this machine, `reaches` whether we are logged in to a site, `looks_only` whether
    that login may only look, as far as it has said so. `expect` is told the
    ids of the Swarms that a plan was made for: at those sites no other counts. `ask_guard` asks
    whether a run may disturb; a rehearsal asks nobody. `places` is where downtime is announced,
    `besides` who else is told how a run ended, `sleep` lets real seconds pass. `watch` knows what
    is waited for, `watchdog` sees that the command goes on. `key` signs the locks of runs.
    """

    inventory: Inventory
    backend: Backend
    checkout: "Checkout"
    talk: Talk
    run_id: str
    wake: Callable[[], None]
    holder: Holder
    wall: Callable[[], float]
    journals: Journals
    runs_here: Callable[[int], bool]
    ask_guard: Callable[[Guard], GuardAnswer] = leave_out
    logs: LogReader = field(default_factory=NoLogs)
    places: Places = field(default_factory=MadeUpPlaces)
    reports: Reports = field(default_factory=NoReports)
    reaches: Callable[[str], bool] = _never
    looks_only: Callable[[str], bool] = _never
    expect: Callable[[Mapping[str, str]], None] = _expect_nothing
    sleep: Callable[[float], None] = time.sleep
    besides: Besides = field(default_factory=Besides)
    watch: Watch = field(default_factory=lambda: Watch(time.monotonic))
    watchdog: Watchdog | None = None
    key: RecordKey | None = None


def open_talk() -> Talk:
    """Return how to talk to whoever is there."""
    here, context = given(), click.get_current_context()
    manner = _manner(here.which_fleet, yes=bool(context.params.get("yes")))
    return _talk(as_json=here.as_json, verbose=here.verbose, plain=here.plain, manner=manner)


def explain(
    problems: Iterable[Problem],
    *,
    as_json: bool,
    yes: bool,
    which_fleet: tuple[str, ...],
    again: str = "",
) -> None:
    """Show problems when a command could not even begin, or ended in an error.

    `yes` is whether it was not to ask, `which_fleet` what stood before its name, see `Given`;
    `again` is that command, if it may be given again.
    """
    manner = _manner(which_fleet, yes=yes)
    _talk(as_json=as_json, verbose=False, manner=manner).problems(problems, again)


def tell_exit_code(code: int) -> None:
    """Give a CI the exit code, where it takes any."""
    _talk(as_json=False, verbose=False).exit_code(code)


def read_inventory() -> Inventory:
    """Load the inventory that the options name (InventoryError)."""
    return load_inventory(given().inventory_path)


def somebody_is_there() -> bool:
    """Whether a question would be read and answered; in CI never, whatever the streams claim."""
    return not automated(os.environ) and sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def open_world(timeouts: Timeouts | None = None) -> Iterator[World]:
    """Put a world together from the options, live or simulated, and close it afterwards."""
    if make := given().world:
        yield make()
        return
    start_logs(verbose=given().verbose)
    inventory = read_inventory()
    scenario = given().scenario
    if scenario is not None:
        yield _simulated(inventory, scenario)
        return
    key = key_of(os.environ)
    performer = _performer(inventory, os.environ, timeouts or Timeouts())
    places = UrlPlaces(inventory, os.environ, _running_seconds)
    sending = WithAnnouncements(performer, places)
    backend = ThreadedBackend(sending, _running_seconds, workers=_WORKERS)
    watch = Watch(time.monotonic, backend.under_way, backend.now)
    talk, stacks = open_talk(), state_folder(os.environ) / "stacks"
    try:
        with Watchdog(
            watch, stacks, _local_time, spoken=talk.spoken, manner=talk.manner
        ) as watchdog:
            yield World(
                inventory=inventory,
                backend=backend,
                checkout=LaterCheckout(lambda: _git_checkout(inventory, watch)),
                talk=talk,
                run_id=_run_id(),
                wake=backend.wake,
                holder=_holder(),
                wall=time.time,
                journals=journals_here(),
                reports=reports_here(),
                runs_here=is_dtdeploy,
                ask_guard=partial(
                    ask_guard,
                    backend=backend,
                    coordinator=inventory.coordinator,
                    environment=os.environ,
                ),
                logs=performer.logs,
                places=places,
                besides=besides_of(inventory, os.environ),
                reaches=performer.reaches,
                looks_only=performer.looks_only,
                expect=performer.expect,
                watch=watch,
                watchdog=watchdog,
                key=key,
            )
    finally:
        backend.close()
        performer.close()


def _manner(which_fleet: tuple[str, ...], *, yes: bool) -> Manner:
    return Manner(options=which_fleet, yes=yes or not somebody_is_there())


def _talk(*, as_json: bool, verbose: bool, plain: bool = False, manner: Manner = AS_IT_IS) -> Talk:
    return Talk.choose(
        as_json=as_json,
        verbose=verbose,
        environment=os.environ,
        clock=_local_time,
        folder=str(Path.cwd()),
        plain=plain,
        manner=manner,
    )


def _running_seconds() -> float:
    """Return a clock that never goes back and, where it can, counts suspended time as well.

    A laptop that slept must find its proof of the lock old: Linux' monotonic clock stands still
    during suspend, CLOCK_BOOTTIME does not (clock_gettime(2)).
    """
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def _local_time() -> datetime:
    return datetime.now().astimezone()


def _run_id() -> str:
    """Return a name for a run that sorts by time and that no two runs share."""
    return f"{_local_time():%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"


def _holder() -> Holder:
    return Holder(
        owner=getpass.getuser(),
        host=socket.gethostname(),
        pid=os.getpid(),
        session=uuid.uuid4().hex,
    )


def journals_here() -> Journals:
    """Return the journals that this machine keeps."""
    return JournalFolder(state_folder(os.environ) / "runs")


def mirrors_here(inventory: Inventory) -> "Checkout":
    """Return the repositories as this machine keeps them."""
    return _git_checkout(inventory, Watch(time.monotonic))


def reports_here() -> Reports:
    """Return where reports of runs are put on this machine."""
    return ReportFolder(state_folder(os.environ) / "reports")


def show_in_browser(address: str) -> bool:
    """Show an address in a browser; False where none can be shown."""
    display = sys.platform != "linux" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    # Without a display webbrowser would find one for the terminal, and take it over.
    return display and webbrowser.open(address)


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dtdeploy"


def _own_config(ssh: Path) -> Path | None:
    """Return the configuration within $HOME, where ssh itself would not look for it.

    It looks where passwd says that home is; in the jobs of a CI both may differ.
    """
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    return None if ssh.parent == home else ssh / "config"


def _performer(
    inventory: Inventory, environment: Mapping[str, str], timeouts: Timeouts
) -> LivePerformer:
    ssh = Path.home() / ".ssh"
    defaults = SshDefaults(
        home=Path.home(),
        user_known_hosts=(ssh / "known_hosts", ssh / "known_hosts2"),
        global_known_hosts=(Path("/etc/ssh/ssh_known_hosts"),),
        identity_files=tuple(ssh / name for name in _KEYS),
        agent_socket=environment.get("SSH_AUTH_SOCK", ""),
        environment=environment,
    )
    secret = {name for spec in inventory.units for name in spec.secret_variables}
    managers = {
        site.name: site.managers for site in inventory.sites if site.state is not SiteState.PLANNED
    }
    return LivePerformer(
        managers,
        ssh=SshSettings(config=_own_config(ssh), defaults=defaults),
        monotonic=_running_seconds,
        wall=time.time,
        secrets={name: environment[name] for name in secret if name in environment},
        timeouts=timeouts,
    )


def _git_checkout(inventory: Inventory, watch: Watch) -> "Checkout":
    from orchestrator.cli.checkout import GitCheckout

    return GitCheckout(inventory, _cache() / "mirrors", os.environ, watch)


def _simulated(inventory: Inventory, path: Path) -> World:
    # Not for those who work on the real fleet: it takes a while to load.
    from orchestrator.cli.checkout import MadeUpCheckout
    from orchestrator.simulation.backend import SimulatedBackend
    from orchestrator.simulation.build import build_fleet
    from orchestrator.simulation.link import LinkState
    from orchestrator.simulation.pacing import PacedBackend
    from orchestrator.simulation.saying import SimulatedLogs
    from orchestrator.simulation.scenario import load_scenario
    from orchestrator.simulation.synthetic import synthetic_sources

    units = [s.unit for s in inventory.units if inventory.state(s.unit) is not SiteState.PLANNED]
    scenario = load_scenario(path)
    sources = synthetic_sources(inventory, units, constraints=scenario.constraints)
    fleet = build_fleet(inventory, scenario, 1, sources=sources)
    simulated = SimulatedBackend(fleet)
    backend = PacedBackend(simulated, time.sleep) if given().real_time else simulated
    began = time.time()

    def wall() -> float:
        return began + backend.now()

    return World(
        inventory=inventory,
        backend=backend,
        checkout=MadeUpCheckout(inventory, sources),
        talk=open_talk(),
        run_id=_run_id(),
        wake=backend.wake,
        holder=_holder(),
        wall=wall,
        journals=MemoryJournals(),
        runs_here=is_dtdeploy,
        logs=SimulatedLogs(fleet, wall),
        reaches=lambda site: fleet.sites[site].link.state is LinkState.OK,
    )
