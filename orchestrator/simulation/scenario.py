"""Scenarios: a YAML file that says what a simulated fleet is like and what goes wrong when.

    description: a worker freezes while the clients go down
    sites:
      kko: {workers: [worker1.kko], deployed: all}
      gbo: {deployed: none, disk_free_gb: 0.2}
    behaviours:
      - {stack: web, service: server, kind: never_healthy}
    outside: {"db.example:5432": up}
    faults:
      - {at: 12, kind: node_frozen, site: kko, node: worker1.kko, for_seconds: 60}

Sites that are not named are well, and run everything the inventory declares.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from orchestrator.errors import ExitCode, Problem, UsageError
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.diagnostics import trail_of
from orchestrator.inventory.document import Document
from orchestrator.inventory.files import read_document
from orchestrator.simulation.behaviour import GOOD, Behaviour, Kind, Rule
from orchestrator.simulation.faults import Fault, FaultKind
from orchestrator.simulation.link import LinkState
from orchestrator.simulation.registry import Access

Seconds = Annotated[float, Field(ge=0)]


class _Text(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BehaviourText(_Text):
    """How what matches behaves; parts left out match everything."""

    site: str = ""
    stack: str = ""
    service: str = ""
    image: str = ""
    kind: Kind = Kind.GOOD
    start_seconds: Seconds = GOOD.start_seconds
    health_seconds: Seconds = GOOD.health_seconds
    stop_seconds: Seconds = GOOD.stop_seconds
    pull_seconds: Seconds = GOOD.pull_seconds
    crash_after_seconds: Seconds = GOOD.crash_after_seconds
    run_seconds: Seconds = GOOD.run_seconds
    exit_code: int = GOOD.exit_code

    def behaviour(self) -> Behaviour:
        """Return the behaviour alone."""
        return Behaviour(**self.model_dump(exclude={"site", "stack", "service", "image"}))

    def rule(self) -> Rule:
        """Return the behaviour with what it is for."""
        return Rule(
            behaviour=self.behaviour(),
            site=self.site,
            stack=self.stack,
            service=self.service,
            image=self.image,
        )


class FaultText(_Text):
    """Something that goes wrong; see `Fault`."""

    at: Seconds
    kind: FaultKind
    site: str = ""
    node: str = ""
    stack: str = ""
    service: str = ""
    outside: Annotated[str, Field(pattern=r"^$|^.+:\d+$")] = ""
    count: Annotated[int, Field(ge=1)] = 1
    factor: Annotated[float, Field(gt=0)] = 20.0
    delay_seconds: Seconds = 10.0
    config: Annotated[str, Field(min_length=1)] = "dtdeploy.run"
    for_seconds: Seconds = 0.0
    behaviour: BehaviourText = BehaviourText()

    def fault(self) -> Fault:
        """Return the fault as a value."""
        plain = self.model_dump(exclude={"behaviour"})
        return Fault(**plain, behaviour=self.behaviour.behaviour())


class SiteText(_Text):
    """What one site is like at the start.

    `deployed`: which of its declared stacks run already. `labelled`: whether they tell by
    their labels that dtdeploy deployed them. `managers`: more of them than the inventory names,
    which are asked after those. `labels`: of nodes, by host name. `constraints`: of all services
    of a stack, in Docker's words. `undeclared`: stacks that run and that no inventory line names.
    `ghosts` and `job_residue`: stacks of which tasks that never go away are listed.
    """

    managers: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    paused: tuple[str, ...] = ()
    drained: tuple[str, ...] = ()
    labels: dict[str, dict[str, str]] = Field(default_factory=dict)
    constraints: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    deployed: Literal["all", "none"] | tuple[str, ...] = "all"
    labelled: bool = True
    undeclared: tuple[str, ...] = ()
    ghosts: tuple[str, ...] = ()
    job_residue: tuple[str, ...] = ()
    link: LinkState = LinkState.OK
    slowness: Annotated[float, Field(gt=0)] = 1.0
    registry: Access = Access.OK
    missing_images: tuple[str, ...] = ()
    swarm: Literal["active", "inactive", "no_quorum", "daemon_down"] = "active"
    ingress_prefix: Annotated[int, Field(ge=8, le=29)] = 24
    disk_free_gb: Annotated[float, Field(ge=0)] = 50.0
    disk_total_gb: Annotated[float, Field(gt=0)] = 100.0
    clock_offset_seconds: float = 0.02
    api_version: str = "1.41"
    cli_version: str = "20.10.24"
    engine_version: str = "20.10.24"
    reclaimable_gb: Annotated[float, Field(ge=0)] = 0.5
    certificate_days: float | None = 60.0
    ssh_sessions: Annotated[int, Field(ge=1)] = 10
    releases: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    listening: tuple[int, ...] = ()
    networks: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


class Scenario(_Text):
    """A whole scenario. `outside` maps "host:port" to whether it answers."""

    version: Literal[1] = 1
    description: str = ""
    sites: dict[str, SiteText] = Field(default_factory=dict)
    outside: dict[Annotated[str, Field(pattern=r"^.+:\d+$")], Literal["up", "down"]] = Field(
        default_factory=dict
    )
    behaviours: tuple[BehaviourText, ...] = ()
    faults: tuple[FaultText, ...] = ()

    def site(self, name: str) -> SiteText:
        """Return what is said of a site, or that it is well."""
        return self.sites.get(name, SiteText())

    @property
    def constraints(self) -> dict[Unit, tuple[str, ...]]:
        """What a node must fulfil to run services of a unit, where anything is said of it."""
        return {
            Unit(stack, name): words
            for name, text in self.sites.items()
            for stack, words in text.constraints.items()
        }


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        UsageError: all that is wrong with it, each with its line and column.

    """
    document = read_document(path)
    problems = [_usage(problem) for problem in document.problems]
    if not document.usable:
        raise UsageError(problems)
    try:
        scenario = Scenario.model_validate({} if document.data is None else document.data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise UsageError([*problems, *(_invalid(document, item) for item in found)]) from error
    if problems:
        raise UsageError(problems)
    return scenario


def _usage(problem: Problem) -> Problem:
    """Return what the YAML reader of the inventory found, as a finding about a scenario."""
    code = f"scenario.{problem.code.partition('.')[2]}"
    fix = "name the right file" if code == "scenario.unreadable" else problem.fix
    return replace(problem, code=code, exit_code=ExitCode.USAGE, fix=fix, runbook="")


def _invalid(document: Document, details: ErrorDetails) -> Problem:
    place = ".".join(map(str, details["loc"])) or "the file"
    return Problem(
        code="scenario.invalid",
        what=f"{place}: {details['msg']}",
        exit_code=ExitCode.USAGE,
        where=document.at_key(trail_of(details["loc"], document.data)),
        fix="correct it; `orchestrator/simulation/scenario.py` says what a scenario may hold",
    )
