"""The shape of sites.yaml and stacks/*.yaml, as text: one model a mapping in the file.

Descriptions become the published JSON Schema's, which editors show while one types.
What one file can say about itself is checked here; names across files in `crosscheck`.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic.fields import FieldInfo

from orchestrator.inventory.times import (
    Cron,
    GuardDuration,
    LocalTime,
    LongDuration,
    ZoneName,
)
from orchestrator.inventory.words import (
    Argument,
    ComposePath,
    Duration,
    EnvName,
    FreeText,
    GitRef,
    GitUrl,
    GroupName,
    GuardName,
    Host,
    HttpPath,
    JsonPath,
    Pace,
    Port,
    Reason,
    RepoName,
    SecretName,
    ServiceName,
    SiteName,
    StackName,
    StackPattern,
    UnitName,
    User,
    VariableName,
)


class Text(BaseModel):
    """Base of all: nothing unknown, nothing converted, nothing changed later."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )


class RepoText(Text):
    """A git repository with compose files."""

    url: GitUrl
    """ssh://git@host/owner/name, git@host:owner/name or https://host/owner/name; no password."""
    ref: GitRef = "main"
    """Branch, tag or full SHA that is deployed unless the command line says otherwise."""


class ManagerText(Text):
    """How SSH reaches a Swarm manager where its host name alone is not enough."""

    host: Host
    """Host name, address, or a Host of ~/.ssh/config."""
    user: User = ""
    """Login name; without it ~/.ssh/config decides."""
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    """SSH port; without it ~/.ssh/config decides."""


class UnitText(Text):
    """A stack at this site, where it differs from stacks/STACK.yaml."""

    compose: ComposePath = ""
    """Path of this site's compose file, instead of the stack's."""
    variables: dict[VariableName, FreeText] = {}
    """Values for ${VARIABLES} in the compose file. Put numbers in quotes."""
    secret_variables: Annotated[list[SecretName], Field(max_length=200)] = []
    """Names of ${VARIABLES} whose values come from the operator's environment."""
    strategy: Literal["recreate", "update"] | None = None
    """How it is brought to another revision at this site, instead of the stack's own way."""


_MANAGER_FIX = (
    "write manager: aux.kko or manager: {host: aux.kko, user: chime, port: 22}, or a list of such"
)


class _Words(dict[str, int | str | float]):
    """What an error of a union says; hashable, for unions within unions."""

    def __hash__(self) -> int:  # type: ignore[override] # a dict has none
        return hash(tuple(self.items()))


def _form(value: object) -> str | None:
    """Return which form a value has, as the tags of the unions below call it."""
    forms = ((str, "text"), (dict, "mapping"), (list, "list"))
    return next((form for kind, form in forms if isinstance(value, kind)), None)


OneManager = Annotated[
    Annotated[Host, Tag("text")] | Annotated[ManagerText, Tag("mapping")],
    Discriminator(
        _form,
        custom_error_type="wrong-type",
        custom_error_message="{what}",
        custom_error_context=_Words(
            what="expected a host name, or a mapping with host, user and port", fix=_MANAGER_FIX
        ),
    ),
]


class SiteText(Text):
    """A place with one Docker Swarm."""

    manager: Annotated[
        Annotated[Host, Tag("text")]
        | Annotated[ManagerText, Tag("mapping")]
        | Annotated[list[OneManager], Tag("list"), Field(min_length=1, max_length=20)],
        Discriminator(
            _form,
            custom_error_type="wrong-type",
            custom_error_message="{what}",
            custom_error_context={
                "what": "expected a host name, a mapping with host, user and port, or a list",
                "fix": _MANAGER_FIX,
            },
        ),
    ]
    """The Swarm manager that SSH goes to; a list of several is asked in that order."""
    state: Literal["active", "watched", "planned"] = "active"
    """active: managed; watched: looked at, never changed; planned: shown, never contacted."""
    note: FreeText = ""
    """Anything operators should know; shown beside the site."""
    groups: Annotated[list[GroupName], Field(max_length=20)] = []
    """Groups this site belongs to; {GROUP} in a stack's services stands for each member."""
    stacks: Annotated[
        Annotated[list[StackName], Tag("list"), Field(min_length=1)]
        | Annotated[dict[StackName, UnitText | None], Tag("mapping"), Field(min_length=1)],
        Discriminator(
            _form,
            custom_error_type="wrong-type",
            custom_error_message="{what}",
            custom_error_context={
                "what": "expected a list of stacks, or a mapping from stack to its settings here",
                "fix": "write stacks: [datatrail-client] or stacks: {datatrail-client: {}}",
            },
        ),
    ]
    """The stacks that run here, by the names of their files in stacks/."""


class RecurringText(Text):
    """A freeze that comes again and again."""

    cron: Cron
    """When it begins, five fields of cron in local time: minute, hour, day, month, weekday."""
    lasts: LongDuration
    """How long: 14h, 2h30m."""
    timezone: ZoneName
    """The IANA time zone that is meant: America/Vancouver."""
    reason: Reason
    """Why nothing may go down then; shown to whoever tries."""


class OnceText(Text):
    """A freeze with a beginning and an end."""

    begins: Annotated[LocalTime, Field(alias="from")]
    """Local time: 2026-12-18 00:00."""
    ends: Annotated[LocalTime, Field(alias="until")]
    """Local time: 2027-01-04 08:00."""
    timezone: ZoneName
    """The IANA time zone that is meant: America/Vancouver."""
    reason: Reason
    """Why nothing may go down then; shown to whoever tries."""


def _recurring_or_once(value: object) -> str | None:
    if not isinstance(value, dict):
        return "once"
    return "recurring" if {"cron", "lasts"} & value.keys() else "once"


FreezeText = Annotated[
    Annotated[RecurringText, Tag("recurring")] | Annotated[OnceText, Tag("once")],
    Discriminator(_recurring_or_once),
]


class _GuardText(Text):
    name: GuardName
    """What it is called, in messages and after --override-guard."""
    reason: FreeText = ""
    """What it stands for: "the telescope must not be observing"."""


class CommandGuardText(_GuardText):
    """A program on the operator's machine that must end with 0. No shell reads it."""

    kind: Literal["program"]
    command: Annotated[list[Argument], Field(min_length=1, max_length=100)]
    """The program and its arguments, one word an entry."""
    timeout: GuardDuration = 10.0
    """How long it may take; at most 2m."""


class HttpGuardText(_GuardText):
    """GET http://host:port/path must answer `status`, and its JSON what `expect` says."""

    kind: Literal["http"]
    via: Literal["manager", "here"] = "here"
    """Ask from the machine dtdeploy runs on, or from the coordinator's manager."""
    timeout: GuardDuration = 10.0
    """How long the answer may take; at most 2m."""
    host: Host = "127.0.0.1"
    port: Port
    path: HttpPath = "/"
    status: Annotated[int, Field(ge=100, le=599)] = 200
    expect: dict[JsonPath, str | int | float | bool | None] = {}
    """Values that must stand in the JSON answer, by path: telescope.state: idle."""


GuardText = Annotated[CommandGuardText | HttpGuardText, Field(discriminator="kind")]


class SitesText(Text):
    """sites.yaml: which sites there are, and which stacks run where."""

    version: Literal[1]
    """Version of this file's format."""
    managed_prefix: StackName = ""
    """Every stack whose name begins so belongs to this system, declared here or not."""
    managed: Annotated[list[StackPattern], Field(max_length=100)] = []
    """Stacks whose name matches belong to this system as well: [shop-*, "*-agent"]."""
    ignore: Annotated[list[StackPattern], Field(max_length=100)] = []
    """Stacks whose name matches are other people's and may run beside: [portainer]."""
    coordinator: SiteName
    """The active site whose Swarm holds the lock."""
    stacks: FreeText = "stacks"
    """Folder of the stack files, relative to this file."""
    repos: Annotated[dict[RepoName, RepoText], Field(min_length=1)]
    """The git repositories that hold the compose files."""
    announce: Annotated[list[EnvName], Field(max_length=20)] = []
    """Names of environment variables that hold announcement URLs (Apprise)."""
    grafana_url: EnvName = ""
    """Name of the environment variable that holds Grafana's URL: outages are drawn there."""
    grafana_token: EnvName = ""
    """Name of the environment variable that holds a token for it."""
    metrics: EnvName = ""
    """Name of the environment variable that holds the folder for Prometheus text files."""
    record_key: Literal["optional", "required"] = "optional"
    """Whether runs are signed with the fleet's key, DTDEPLOY_RECORD_KEY: where it is at hand, or
    always, and only signed ones are resumed or rolled back."""
    freeze: Annotated[list[FreezeText], Field(max_length=100)] = []
    """Times at which nothing may be taken down or deployed."""
    guard: Annotated[list[GuardText], Field(max_length=20)] = []
    """Questions that must be answered well before anything is taken down or deployed."""
    sites: Annotated[dict[SiteName, SiteText], Field(min_length=1)]
    """All sites, by name."""


class _ProbeText(Text):
    name: FreeText = ""
    """What to call it in messages."""
    via: Literal["manager", "here"] = "manager"
    """Ask from the site's manager (through SSH), or from the machine dtdeploy runs on."""
    timeout: Duration = 5.0
    """How long one answer may take."""


class HttpText(_ProbeText):
    """GET http://host:port/path must answer 200, and its JSON what `expect` says."""

    kind: Literal["http"]
    host: Host = "127.0.0.1"
    """127.0.0.1 is the machine that asks: the manager itself, with via: manager."""
    port: Port
    path: HttpPath = "/"
    status: Annotated[int, Field(ge=100, le=599)] = 200
    expect: dict[JsonPath, str | int | float | bool | None] = {}
    """Values that must stand in the JSON answer, by path: checks.database.status: ok."""


class TcpText(_ProbeText):
    """A TCP connection to host:port must be accepted."""

    kind: Literal["tcp"]
    host: Host = "127.0.0.1"
    port: Port


class PostgresText(_ProbeText):
    """A PostgreSQL server must answer at host:port; needs no login."""

    kind: Literal["postgres"]
    host: Host
    port: Port = 5432


ProbeText = Annotated[HttpText | TcpText | PostgresText, Field(discriminator="kind")]


class PolicyText(Text):
    """How patient and how careful dtdeploy is. Durations: 30s, 5m, 1m30s, 500ms."""

    remove: Duration = 0.0
    """Longest wait for all tasks to stop; without it the longest stop_grace_period + 30s."""
    healthy: Duration = 0.0
    """Longest wait for health; without it what the health checks may take + 120s."""
    stable: Duration = 10.0
    """How long the same tasks must keep running for the final verdict."""
    poll: Pace = 0.25
    """Time between two looks."""
    failures: Annotated[int, Field(ge=1, le=100)] = 3
    """So many failed tasks in one slot are a crash loop."""
    no_node: Duration = 30.0
    """How long "no suitable node" may last before it is final."""
    prepull: Literal["nodes", "managers", "none"] = "nodes"
    """Where images are pulled before anything stops: on every node that may run them, on the
    manager only, or not at all."""


class StackText(Text):
    """stacks/STACK.yaml: what a stack is, wherever it runs."""

    description: FreeText = ""
    """One line for people."""
    repo: RepoName
    """The repository, as sites.yaml names it, that holds the compose file."""
    compose: ComposePath
    """Path of the compose file in the repository; {site} is the unit's own site."""
    depends_on: Annotated[list[UnitName], Field(max_length=50)] = []
    """Units that must be healthy before this one starts, and outlive it: stack@{site}, …"""
    services: Annotated[list[ServiceName], Field(max_length=500)] = []
    """Services that must be there; {site} stands for each site, {GROUP} for each in a group."""
    finishes: Annotated[list[ServiceName], Field(max_length=500)] = []
    """Services that are meant to end, with exit code 0, though their restart policy is not none;
    written as in `services`."""
    probes: Annotated[list[ProbeText], Field(max_length=50)] = []
    """Questions the running stack must answer before it counts as healthy."""
    requires: Annotated[list[ProbeText], Field(max_length=50)] = []
    """Things outside that must answer before anything is touched, such as a database."""
    announce: bool = False
    """Announce the downtime before this stack goes down."""
    strategy: Literal["recreate", "update"] = "recreate"
    """recreate: taken down and deployed, with all that depends on it; update: deployed over what
    runs, while what depends on it runs on."""
    public: Annotated[list[VariableName], Field(max_length=200)] = []
    """Names of the services' environment variables whose values may be shown where they differ."""
    policy: PolicyText = PolicyText()


# Which model stands where, by pydantic's own `loc`, for naming the nearest known key.
MODELS: tuple[tuple[type[Text], tuple[str, ...], type[Text]], ...] = (
    (SitesText, (), SitesText),
    (SitesText, ("repos", "*"), RepoText),
    (SitesText, ("sites", "*"), SiteText),
    (SitesText, ("sites", "*", "manager", "mapping"), ManagerText),
    (SitesText, ("sites", "*", "manager", "list", "*", "mapping"), ManagerText),
    (SitesText, ("sites", "*", "stacks", "mapping", "*"), UnitText),
    (SitesText, ("freeze", "*", "recurring"), RecurringText),
    (SitesText, ("freeze", "*", "once"), OnceText),
    (SitesText, ("guard", "*", "program"), CommandGuardText),
    (SitesText, ("guard", "*", "http"), HttpGuardText),
    (StackText, (), StackText),
    (StackText, ("policy",), PolicyText),
    *(
        (StackText, (place, "*", kind), model)
        for place in ("probes", "requires")
        for kind, model in (("http", HttpText), ("tcp", TcpText), ("postgres", PostgresText))
    ),
)


def managers_of(site: SiteText) -> list[str | ManagerText]:
    """Return a site's managers as a list, whichever way they are written."""
    return site.manager if isinstance(site.manager, list) else [site.manager]


def keys_at(root: type[Text], loc: tuple[str | int, ...]) -> Mapping[str, FieldInfo]:
    """Return the keys that may stand in the mapping at `loc` of a file shaped like `root`."""
    for top, pattern, model in MODELS:
        if top is root and _fits(pattern, loc):
            return {info.alias or name: info for name, info in model.model_fields.items()}
    return {}


def _fits(pattern: tuple[str, ...], loc: tuple[str | int, ...]) -> bool:
    return len(pattern) == len(loc) and all(
        want in ("*", part) for want, part in zip(pattern, loc, strict=True)
    )
