"""Effects: what a procedure may ask for, and what it is told back. Plain values, all of them.

What changes something carries `not_after`: a moment on the observer's clock past which it must
not begin any more, since whoever asked for it may have lost the right to ask. None: no limit.

A procedure is a generator: it yields one effect at a time and is sent the matching
observation. A driver performs them; nothing here touches network, clock or disk.

    Observe         -> Look
    ObserveAll      -> tuple[Look, ...]       in the order asked
    RemoveServices, RemoveLeftovers,
    ShipRelease, PullImages, PullOnNodes,
    DeployStack     -> Answer
    RunProbe        -> ProbeResult
    Examine         -> Examination | Unseen
    CheckImages     -> CheckedImages | Unseen
    CheckVolumes    -> CheckedVolumes | Unseen
    WatchPulls      -> Pulling | Unseen
    Inspect         -> Inspection | Unseen
    ReadLogs        -> Written
    ReadRelease     -> HeldRelease | Unseen
    ReadAudit       -> AuditLog | Unseen
    CreateConfig, ReadConfig,
    UpdateConfig, DeleteConfig -> ConfigAnswer
    WriteAudit, Announce -> Answer
    Sleep           -> float                  the observer's clock, seconds
    Tell            -> None
    CheckLock       -> Holding
    Intend, Saw     -> Problem | None
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from orchestrator.errors import Problem
from orchestrator.fleet.desired import Probe
from orchestrator.fleet.logs import LogLine, LogQuery
from orchestrator.fleet.observed import Sight, Volume
from orchestrator.fleet.pulling import NodePull
from orchestrator.fleet.unit import Unit
from orchestrator.procedures.inspection import Inspect
from orchestrator.procedures.told import News
from orchestrator.sources.model import Release, ReleaseFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Observe:
    """Look at a site's Swarm, not earlier than now."""

    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveAll:
    """Look at several sites side by side."""

    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveServices:
    """Delete services by id. Absent ones count as deleted."""

    unit: Unit
    ids: tuple[str, ...]
    not_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveLeftovers:
    """Delete a stack's networks, secrets and configs by id. Absent ones count as deleted."""

    unit: Unit
    networks: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    not_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PullImages:
    """Pull images on the site's manager with the login it has; its answer counts the nodes.

    Whatever pulls on nodes still stand, of a run that was killed, are ended with it.
    """

    site: str
    images: tuple[str, ...]
    timeout_seconds: float = 600.0
    not_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PullOnNodes:
    """Let the Swarm pull on all its nodes but the manager that is asked; nothing is started.

    These `pulls` take the place of all that stand, whatever run made them; none ends them all.
    """

    site: str
    run: str
    pulls: tuple[NodePull, ...] = ()
    not_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployStack:
    """Run `docker stack deploy` on the manager, in the release's folder.

    `labels` are set on every service, in the compose file itself as it goes there. `variables` go
    to the command's environment only: never on a command line, never on disk there.
    `images`, by service, take the place of those in the compose file. `secret_variables` name
    those that the driver adds. `prune`: services that the compose file does not declare are
    removed (docker stack deploy --prune). Without `ask_registry` nobody asks a registry about
    the images (--resolve-image never). Of the services `again`, by their full names, Docker
    starts the tasks anew thereafter (docker service update --force), as it does not by itself.
    """

    unit: Unit
    release: Release
    labels: tuple[tuple[str, str], ...]
    variables: tuple[tuple[str, str], ...] = ()
    secret_variables: tuple[str, ...] = ()
    images: tuple[tuple[str, str], ...] = ()
    prune: bool = False
    ask_registry: bool = True
    again: tuple[str, ...] = ()
    timeout_seconds: float = 120.0
    not_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipRelease:
    """Bring a release to the site's manager, whole or not at all; a present one is checked.

    With `deploy` the manager's docker command then reads what that deploy will give it, and
    reaches no daemon: what it refuses, by the rules of its version, it refuses now. `former` is
    the name of the release that ran before, which has to stay there; where it is known, files of
    secrets in all others of the stack are removed.
    """

    site: str
    release: Release
    deploy: DeployStack | None = None
    former: str = ""
    not_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProbe:
    """Send one probe, from the site's manager or from here as it says.

    For `patience_seconds` it is sent again until it is answered as it should be: whoever decides
    by one answer gives it, so that one odd answer decides nothing. Who asks again anyway does not.
    """

    site: str
    probe: Probe
    patience_seconds: float = 0.0


def deciding(site: str, probe: Probe) -> RunProbe:
    """Return the question of whoever decides by its answer: as patient as one answer may take."""
    return RunProbe(site=site, probe=probe, patience_seconds=probe.timeout_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examine:
    """Find out all that preflight wants to know about a site; changes nothing there."""

    site: str
    images: tuple[str, ...] = ()
    requires: tuple[Probe, ...] = ()
    ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckImages:
    """Let a site's manager ask the registries what images are there, with the login it has."""

    site: str
    images: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckVolumes:
    """Ask a site's manager what volumes of these names are like on its own node."""

    site: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPulls:
    """See how far the pulls of a run on a site's nodes are."""

    site: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLogs:
    """Read what services at one site wrote, as far as it can be had within `seconds`."""

    site: str
    queries: tuple[LogQuery, ...]
    seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRelease:
    """Read the files of a release that was shipped to a site's manager, as they lie there now."""

    site: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAudit:
    """Read the newest lines of the audit log on a site's manager."""

    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateConfig:
    """Create a Docker config that belongs to no stack. Of many of one name at once, one wins."""

    site: str
    name: str
    labels: tuple[tuple[str, str], ...]
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadConfig:
    """Read a Docker config by its name."""

    site: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateConfig:
    """Replace all labels of a config if nobody did since `version`: a compare-and-swap."""

    site: str
    id: str
    version: int
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteConfig:
    """Delete a config by its id, never by name: the name may be somebody else's by now."""

    site: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteAudit:
    """Append a line to the audit log on the site's manager; the log is bounded in size."""

    site: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """Send a message to where downtime is announced. `site` keeps the audit line about it.

    OK: a service took it. FAILED: every one refused it, or could not be reached at all. UNKNOWN:
    it may have been taken; it must not be sent again by itself.
    """

    site: str
    news: News
    title: str
    body: str
    not_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """Wait. 0 just asks for the time."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Say what the step waits for; `items` are the things still in the way."""

    waiting_for: str
    items: tuple[str, ...] = ()
    deadline: float | None = None


SiteMutation = (
    RemoveServices | RemoveLeftovers | ShipRelease | PullImages | PullOnNodes | DeployStack
)
"""What changes a site."""
Mutation = SiteMutation | Announce
"""What changes a site, or what people expect of it. A run does these only while it holds the lock,
intent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLock:
    """Prove, by writing to it, that this run still holds the lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intend:
    """Write down, durably, what is about to be done. A Problem back: it could not be written."""

    effect: Mutation


@dataclass(frozen=True, slots=True, kw_only=True)
class Saw:
    """Write down what became of an intended effect."""

    effect: Mutation
    answer: "Answer"


Effect = (
    Observe
    | ObserveAll
    | RemoveServices
    | RemoveLeftovers
    | ShipRelease
    | PullImages
    | PullOnNodes
    | DeployStack
    | RunProbe
    | Examine
    | CheckImages
    | CheckVolumes
    | WatchPulls
    | Inspect
    | ReadLogs
    | ReadRelease
    | ReadAudit
    | CreateConfig
    | ReadConfig
    | UpdateConfig
    | DeleteConfig
    | WriteAudit
    | Announce
    | Sleep
    | Tell
    | CheckLock
    | Intend
    | Saw
)


def site_of(effect: Effect) -> str:
    """Return the site that an effect asks or changes, "" if it is the engine's own."""
    if isinstance(effect, RemoveServices | RemoveLeftovers | DeployStack):
        return effect.unit.site
    site: str = getattr(effect, "site", "")
    return site


class Result(Enum):
    """How a mutating effect ended, as far as anyone can tell."""

    OK = "ok"
    FAILED = "failed"
    """Docker answered and said no; `words` quotes it."""
    UNKNOWN = "unknown"
    """The answer was lost: it may or may not have happened. Look, never repeat blindly."""
    LATE = "late"
    """It was not begun: `not_after` had passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back from a mutating effect.

    `nodes`, of PullImages: how many nodes the Swarm has; 0 where nobody said.
    """

    result: Result
    at: float
    words: str = ""
    problem: Problem | None = None
    nodes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConfig:
    """A config as a Swarm keeps it. `version` is what the next update has to name.

    `updated_at` is when it was last written, by the clock of the Swarm's leader (RFC 3339).
    """

    id: str
    name: str
    version: int
    labels: tuple[tuple[str, str], ...]
    data: bytes = field(repr=False)
    updated_at: str = ""

    def label(self, name: str) -> str:
        """Return a label's value, "" if there is none."""
        return dict(self.labels).get(name, "")


class ConfigResult(Enum):
    """How an effect on a config ended, as far as anyone can tell."""

    OK = "ok"
    ABSENT = "absent"
    """There is no such config."""
    TAKEN = "taken"
    """A config of that name exists already."""
    MOVED = "moved"
    """Somebody wrote to it since the version that was named."""
    FAILED = "failed"
    """It was not done: refused, or the site cannot be reached."""
    UNKNOWN = "unknown"
    """The answer was lost: it may or may not have happened, now or in a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigAnswer:
    """What came back; `config` is how it stands after a create, read or update that was OK."""

    result: ConfigResult
    at: float
    config: StoredConfig | None = None
    words: str = ""
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Whether the lock is held, proved not earlier than `asked` (observer's clock, seconds)."""

    held: bool
    asked: float
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What came back from a probe; `words` says what was seen, good or bad."""

    ok: bool
    at: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What a probe was answered, to show: its name, and after how many seconds."""

    name: str
    ok: bool
    words: str
    seconds: float

    def __str__(self) -> str:
        after = f" after {self.seconds:.2f} s" if self.ok else ""
        return f"probe {self.name}: {self.words}{after}"


def probed(effect: RunProbe, result: ProbeResult, asked: float) -> Probed:
    """Say what `effect` was answered that was sent at `asked`, on the observer's clock."""
    seconds = max(0.0, result.at - asked)
    return Probed(name=effect.probe.name, ok=result.ok, words=result.words, seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCheck:
    """Whether a registry would let this site's Swarm pull an image.

    `denied`: the registry refused the login or there is none; `missing`: it has no such
    image; both False with `ok` False: the registry could not be asked. `words` quotes it.
    `platforms`: what the image is for, as fleet/platforms.py has it; () if nobody said.
    """

    image: str
    ok: bool
    denied: bool = False
    missing: bool = False
    digest: str = ""
    words: str = ""
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedImages:
    """What the registries said to a site's manager, in the order asked."""

    site: str
    images: tuple[ImageCheck, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedVolumes:
    """The volumes that are there, of those asked for."""

    site: str
    volumes: tuple[Volume, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What came back from reading logs: lines in no order, perhaps not all, perhaps none."""

    lines: tuple[LogLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRelease:
    """What a manager has of a release; nothing of it is to be believed before it was checked.

    `files` is None where it has none that can be read, and `words` then say why, if there is
    anything at all.
    """

    site: str
    name: str
    files: tuple[ReleaseFile, ...] | None = field(repr=False)
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLog:
    """What a manager's audit log says, oldest line first; whoever may write there wrote it."""

    site: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Everything preflight found out about one site.

    `clock_offset_seconds` is the manager's clock minus ours, half a round trip taken off.
    `listening` are ports in use on the manager, each with its protocol, that no service has.
    `strangers` says which other managers of the site's list are of another Swarm.
    """

    sight: Sight
    api_version: str
    cli_version: str
    disk_free_bytes: int
    disk_total_bytes: int
    clock_offset_seconds: float
    images: tuple[ImageCheck, ...] = ()
    requires: tuple[tuple[Probe, ProbeResult], ...] = ()
    listening: tuple[tuple[int, str], ...] = ()
    all_networks: tuple[str, ...] = ()
    all_configs: tuple[str, ...] = ()
    all_secrets: tuple[str, ...] = ()
    strangers: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A step reached its end."""

    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A step failed; what it leaves behind is in the problems."""

    problems: tuple[Problem, ...]


Outcome = Done | Failed
# What a procedure is sent back depends on the effect it yielded; the typed `ask_*`
# functions in procedures/asking.py are the only place that sees this Any.
Procedure = Generator[Effect, Any, Outcome]
