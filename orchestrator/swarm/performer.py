"""Performs effects on the real fleet: every effect but those that the engine performs itself."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from orchestrator.errors import ExitCode, FleetError, Problem, Where
from orchestrator.fleet.logs import LogLine
from orchestrator.fleet.observed import Look, Unseen
from orchestrator.fleet.pulling import Pulling
from orchestrator.inventory.model import Manager
from orchestrator.procedures.effects import (
    Announce,
    Answer,
    AuditLog,
    CheckImages,
    CheckLock,
    CheckVolumes,
    ConfigAnswer,
    CreateConfig,
    DeleteConfig,
    DeployStack,
    Effect,
    Examine,
    HeldRelease,
    Intend,
    Observe,
    ObserveAll,
    ProbeResult,
    PullImages,
    PullOnNodes,
    ReadAudit,
    ReadConfig,
    ReadLogs,
    ReadRelease,
    RemoveLeftovers,
    RemoveServices,
    Result,
    RunProbe,
    Saw,
    ShipRelease,
    SiteMutation,
    Sleep,
    Tell,
    UpdateConfig,
    WatchPulls,
    WriteAudit,
    Written,
    site_of,
)
from orchestrator.procedures.inspection import Inspect
from orchestrator.swarm import (
    audit,
    held_release,
    image_pull,
    lateness,
    mutate,
    probes,
    problems,
    registry,
    release_shipping,
    stack_deploy,
    unforeseen,
)
from orchestrator.swarm.configs import ConfigEffect, Configs
from orchestrator.swarm.connection import SshConnection
from orchestrator.swarm.examine import Clocks, check_images, check_volumes, examine
from orchestrator.swarm.inspection import inspect
from orchestrator.swarm.lateness import LateError
from orchestrator.swarm.link import HEAD_START_SECONDS, SiteLink, passing
from orchestrator.swarm.log_reading import LogReading
from orchestrator.swarm.log_stream import Patience
from orchestrator.swarm.look import look
from orchestrator.swarm.mutate import Told
from orchestrator.swarm.redaction import Found, Observation, Redaction
from orchestrator.swarm.roster import Roster
from orchestrator.swarm.ssh_config import SshDefaults
from orchestrator.swarm.ssh_program import SshProgram
from orchestrator.swarm.turns import Turns

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSettings:
    """How the operator's machine speaks SSH.

    `config` is the one file of ssh's configuration to read; None leaves it to ssh.
    """

    config: Path | None
    defaults: SshDefaults


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """In seconds. `read` bounds one look; a connect is bounded by ConnectTimeout.

    `retry`: so long what may pass by itself is tried again, where trying changes nothing.
    `quiet`: after so long without a word of logs that are followed, the link is tried; `pause`:
    so long the next line of those that are not followed is waited for. `head_start`: after so
    long without a word of a manager the next one of its site is asked as well.
    """

    read: float = 10.0
    retry: float = 5.0
    quiet: float = 15.0
    pause: float = 5.0
    head_start: float = HEAD_START_SECONDS


class LivePerformer:
    """Performs effects at the sites given, blocking, from as many threads as one likes.

    Sites are independent: each has a connection of its own, opened when first needed and
    again after a loss, and at most six sessions on it. A site that hangs delays nobody else.
    """

    def __init__(
        self,
        managers: Mapping[str, Sequence[Manager]],
        *,
        ssh: SshSettings,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
        secrets: Mapping[str, str],
        timeouts: Timeouts = Timeouts(),
    ) -> None:
        """Connect nowhere yet.

        Args:
            managers: site name to where its managers are reached, in the order to ask them.
            ssh: the operator's SSH configuration.
            monotonic: the observer's clock, seconds.
            wall: seconds since 1970, UTC.
            secrets: values of secret variables by name; given to `docker stack deploy` only.
            timeouts: how long to wait.

        """
        self._clocks = Clocks(monotonic, wall)
        self._secrets = secrets
        self._redaction = Redaction(secrets.values())
        self._vetted: set[tuple[str, str]] = set()

        program, turns = SshProgram(ssh.config), Turns(monotonic)
        self._rosters = {site: Roster(several) for site, several in managers.items()}

        def link(site: str) -> SiteLink:
            return SiteLink(
                site,
                self._rosters[site],
                program=program,
                defaults=ssh.defaults,
                clock=monotonic,
                read_seconds=timeouts.read,
                retry_seconds=timeouts.retry,
                turns=turns,
                head_start_seconds=timeouts.head_start,
            )

        self._new_link = link
        self._links = {site: link(site) for site in managers}
        patience = Patience(clock=monotonic, quiet=timeouts.quiet, pause=timeouts.pause)
        self.logs = LogReading(self._links.__getitem__, link, self._redaction, patience)
        self._configs = {site: Configs(link, monotonic) for site, link in self._links.items()}

    def perform(self, effect: Effect) -> Observation:
        """Perform one effect and return its observation; see procedures.effects.

        Expected failures are observations too; what is raised is a bug. A mutation whose
        `not_after` is past is LATE, or UNKNOWN if a part of it was sent before. What was said
        there holds no secrets any more.
        """
        if isinstance(effect, ReadLogs):
            return self._written(effect)
        return self._redaction.of(self._guarded(effect))

    def _guarded(self, effect: Effect) -> Observation:
        """Let what one site says, and nobody foresaw, be that site's trouble alone."""
        try:
            return self._perform(effect)
        except Exception as error:
            if not site_of(effect):
                raise
            log.warning(
                "effect.raised",
                site=site_of(effect),
                effect=type(effect).__name__,
                error=type(error).__name__,
                at=unforeseen.place(error),
            )
            return unforeseen.observation(effect, error, self._clocks.monotonic())

    def _perform(self, effect: Effect) -> Observation:
        match effect:
            case Observe() | WatchPulls() | ReadRelease() | ReadAudit():
                return self._observe(self._links[effect.site], effect)
            case Examine() | CheckImages() | CheckVolumes() | Inspect():
                return self._examine(self._links[effect.site], effect)
            case RunProbe():
                return self._probe(effect)
            case RemoveServices() | RemoveLeftovers() | DeployStack():
                return self._answer(effect.unit.site, effect)
            case ShipRelease() | PullImages() | PullOnNodes() | WriteAudit():
                return self._answer(effect.site, effect)
            case CreateConfig() | ReadConfig() | UpdateConfig() | DeleteConfig():
                return self._config(effect)
            case Sleep() | Tell() | ObserveAll() | CheckLock() | Intend() | Saw() | ReadLogs():
                raise TypeError(f"{type(effect).__name__} is for the engine to perform")
            case Announce():
                raise TypeError("an announcement goes to no site")

    def _observe(
        self, link: SiteLink, effect: Observe | WatchPulls | ReadRelease | ReadAudit
    ) -> Look | Pulling | HeldRelease | AuditLog:
        def seen() -> Look | Pulling | HeldRelease | AuditLog:
            if isinstance(effect, ReadAudit):
                return audit.read(link.site, link.connection())
            if isinstance(effect, ReadRelease):
                return held_release.read(link.connection(), effect)
            if isinstance(effect, WatchPulls):
                found: Look | Pulling = image_pull.watch(link.api, effect, self._clocks.monotonic)
            else:
                found = look(link, self._clocks.monotonic)
            if isinstance(found, Unseen):
                raise FleetError(found.problem)
            return found

        try:
            return link.reading(seen)
        except FleetError as error:
            at = self._clocks.monotonic()
            log.warning("look.failed", site=link.site, code=error.problems[0].code)
            return Unseen(site=link.site, at=at, problem=error.problems[0])

    def _examine(
        self, link: SiteLink, effect: Examine | CheckImages | CheckVolumes | Inspect
    ) -> Found | Unseen:
        if isinstance(effect, Inspect):
            return inspect(link, self._clocks, effect)
        if isinstance(effect, CheckVolumes):
            return check_volumes(link, self._clocks, effect)
        if isinstance(effect, Examine):
            found: Found | Unseen = examine(link, self._clocks, effect)
        else:
            found = check_images(link, self._clocks, effect)
        if not isinstance(found, Unseen):
            self._vetted.add((link.site, link.host))
        return found

    def _probe(self, effect: RunProbe) -> ProbeResult:
        link = self._links[effect.site]
        ok, words = probes.probe(
            effect.probe,
            link.connection,
            self._clocks.monotonic,
            patience_seconds=effect.patience_seconds,
        )
        return ProbeResult(ok=ok, at=self._clocks.monotonic(), words=words)

    def _written(self, effect: ReadLogs) -> Written:
        ends = self._clocks.monotonic() + effect.seconds
        lines: list[LogLine] = []
        for query in effect.queries:
            left = ends - self._clocks.monotonic()
            try:
                lines.extend(self.logs.read(query, seconds=left))
            except FleetError as error:
                log.warning("logs.failed", site=effect.site, code=error.problems[0].code)
        return Written(lines=tuple(lines))

    def _config(self, effect: ConfigEffect) -> ConfigAnswer:
        began = self._clocks.monotonic()
        answer = self._configs[effect.site].perform(effect)
        _log(effect.site, effect, answer.result.value, answer.at - began)
        return answer

    def _answer(self, site: str, effect: SiteMutation | WriteAudit) -> Answer:
        began = self._clocks.monotonic()
        try:
            told = self._told(self._links[site], effect)
        except LateError as error:
            told = Told(Result.LATE, str(error))
        at = self._clocks.monotonic()
        _log(site, effect, told.result.value, at - began)
        return Answer(
            result=told.result, at=at, words=told.words, problem=told.problem, nodes=told.nodes
        )

    def _told(self, link: SiteLink, effect: SiteMutation | WriteAudit) -> Told:
        """Open the connection, which may be tried again, and then act, once."""
        try:
            connection = link.reading(link.connection)
        except FleetError as error:
            again = isinstance(effect, (RemoveServices, RemoveLeftovers)) and passing(error)
            result = Result.UNKNOWN if again else Result.FAILED
            return Told(result, str(error), error.problems[0])
        if connection.looks_only:
            problem = problems.look_only(link.site)
            return Told(Result.FAILED, problem.what, problem)
        if isinstance(effect, WriteAudit):
            return audit.write(link.site, connection, effect.line)
        lateness.check(self._clocks.monotonic, effect.not_after)
        return self._mutated(link, connection, effect)

    def _mutated(self, link: SiteLink, connection: SshConnection, effect: SiteMutation) -> Told:
        match effect:
            case RemoveServices():
                return mutate.remove_services(link.site, link.api, effect)
            case RemoveLeftovers():
                return mutate.remove_leftovers(link.site, link.api, effect)
            case ShipRelease():
                return self._ship(link.site, connection, effect)
            case PullImages():
                return image_pull.pull(link.site, connection, effect)
            case PullOnNodes():
                return image_pull.pull_on_nodes(link.site, connection, effect)
            case DeployStack():
                return self._deploy(link, connection, effect)

    def _deploy(self, link: SiteLink, connection: SshConnection, effect: DeployStack) -> Told:
        if problem := self._unfit(link, effect):
            return Told(Result.FAILED, problem.what, problem)
        return self._run(stack_deploy.deploy, link.site, connection, effect)

    def _unfit(self, link: SiteLink, effect: DeployStack) -> Problem | None:
        """Return why a manager that no preflight asked about images cannot deploy these.

        `docker stack deploy` passes on the login of the manager that runs it: without one it
        succeeds, and the nodes cannot pull.
        """
        images = tuple(dict.fromkeys(image for _, image in effect.images))
        if not (link.roster.several and images) or (link.site, link.host) in self._vetted:
            return None
        found = check_images(link, self._clocks, CheckImages(site=link.site, images=images))
        if isinstance(found, Unseen):
            return found.problem
        denied = next((check for check in found.images if check.denied), None)
        if denied is None:
            self._vetted.add((link.site, link.host))
            return None
        return registry.login_missing(link.site, link.host, denied)

    def _ship(self, site: str, connection: SshConnection, effect: ShipRelease) -> Told:
        release = effect.release
        told = release_shipping.ship(
            site, connection, release, former=effect.former, not_after=effect.not_after
        )
        if told.result is not Result.OK or effect.deploy is None:
            return told
        return self._run(stack_deploy.rehearse, site, connection, effect.deploy)

    def _run(
        self, command: stack_deploy.Run, site: str, connection: SshConnection, effect: DeployStack
    ) -> Told:
        missing = [name for name in effect.secret_variables if name not in self._secrets]
        if missing:
            what = f"no value is known for {', '.join(missing)}"
            problem = Problem(
                code="variables.secret-missing",
                what=what,
                exit_code=ExitCode.USAGE,
                where=Where(site=site, stack=effect.unit.stack),
                fix=f"set it in the environment: read -rs {missing[0]}; export {missing[0]}",
                runbook="set-up-a-control-machine",
            )
            return Told(Result.FAILED, what, problem)
        secrets = {name: self._secrets[name] for name in effect.secret_variables}
        return command(site, connection, effect, secrets)

    def give_up(self, effect: Effect) -> None:
        """Go to the effect's site another way from now on: its thread may hold what others need.

        A connection of its own, its locks and its channels are left behind with it.
        """
        if isinstance(effect, Announce):
            return
        site = site_of(effect)
        former = self._links[site]
        former.forsake()
        link = self._new_link(site)
        self._links[site], self._configs[site] = link, Configs(link, self._clocks.monotonic)
        # It may be the closing of a connection that never ends.
        threading.Thread(target=former.close, daemon=True, name=f"close-{site}").start()

    def expect(self, swarms: Mapping[str, str]) -> None:
        """Let only managers of these Swarms count from now on, ids by site (others: any)."""
        for site, swarm in swarms.items():
            if site in self._rosters:
                self._rosters[site].expect(swarm)

    def reaches(self, site: str) -> bool:
        """Tell whether a connection to the site stands, as far as anyone has noticed."""
        return self._links[site].connected

    def looks_only(self, site: str) -> bool:
        """Tell whether the login at a site may only look, as far as it has said so."""
        return self._links[site].looks_only

    def close(self) -> None:
        """End every connection; what still runs over them loses its answer."""
        self.logs.close()
        for link in self._links.values():
            link.close()


def _log(site: str, effect: Effect, result: str, seconds: float) -> None:
    name = type(effect).__name__
    log.info("effect", site=site, effect=name, result=result, seconds=round(seconds, 3))
